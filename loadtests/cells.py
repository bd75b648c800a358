"""What one worker records of one arm in one round, and the lines in which it leaves the cluster.

Latencies leave in HDR histograms (hdrhistogram.org): microseconds, 1 us to 60 s, 3 significant digits. While
load is on they are only put down, 8 bytes each: counting them into histograms right away cost the generator
a tenth of what it takes to send. Locust's own statistics round to whole milliseconds and are not read.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hdrh.histogram import HdrHistogram

__all__ = ["PREFIX", "Cell", "line"]

PREFIX: Final = "MESHPROOF-LOAD "  # marks our lines among Locust's in the master's log

LOWEST_US: Final = 1  # the clock is finer; the network is not
HIGHEST_US: Final = 60_000_000  # 60 s: what is beyond is counted, not measured
DIGITS: Final = 3  # 0.1 % of the value


def _milliseconds() -> "array[float]":
    return array("d")


@dataclass(kw_only=True)
class Cell:
    """One (arm, round) of one worker.

    Every request that was sent is counted in exactly one of ``errors`` (whenever it was sent), ``discarded``
    (answered, but meant for the settle time), ``beyond`` (answered after more than 60 s) or the service
    histogram. ``unsent`` are slots that passed before their user was free: a missed rate. ``lag_ms`` is of
    every request that was sent to be measured; ``waited_ms`` is the lag of those in ``service_ms``;
    ``late_ms`` is how late the worker's own clock woke, which has no request to wait for.
    """

    arm: str
    round: int
    requests: int = 0
    discarded: int = 0
    beyond: int = 0
    unsent: int = 0
    connections: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    service_ms: "array[float]" = field(default_factory=_milliseconds)
    waited_ms: "array[float]" = field(default_factory=_milliseconds)
    lag_ms: "array[float]" = field(default_factory=_milliseconds)
    late_ms: "array[float]" = field(default_factory=_milliseconds)

    def sent(self, *, lag_ms: float, settling: bool) -> None:
        """Count one request as it leaves, ``lag_ms`` after its intended start."""
        self.requests += 1
        if not settling:
            self.lag_ms.append(lag_ms)

    def answered(self, *, service_ms: float, lag_ms: float, settling: bool) -> None:
        """Record one success: ``service_ms`` from the actual send; with the lag it is the response time."""
        if settling:
            self.discarded += 1
        elif service_ms * 1000 > HIGHEST_US:
            self.beyond += 1
        else:
            self.service_ms.append(service_ms)
            self.waited_ms.append(lag_ms)

    def as_record(self) -> dict[str, Any]:
        """The cell as JSON can carry it; histograms in HdrHistogram's own compressed base64 form."""
        unfinished = self.requests - (
            self.errors.total() + self.discarded + self.beyond + len(self.service_ms)
        )
        errors = dict(self.errors)
        if unfinished:
            errors["unfinished"] = unfinished
        return {
            "kind": "cell",
            "arm": self.arm,
            "round": self.round,
            "requests": self.requests,
            "errors": errors,
            "discarded": self.discarded,
            "beyond": self.beyond,
            "unsent": self.unsent,
            "connections": self.connections,
            "cpu_s": round(self.cpu_s, 6),
            "wall_s": round(self.wall_s, 6),
            "service": _histogram(self.service_ms),
            "response": _histogram(map(sum, zip(self.service_ms, self.waited_ms, strict=True))),
            "lag": _histogram(self.lag_ms),
            "late": _histogram(self.late_ms),
        }


def _histogram(milliseconds: Iterable[float]) -> str:
    made = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for value in milliseconds:
        made.record_value(min(max(LOWEST_US, round(value * 1000)), HIGHEST_US))
    return str(made.encode().decode())


def line(record: Mapping[str, Any]) -> str:
    """One record as one line of the log."""
    return PREFIX + json.dumps(record, separators=(",", ":"), allow_nan=False)
