"""What it takes that services are in a mesh: the same measure with more and more of them."""

import msgspec

__all__ = ["AtRest", "Growth", "Stage"]


class AtRest(msgspec.Struct, frozen=True, kw_only=True):
    """What one component's containers use together while there is no load; None is what cannot be told."""

    millicores: float | None = None
    working_set_bytes: int | None = None


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """The mesh with ``more`` services than it had, ``services`` in all.

    ``making_s`` is how long making those that were added took. From when the last was made, ``convergence_s``
    is how long it took, by proxy, until it knew the routes of all, and ``named_s`` how long at most until the
    mesh had a name for each, which is looked at after that. Empty and 0 where none was added. The difference
    is that of the median service time, mesh minus direct, as of any measure; None where nothing could be
    judged.
    """

    more: int
    services: int
    profile: str  # that its figures have in the report
    making_s: float = 0.0
    convergence_s: dict[str, float] = {}
    named_s: float = 0.0
    proxies: AtRest = AtRest()
    controller: AtRest = AtRest()
    difference_ms: float | None = None
    interval_ms: tuple[float, float] | None = None
    validity: str = ""


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """Stage after stage. ``proxies_each`` and ``controller_each`` are what one service more takes.

    They are slopes between the second stage and the last, and None where one of both is not known.
    """

    stages: list[Stage]
    proxies_each: AtRest = AtRest()
    controller_each: AtRest = AtRest()
