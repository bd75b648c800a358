"""The proxies' request counters: what moved for one service, summed over the proxies.

A service label tells services apart where the entry point does not: http-5000 is shared by every service's
first port. Counters belong to a process: a proxy that restarted begins anew and is never subtracted from.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from meshproof.cluster.kube import KubeError
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.mesh.adapter import ProxyPod
from meshproof.model.exposition import (
    ExpositionError,
    Sample,
    histogram_buckets,
    parse_exposition,
    total,
)

__all__ = ["Counters", "Movement", "Scrape", "moved", "scrape_proxy", "service_label"]

REQUESTS: Final = "traefik_service_requests_total"
DURATION: Final = "traefik_service_request_duration_seconds"
RETRIES: Final = "traefik_service_retries_total"
RELOADS: Final = "traefik_config_reloads_total"

_RISEN_S: Final = (
    3.0  # a counter rises just after its response ended: milliseconds, unless the machine is busy
)
_NO_METRICS: Final = {404, 500, 502, 503}  # what the API server passes on from the pod, or says in its place
_STAYS_LOOKS: Final = 3  # looks that must agree before a counter counts as settled
_LOOK_EVERY_S: Final = 0.1


class MeteredMesh(Protocol):
    """The part of a mesh that is needed here."""

    def proxies(self) -> tuple[ProxyPod, ...]:
        """The live proxies."""
        ...

    def proxy_metrics(self, proxy: ProxyPod) -> str:
        """A proxy's metrics as text."""
        ...


def service_label(service: str, namespace: str, port: int) -> str:
    """How a Traefik Mesh proxy labels a service's HTTP port. Source: v1.4.8, ``pkg/provider/key.go``."""
    return f"{namespace}-{service}-{port}@http"


class Scrape(msgspec.Struct, frozen=True, kw_only=True):
    """Every proxy's samples at one moment, by the pod's UID and the start of its process."""

    by_proxy: dict[str, list[Sample]]

    def total(self, name: str, where: Mapping[str, str]) -> float:
        """The sum over all proxies."""
        return sum(total(samples, name, where) for samples in self.by_proxy.values())


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """What moved for one service between two scrapes; ``requests`` by ``(code, method)``.

    Each try of a request that is tried again counts as a request, and from the second on in ``retries``, too.
    ``buckets`` are the latency histogram's cumulative counts by upper bound in seconds, ``seconds`` its sum.
    ``reloads`` above 0 makes the sample void: a reload rebuilds every balancer.
    """

    service: str
    requests: dict[tuple[str, str], int]
    seconds: float
    buckets: dict[float, int]
    reloads: int
    proxies: tuple[str, ...]
    retries: int = 0

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.requests.values())

    def facts(self) -> dict[str, Any]:
        """The movement as evidence."""
        counts = {f"{code} {method}": count for (code, method), count in self.requests.items()}
        return {
            "counter": {
                "service": self.service,
                "requests": counts,
                "retries": self.retries,
                "seconds": round(self.seconds, 6),
                "reloads": self.reloads,
                "proxies": list(self.proxies),
            }
        }


class Counters:
    """Scrapes the proxies of one mesh."""

    def __init__(self, mesh: MeteredMesh) -> None:
        self._mesh = mesh

    def scrape(self) -> Scrape:
        """Every live proxy's samples. Raises ExpositionError for a proxy that has no metrics to give."""
        by_proxy = {}
        for proxy in self._mesh.proxies():
            samples = scrape_proxy(self._mesh, proxy)
            started = total(samples, "process_start_time_seconds", {})
            by_proxy[f"{proxy.uid}@{started:.2f}"] = samples
        return Scrape(by_proxy=by_proxy)

    def settled(self, before: Scrape, service: str, *, expected: int) -> Movement:
        """Await that ``service`` moved by ``expected`` and then stays; return what it really moved by.

        A counter that never gets there is not an error here: the movement says so, and the check judges it.
        """

        def look() -> Look[Movement]:
            movement = moved(before, self.scrape(), service)
            return Look(met=movement.total >= expected, value=movement, seen=str(movement.facts()))

        try:
            return eventually(
                look,
                what=f"counter of {service}",
                within=_RISEN_S,
                successes=_STAYS_LOOKS,
                every=_LOOK_EVERY_S,
            ).value
        except WaitTimedOutError:
            return moved(before, self.scrape(), service)


def scrape_proxy(mesh: MeteredMesh, proxy: ProxyPod) -> list[Sample]:
    """One proxy's samples. Raises ExpositionError when it answers with anything else than metrics."""
    try:
        return parse_exposition(mesh.proxy_metrics(proxy))
    except KubeError as error:
        if error.status in _NO_METRICS:
            raise ExpositionError(f"{proxy.name} has no metrics to give: {error.problem}") from error
        raise


def moved(before: Scrape, after: Scrape, service: str) -> Movement:
    """The difference of two scrapes for one service; a proxy that was not there before began at 0."""
    requests: dict[tuple[str, str], int] = {}
    buckets: dict[float, int] = {}
    seconds = 0.0
    reloads = 0.0
    retries = 0.0
    here = {"service": service}
    for uid, samples in after.by_proxy.items():
        earlier = before.by_proxy.get(uid, [])
        for sign, side in ((1, samples), (-1, earlier)):
            for each in side:
                if each.name == REQUESTS and each.labels.get("service") == service:
                    key = (each.labels.get("code", ""), each.labels.get("method", ""))
                    requests[key] = requests.get(key, 0) + sign * int(each.value)
            for bound, count in histogram_buckets(side, DURATION, here).items():
                buckets[bound] = buckets.get(bound, 0) + sign * int(count)
            seconds += sign * total(side, f"{DURATION}_sum", here)
            reloads += sign * total(side, RELOADS, {})
            retries += sign * total(side, RETRIES, here)
    return Movement(
        service=service,
        requests={key: count for key, count in sorted(requests.items()) if count},
        seconds=seconds,
        buckets=buckets,
        reloads=int(reloads),
        proxies=tuple(after.by_proxy),
        retries=int(retries),
    )
