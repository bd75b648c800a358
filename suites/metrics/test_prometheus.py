"""A real Prometheus beside the mesh: what it finds, and what it answers."""

import math
import time
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.observability import MONITORING
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.verdicts import Facts
from fixtures.workloads import Echo, echo_of
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.dashboard import Panel, read_panels, substituted
from meshproof.model.exchange import Request
from meshproof.model.traffic_metrics import PERCENTILES, ServiceTraffic, bucket_around
from meshproof.observe.counters import REQUESTS, Counters
from meshproof.observe.prometheus import Prometheus, QueryRefusedError
from meshproof.observe.traffic import traffic_from_prometheus, traffic_from_proxies
from meshproof.probe.client import Probe

pytestmark = profile("observed")

SCRAPED_S: Final = 15.0  # an interval of 1 s, and what discovery and a busy machine add
SAMPLE: Final = 20
SLOW_MS: Final = 120
FAILURES: Final = 6

# What Grafana would put in: the shortest window that holds enough scrapes, and every service.
VARIABLES: Final = {"__rate_interval": "1m", "service": ".+"}

PANELS: Final = read_panels(MONITORING / "dashboards")


@requirement("TM-METRIC-010")
def test_prometheus_finds_every_proxy(prometheus: Prometheus, mesh: TraefikMesh, evidence: Facts) -> None:
    """Each live proxy is scraped at the address that its annotations lead to, and nothing else is."""
    wanted = {f"http://{each.ip}:8080/metrics": True for each in mesh.proxies()}

    def scraped() -> Look[dict[str, bool]]:
        found = prometheus.targets()
        seen = {each.url: each.up for each in found}
        return Look(met=seen == wanted, value=seen, seen=str(found))

    converged = eventually(scraped, what="Prometheus scrapes every proxy", within=SCRAPED_S)

    evidence.converged(converged.seconds)
    evidence.record({"targets": converged.value})


@requirement("TM-METRIC-011")
def test_prometheus_counts_what_was_sent(
    prometheus: Prometheus, client: Client, echo: Echo, counters: Counters, evidence: Facts
) -> None:
    """Asked for a service's requests, Prometheus answers with exactly what was sent."""
    asked = f'sum(traefik_service_requests_total{{service="{echo.label}",code="200",method="GET"}})'
    before = agreed(prometheus, counters, echo.label)

    client.send([client.request(echo.mesh_url("/")) for _ in range(SAMPLE)])

    agreed(prometheus, counters, echo.label, at_least=before + SAMPLE)
    answered = prometheus.total(asked)
    evidence.record({"query": asked, "before": before, "answered": answered})
    assert (
        prometheus.total(f'sum(traefik_service_requests_total{{service="{echo.label}"}})') == before + SAMPLE
    )


@requirement("TM-METRIC-012")
def test_traffic_metrics_agree_with_what_was_sent(
    prometheus: Prometheus, client: Client, echo: Echo, counters: Counters, evidence: Facts
) -> None:
    """Successes and failures are exact, percentiles lie where the client's own do, by either source."""
    agreed(prometheus, counters, echo.label)
    before, began = counters.scrape(), time.time()
    fast = [client.request(echo.mesh_url("/")) for _ in range(SAMPLE)]
    slow = [client.request(echo.mesh_url(f"/delay/{SLOW_MS}")) for _ in range(SAMPLE)]
    failing = [client.request(echo.mesh_url("/status/503")) for _ in range(FAILURES)]

    exchanges = client.send([*fast, *slow, *failing])

    counters.settled(before, echo.label, expected=len(exchanges))
    agreed(prometheus, counters, echo.label)
    after, until = counters.scrape(), time.time()
    of, window_s = (echo.service, echo.namespace), until - began
    by_proxies = traffic_from_proxies(before, after, *of, until=until, window_s=window_s)
    by_prometheus = traffic_from_prometheus(prometheus, *of, until=until, window_s=window_s)
    evidence.record({"traffic_metrics": by_proxies.smi()})
    assert by_prometheus == by_proxies
    assert (by_proxies.successes, by_proxies.failures) == (2 * SAMPLE, FAILURES)
    assert misplaced(by_proxies, sorted(each.timing.total_ms / 1000 for each in exchanges)) == []


def misplaced(traffic: ServiceTraffic, client_s: list[float]) -> list[str]:
    """Percentiles above the bucket of the client's own (in order), or below the server's time; in words.

    The client waits longer than the server takes, so each of its percentiles is a bound from above.
    """
    found = []
    for each in PERCENTILES:
        told = traffic.latency_s(each)
        rank = math.ceil(each / 100 * len(client_s))
        _, highest = bucket_around(traffic.buckets, client_s[rank - 1])
        is_slow = rank > len(client_s) - SAMPLE
        lowest, _ = bucket_around(traffic.buckets, SLOW_MS / 1000) if is_slow else (0.0, 0.0)
        if told is None or not lowest <= told <= highest:
            found.append(f"p{each} is {told}, expected {lowest} to {highest}")
    return found


def agreed(prometheus: Prometheus, counters: Counters, label: str, *, at_least: float = 0.0) -> float:
    """Wait until Prometheus has what the proxies have counted for a service; return it."""

    def look() -> Look[float]:
        theirs = counters.scrape().total(REQUESTS, {"service": label})
        told = prometheus.total(f'sum({REQUESTS}{{service="{label}"}})')
        return Look(
            met=told == theirs >= at_least, value=told, seen=f"proxies {theirs:g}, Prometheus {told:g}"
        )

    return eventually(look, what="Prometheus has the proxies' counters", within=SCRAPED_S, successes=2).value


@pytest.fixture(scope="module")
def something_to_show(
    session: Session,
    probe: Probe,
    routed: float,
    mesh: TraefikMesh,
    workloads: Workloads,
    prometheus: Prometheus,
    counters: Counters,
) -> None:
    """Traffic of every kind twice: a rate needs a series that was there before it rose."""
    del routed
    echo = echo_of(session, mesh, workloads, "server")
    paths = ["/", "/status/404", "/status/503", "/bytes/1000", f"/delay/{SLOW_MS}"]
    for turn in ("first", "second"):
        requests = [
            Request(id=f"{turn} {path}", url=echo.mesh_url(path), method=method, body=b"12345")
            for path in paths
            for method in ("GET", "POST")
        ]
        probe.send(requests)
        agreed(prometheus, counters, echo.label)


@requirement("TM-METRIC-013")
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_panel_shows_data(
    prometheus: Prometheus, something_to_show: None, evidence: Facts, panel: Panel
) -> None:
    """Every query of the panel runs, and gives a number at least."""
    del something_to_show
    queries = [substituted(each, VARIABLES) for each in panel.queries]

    def shows() -> Look[dict[str, int]]:
        try:
            numbers = {each: [one.value for one in prometheus.query(each)] for each in queries}
        except QueryRefusedError as error:
            raise AssertionError(str(error)) from error
        found = {each: sum(map(math.isfinite, values)) for each, values in numbers.items()}
        return Look(met=all(found.values()), value=found, seen=str(numbers))

    evidence.record({"queries": eventually(shows, what=panel.id, within=SCRAPED_S).value})
