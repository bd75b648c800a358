"""fortio (fortio.org) as the second instrument: its command line, and its results, read strictly.

fortio's histogram has buckets of 50 to 200 us where the latencies of a request lie (at ``-r 0.00001``),
and its percentiles are interpolated in them. So the latencies are read from its access log, which has
each request to the microsecond, and its JSON is what they are held against: number, smallest, largest,
status codes.

Every request is in that log, the first included: a run of an exact number (``-n``) has no warm-up of its
own.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Window", "Yield", "arguments", "read_yield"]

RESOLUTION_S: Final = 0.00001  # of the histogram in fortio's JSON
ROUNDED_S: Final = 0.0000011  # the log has microseconds, the JSON nanoseconds
SOCKET: Final = "-1"  # fortio's code of a request that no status answered

_FEW: Final = 2  # fortio sends no fewer


@dataclass(frozen=True, kw_only=True)
class Window:
    """What is measured of a run, in nanoseconds of Unix time: requests that began in it."""

    begins_ns: int
    ends_ns: int


@dataclass(frozen=True, kw_only=True)
class Yield:
    """Every request of one run of fortio: ``requests`` is the sum of the other three.

    ``discarded`` were answered, but began outside the window, or made the connection (the first).
    """

    requests: int
    service_ms: list[float]
    errors: dict[str, int]
    discarded: int
    sockets: int


def arguments(
    url: str,
    *,
    authority: str,
    requests: int,
    rate_per_s: float,
    payload_bytes: int,
    keep_alive: bool,
    timeout_s: float,
    log: str,
) -> list[str]:
    """Run ``requests`` at a fixed rate over one connection; JSON to standard output, each request to ``log``.

    No catching up: requests that a stall delayed would be sent back to back. Jittered by 10 %, so that no
    other load of a fixed rate is always met at the same moment of its beat.
    """
    options = ["-quiet", "-json", "-", "-r", f"{RESOLUTION_S:.5f}", "-p", "50,90", "-c", "1"]
    options += ["-n", str(max(_FEW, requests)), "-qps", f"{rate_per_s:g}", "-nocatchup", "-jitter"]
    options += ["-timeout", f"{timeout_s:g}s", "-H", f"Host: {authority}", "-log-errors=false"]
    options += ["-access-log-file", log, "-access-log-format", "json"]
    if payload_bytes:
        options += ["-payload-size", str(payload_bytes)]  # which makes it POST
    if not keep_alive:
        options.append("-keepalive=false")
    return ["fortio", "load", *options, url]


def read_yield(result: str, log: str, window: Window) -> Yield:
    """What fortio printed and what it logged become one yield.

    Raises ValueError when either is damaged or cut, or when they do not tell of the same requests.
    """
    seen = _result(result)
    lines = [_line(text, number) for number, text in enumerate(log.splitlines())]
    _check_same(seen, lines)
    service_ms: list[float] = []
    errors: Counter[str] = Counter()
    discarded = 0
    for line in lines:
        if not line.ok:
            errors["socket" if line.code == SOCKET else f"HTTP {line.code}"] += 1
        elif line.first or not window.begins_ns <= line.began_ns < window.ends_ns:
            discarded += 1
        else:
            service_ms.append(line.latency_s * 1000)
    return Yield(
        requests=len(lines),
        service_ms=service_ms,
        errors=dict(errors),
        discarded=discarded,
        sockets=seen.sockets,
    )


@dataclass(frozen=True, kw_only=True)
class _Result:
    count: int
    fastest_s: float
    slowest_s: float
    codes: dict[str, int]
    sockets: int


@dataclass(frozen=True, kw_only=True)
class _Line:
    latency_s: float
    began_ns: int
    first: bool
    ok: bool
    code: str


def _result(text: str) -> _Result:
    found = _object(text, "fortio's JSON")
    times = found.get("DurationHistogram")
    codes = found.get("RetCodes")
    if not isinstance(times, dict) or not isinstance(codes, dict):
        raise ValueError("fortio's JSON: no DurationHistogram or no RetCodes: no result of a load")  # noqa: TRY004 - what was read is wrong
    return _Result(
        count=_whole(times, "Count", "DurationHistogram"),
        fastest_s=_seconds(times, "Min", "DurationHistogram"),
        slowest_s=_seconds(times, "Max", "DurationHistogram"),
        codes={str(code): _whole(codes, code, "RetCodes") for code in codes},
        sockets=_whole(found, "SocketCount", "fortio's JSON"),
    )


def _line(text: str, number: int) -> _Line:
    where = f"line {number + 1} of fortio's log"
    found = _object(text, where)
    ok, code = found.get("ok"), found.get("details")
    if not isinstance(ok, bool) or not isinstance(code, str) or not code:
        raise ValueError(f"{where}: no ok or no details: {text[:80]!r}")
    return _Line(
        latency_s=_seconds(found, "latency", where),
        began_ns=_whole(found, "timestamp", where),
        first=_whole(found, "iter", where) == 0,
        ok=ok,
        code=code,
    )


def _check_same(seen: _Result, lines: list[_Line]) -> None:
    if not lines or seen.count != len(lines):
        raise ValueError(f"fortio counted {seen.count} requests and logged {len(lines)}")
    logged = Counter(line.code for line in lines)
    if seen.codes != dict(logged):
        raise ValueError(f"fortio counted the codes {seen.codes} and logged {dict(logged)}")
    latencies = [line.latency_s for line in lines]
    for name, told, read in (
        ("fastest", seen.fastest_s, min(latencies)),
        ("slowest", seen.slowest_s, max(latencies)),
    ):
        if abs(told - read) > ROUNDED_S:
            raise ValueError(f"fortio's {name} request took {told:g} s, the {name} that it logged {read:g} s")


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: not JSON ({error}): {text[:80]!r}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{where}: not an object: {text[:80]!r}")  # noqa: TRY004 - what was read is wrong
    return found


def _seconds(values: dict[str, Any], key: str, where: str) -> float:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{where}: {key} is {value!r}, expected seconds")
    return float(value)


def _whole(values: dict[str, Any], key: str, where: str) -> int:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{where}: {key} is {value!r}, expected a whole number")
    return value
