"""What one service was asked through the mesh, by the proxies' counters or by a Prometheus's copy of them.

A counter belongs to one process: where it fell, the process began anew, and what it shows is what it gained.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from meshproof.model.exposition import Sample
from meshproof.model.traffic_metrics import ServiceTraffic
from meshproof.observe.counters import DURATION, REQUESTS, Scrape
from meshproof.observe.prometheus import Point, Prometheus

__all__ = ["fallen", "gained", "traffic_from_prometheus", "traffic_from_proxies"]

_BUCKETS: Final = f"{DURATION}_bucket"
_COUNTERS: Final = ("_total", "_bucket", "_count")

_Series = tuple[str, frozenset[tuple[str, str]]]


def traffic_from_proxies(
    before: Scrape, after: Scrape, service: str, namespace: str, *, until: float, window_s: float
) -> ServiceTraffic:
    """The traffic of all HTTP ports of a service between two scrapes; an empty ``before`` means all of it."""
    label = re.compile(_label(service, namespace))
    requests: dict[int, int] = {}
    buckets: dict[float, int] = {}
    for proxy, samples in after.by_proxy.items():
        earlier = _series(before.by_proxy.get(proxy, []))
        for each in samples:
            if label.fullmatch(each.labels.get("service", "")):
                _count(each.name, each.labels, each.value - earlier.get(_key(each), 0.0), requests, buckets)
    return ServiceTraffic(
        service=service,
        namespace=namespace,
        requests={code: count for code, count in sorted(requests.items()) if count},
        buckets=dict(sorted(buckets.items())),
        until=until,
        window_s=window_s,
    )


def traffic_from_prometheus(
    prometheus: Prometheus, service: str, namespace: str, *, until: float, window_s: float
) -> ServiceTraffic:
    """The traffic of all HTTP ports of a service in the ``window_s`` seconds before ``until``, exactly.

    The difference of two moments, series by series: ``increase()`` would extrapolate to the window's ends.
    """
    requests: dict[int, int] = {}
    buckets: dict[float, int] = {}
    for name in (REQUESTS, _BUCKETS):
        selector = f'{name}{{service=~"{_label(service, namespace)}"}}'
        earlier = {
            frozenset(each.labels.items()): each.value
            for each in prometheus.query(selector, at=until - window_s)
        }
        for point in prometheus.query(selector, at=until):
            _count(name, point.labels, _gain(point, earlier), requests, buckets)
    return ServiceTraffic(
        service=service,
        namespace=namespace,
        requests={code: count for code, count in sorted(requests.items()) if count},
        buckets=dict(sorted(buckets.items())),
        until=until,
        window_s=window_s,
    )


def gained(before: Scrape, after: Scrape, name: str, where: Mapping[str, str]) -> float:
    """What a counter gained between two scrapes, summed over proxies and the series that carry ``where``."""
    found = 0.0
    for proxy, samples in after.by_proxy.items():
        earlier = _series(before.by_proxy.get(proxy, []))
        found += sum(
            each.value - earlier.get(_key(each), 0.0)
            for each in samples
            if each.name == name and where.items() <= each.labels.items()
        )
    return found


def fallen(before: Scrape, after: Scrape, where: Mapping[str, str]) -> list[str]:
    """Counters with the labels ``where`` that are lower, or gone, in a process that lived on; in words."""
    found = []
    for proxy in before.by_proxy.keys() & after.by_proxy.keys():
        later = _series(after.by_proxy[proxy])
        for each in before.by_proxy[proxy]:
            if not each.name.endswith(_COUNTERS) or not where.items() <= each.labels.items():
                continue
            now = later.get(_key(each))
            if now is None or now < each.value:
                found.append(f"{each.name}{each.labels} of {proxy}: {each.value:g}, then {now}")
    return found


def _label(service: str, namespace: str) -> str:
    """A pattern of the labels that a service's HTTP ports have: ``<namespace>-<service>-<port>@http``."""
    return f"{namespace}-{service}-[0-9]+@http"


def _gain(point: Point, earlier: Mapping[frozenset[tuple[str, str]], float]) -> float:
    then = earlier.get(frozenset(point.labels.items()), 0.0)
    return point.value if point.value < then else point.value - then


def _count(
    name: str,
    labels: Mapping[str, str],
    gain: float,
    requests: dict[int, int],
    buckets: dict[float, int],
) -> None:
    if name == REQUESTS:
        code = int(labels["code"])
        requests[code] = requests.get(code, 0) + round(gain)
    elif name == _BUCKETS:
        bound = float(labels["le"])
        buckets[bound] = buckets.get(bound, 0) + round(gain)


def _series(samples: Iterable[Sample]) -> dict[_Series, float]:
    return {_key(each): each.value for each in samples}


def _key(sample: Sample) -> _Series:
    return sample.name, frozenset(sample.labels.items())
