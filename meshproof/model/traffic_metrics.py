"""A service's traffic in the form of SMI TrafficMetrics, from a proxy's counters and latency histogram.

Sources: SMI specification, Traffic Metrics v1alpha1; Prometheus documentation, ``histogram_quantile``.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

__all__ = ["PERCENTILES", "ServiceTraffic", "bucket_around", "quantile"]

PERCENTILES: Final = (50, 90, 99)

_FAILURE: Final = (
    500  # the first status that tells of the server's failure, as the dashboards of SMI meshes count
)


class ServiceTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """What one service was asked, as its proxies saw it.

    ``requests`` is by status code; ``buckets`` the latency histogram's cumulative counts by upper bound in
    seconds; ``until`` seconds since the epoch, ``window_s`` how long before that the counting began.
    """

    service: str
    namespace: str
    requests: dict[int, int]
    buckets: dict[float, int]
    until: float
    window_s: float

    @property
    def successes(self) -> int:
        """Requests that were answered with a status below 500."""
        return sum(count for code, count in self.requests.items() if code < _FAILURE)

    @property
    def failures(self) -> int:
        """Requests that were answered with a status of 500 or more: the server's or the proxy's failure."""
        return sum(count for code, count in self.requests.items() if code >= _FAILURE)

    def latency_s(self, percentile: int) -> float | None:
        """A percentile of the time that the server took, in seconds; None without a request."""
        return quantile(self.buckets, percentile / 100)

    def smi(self) -> dict[str, Any]:
        """The TrafficMetrics object: all traffic to the service, as seen at the server's side of the edge."""
        latencies = [(each, self.latency_s(each)) for each in reversed(PERCENTILES)]
        known = [
            {"name": f"p{each}_response_latency", "unit": "seconds", "value": _quantity(seconds)}
            for each, seconds in latencies
            if seconds is not None
        ]
        return {
            "apiVersion": "metrics.smi-spec.io/v1alpha1",
            "kind": "TrafficMetrics",
            "resource": {"name": self.service, "namespace": self.namespace, "kind": "Service"},
            "edge": {"direction": "from", "side": "server", "resource": {}},
            "timestamp": datetime.fromtimestamp(self.until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "window": f"{self.window_s:.0f}s",
            "metrics": [
                *known,
                {"name": "success_count", "value": str(self.successes)},
                {"name": "failure_count", "value": str(self.failures)},
            ],
        }


def quantile(buckets: Mapping[float, float], q: float) -> float | None:
    """The q-quantile (0 to 1) by Prometheus's rule: linear within a bucket, the last finite bound beyond it.

    ``buckets`` are cumulative counts by upper bound, +Inf among them; None when nothing was counted.
    """
    count = buckets.get(math.inf, 0)
    if count <= 0:
        return None
    rank, below, counted = q * count, 0.0, 0.0
    for bound, cumulative in sorted(buckets.items()):
        if cumulative >= rank and cumulative > counted:
            if math.isinf(bound):
                return below
            return below + (bound - below) * (rank - counted) / (cumulative - counted)
        below, counted = bound, cumulative
    return below


def bucket_around(bounds: Mapping[float, object], value: float) -> tuple[float, float]:
    """The bucket that a value falls into: above the first, at most the second bound."""
    ordered = [0.0, *sorted(bounds)]
    upper = next((each for each in ordered[1:] if value <= each), math.inf)
    return max(each for each in ordered if each < upper), upper


def _quantity(seconds: float) -> str:
    """Seconds as a Kubernetes quantity, to the microsecond: ``10m`` is 10 ms, ``2500u`` is 2.5 ms."""
    micro = round(seconds * 1e6)
    return f"{micro // 1000}m" if micro % 1000 == 0 else f"{micro}u"
