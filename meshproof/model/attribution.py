"""Where the cost of a mesh comes from: what each of its parts adds to the bare hop."""

from enum import StrEnum
from typing import Final

import msgspec

from meshproof.model.deployment import Deployments

__all__ = ["HOP", "Attribution", "PartCost", "PartKind"]

HOP: Final = "bare hop"


class PartKind(StrEnum):
    """How a part was told from the hop."""

    HOP = "hop"  # the mesh's arm minus the direct one, of the bare proxies
    SETTING = "setting"  # proxies deployed with it, minus those deployed without
    MIDDLEWARE = "middleware"  # another arm of the bare proxies, minus their mesh's arm


class PartCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one part adds at the median, milliseconds; the hop's own is mesh minus direct.

    The 95 % interval rests on the means of ``deployments`` deployments (of each setting, of the bare one
    where it is a middleware). ``noise_floor_ms`` is the largest absolute bound that the same reckoning gives
    for control minus direct. ``validity`` is ``valid`` or why the figures cannot be used. CPU is of all
    proxies per 1,000 requests through the mesh, of one watched deployment: it has no interval.
    """

    part: str
    kind: PartKind
    added_ms: float | None
    interval_ms: tuple[float, float] | None
    noise_floor_ms: float | None
    p_value: float | None
    deployments: tuple[int, int]  # without the part, with it
    rounds: tuple[int, int]
    validity: str
    confidence: float = 0.95
    cpu_s_per_1000: float | None = None

    @property
    def shown(self) -> bool:
        """Whether the part was told from nothing: beyond the noise floor, zero outside the interval."""
        if self.added_ms is None or self.interval_ms is None or self.noise_floor_ms is None:
            return False
        low, high = self.interval_ms
        return (low > 0 or high < 0) and abs(self.added_ms) > self.noise_floor_ms


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """The bare hop and what was added to it, one part at a time: parts together may cost more or less."""

    profile: str
    parts: list[PartCost]
    deployments: Deployments
    instrument: str = "locust"
    notes: list[str] = []
