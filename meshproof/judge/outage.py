"""When constant traffic lost something, seen from the moment that something broke. Pure."""

from dataclasses import dataclass
from typing import Any

from meshproof.model.streams import SteadyTraffic

__all__ = ["Outage", "outage"]


@dataclass(frozen=True, kw_only=True)
class Outage:
    """The requests that got no 2xx: ``said`` counts what came of them.

    ``first_s`` and ``last_s`` are when the first and the last of them was sent, in seconds since the fault;
    negative before it.
    """

    sent: int
    lost: int
    first_s: float | None
    last_s: float | None
    said: dict[str, int]

    @property
    def until_s(self) -> float:
        """When the last of the lost was sent; 0 where none was, or none after the fault."""
        return max(0.0, self.last_s or 0.0)

    def facts(self) -> dict[str, Any]:
        """As evidence."""
        between = None if self.first_s is None else [self.first_s, self.last_s]
        return {"outage": {"sent": self.sent, "lost": self.lost, "said": self.said, "between_s": between}}


def outage(traffic: SteadyTraffic, *, since: float) -> Outage:
    """Sum constant traffic up; ``since`` is the moment of the fault, in seconds since the epoch."""
    times = [round(each.at - since, 3) for each in traffic.troubles]
    refused = {str(status): count for status, count in traffic.answered.items() if not 200 <= status < 300}
    return Outage(
        sent=traffic.sent,
        lost=traffic.lost,
        first_s=min(times, default=None),
        last_s=max(times, default=None),
        said={**refused, **traffic.failed},
    )
