"""What fortio 1.57.3 printed and logged, cut to what is read, and changed where a test needs it."""

import json
from collections.abc import Sequence
from typing import Any, Final

BEGAN_NS: Final = 1_796_010_223_049_422_066
GAP_NS: Final = 33_000_000

LATENCIES_S: Final = (0.000817, 0.003452, 0.000337, 0.000288)


def result(latencies_s: Sequence[float] = LATENCIES_S, **changed: Any) -> dict[str, Any]:
    """Its JSON: the slowest and the fastest are told to the nanosecond."""
    found: dict[str, Any] = {
        "RunType": "HTTP",
        "RequestedQPS": "30",
        "ActualQPS": 30.1,
        "NumThreads": 1,
        "Version": "1.57.3",
        "DurationHistogram": {
            "Count": len(latencies_s),
            "Min": min(latencies_s) - 2.1e-8,
            "Max": max(latencies_s) + 4.74e-7,
            "Percentiles": [{"Percentile": 50, "Value": 0.000425}],
        },
        "RetCodes": {"200": len(latencies_s)},
        "SocketCount": 1,
    }
    return found | changed


def log(latencies_s: Sequence[float] = LATENCIES_S, *, codes: Sequence[str] | None = None) -> str:
    """Its access log: a line a request, 33 ms apart."""
    lines = []
    for number, latency in enumerate(latencies_s):
        code = codes[number] if codes else "200"
        lines.append(
            f'{{"latency":{latency:f},"timestamp":{BEGAN_NS + number * GAP_NS},"thread":0,"iter":{number},'
            f'"ok":{"true" if code == "200" else "false"},"details":"{code}"}}\n'
        )
    return "".join(lines)


def printed(**changed: Any) -> str:
    """The JSON as text."""
    return json.dumps(result(**changed), indent=2)
