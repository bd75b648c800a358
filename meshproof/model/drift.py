"""Whether something changes from the first round of a soak to its last."""

from enum import StrEnum

import msgspec

__all__ = ["Drift", "Unit"]


class Unit(StrEnum):
    """What a drift is counted in."""

    MILLISECONDS = "ms"
    MEBIBYTES = "MiB"


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """The slope of one series (Theil and Sen's) per hour, with its 95 % interval.

    ``of`` names the series, ``points`` how many it had, ``over_s`` the seconds between the first and the
    last; ``shown`` is whether the interval excludes zero.
    """

    of: str
    unit: Unit
    per_hour: float
    interval_per_hour: tuple[float, float]
    over_s: float
    points: int
    shown: bool
