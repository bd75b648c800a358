"""Deployments of the mesh in turn: what each setting was, and what was measured of each deployment of it."""

from typing import Any

import msgspec

__all__ = ["Deployed", "Deployments", "Setting"]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One way to install the mesh. ``name`` is short (``A``), ``told`` is what the user called it.

    ``files`` are laid over the session's values, ``values`` over these. Versions are as the chart renders.
    """

    name: str
    told: str
    files: list[str] = []
    values: dict[str, Any] = {}
    mesh: str = ""
    proxy: str = ""

    @property
    def title(self) -> str:
        """``B (faster.yaml)``; only the name where the user gave no other."""
        return self.name if self.told == self.name else f"{self.name} ({self.told})"


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment of a setting; times in milliseconds, over its valid rounds.

    ``percentiles`` holds (percentile, direct, mesh), each the mean of the rounds' percentile. At the median
    there are the rounds themselves: ``rounds_ms`` mesh minus direct, ``control_ms`` control minus direct, and
    ``arms_ms`` what another arm through the mesh adds to the mesh's. ``errors`` are failed requests of all
    arms that go through the mesh, warm-up and void rounds included.
    """

    number: int  # in the order in which they were deployed, from 1
    setting: str
    percentiles: list[tuple[float, float, float]] = []
    rounds_ms: list[float] = []
    control_ms: list[float] = []
    arms_ms: dict[str, list[float]] = {}
    errors: int = 0
    void_rounds: dict[str, str] = {}
    left_out: str = ""  # why nothing is judged of it; empty: it is
    put_aside: str = ""  # why it was measured a second time, and this is that; empty: once was enough
    proxies: list[str] = []  # all of them fresh
    deploy_s: float = 0.0
    proxy_cpu_s_per_1000: float | None = None  # of requests through the mesh, where it was watched


class Deployments(msgspec.Struct, frozen=True, kw_only=True):
    """All deployments of one session, and how they spread at the median (standard deviations, milliseconds).

    ``between_ms`` is the spread of one setting's deployments about their mean, without what the rounds add to
    it; ``within_ms`` that of one deployment's rounds. None: too few to tell.
    """

    settings: list[Setting]
    deployed: list[Deployed]
    planned: int
    between_ms: float | None = None
    within_ms: float | None = None
