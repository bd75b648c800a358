"""The proxies' counters among one another: labels, bytes, entry points, reloads, and the text itself."""

import math
from collections.abc import Iterator
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import proxies_have
from fixtures.probe import Client, Metered
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.judge.configuration import routers
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exposition import Family, parse_families
from meshproof.observe.counters import REQUESTS, Counters
from meshproof.observe.traffic import fallen, gained

SAMPLE: Final = 10
BUCKETS_FLAG: Final = "--metrics.prometheus.buckets="

_LAYERS: Final = ("traefik_entrypoint_", "traefik_service_", "traefik_router_")


def counts_of(layer: str, families: list[Family]) -> list[str]:
    """The families of a layer's requests, durations and bytes."""
    return [each.name for each in families if each.name.startswith(layer) and "request" in each.name]


@requirement("TM-METRIC-014")
def test_entry_points_and_services_are_labelled(
    metered: Metered, client: Client, echo: Echo, mesh: TraefikMesh
) -> None:
    """Requests are counted by entry point and by service; by router only where that was asked for."""
    metered.send([client.request(echo.mesh_url("/"))], service=echo.label, expected=1)

    for proxy in mesh.proxies():
        families = parse_families(mesh.proxy_metrics(proxy))
        by_entry_point, by_service, by_router = (counts_of(layer, families) for layer in _LAYERS)
        assert by_entry_point
        assert by_service
        assert not by_router


@requirement("TM-METRIC-015")
@profile("observed")
def test_routers_are_labelled_when_asked(
    metered: Metered, client: Client, echo: Echo, counters: Counters
) -> None:
    """With router labels on, a router's counter moves by what was sent through it."""
    before = counters.scrape()
    requests = [client.request(echo.mesh_url("/")) for _ in range(SAMPLE)]

    metered.send(requests, service=echo.label, expected=SAMPLE)

    after = counters.scrape()
    router = {"router": echo.label, "service": echo.label, "code": "200", "method": "GET"}
    assert gained(before, after, "traefik_router_requests_total", router) == SAMPLE
    assert gained(before, after, "traefik_router_request_duration_seconds_count", router) == SAMPLE


@pytest.fixture
def another_service(workloads: Workloads) -> Iterator[dict[str, Any]]:
    """A Service that is not there yet, before the same pods; removed at the end."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "one-more"},
        "spec": {"selector": {"app": "server"}, "ports": [{"name": "web", "port": 80, "targetPort": "web"}]},
    }
    yield manifest
    workloads.remove_service("one-more")


@requirement("TM-METRIC-016")
@stage("change")
def test_counters_survive_a_reload(
    metered: Metered,
    client: Client,
    echo: Echo,
    counters: Counters,
    workloads: Workloads,
    mesh: TraefikMesh,
    another_service: dict[str, Any],
    evidence: Facts,
) -> None:
    """A proxy that takes up another configuration goes on counting where it was."""
    metered.send([client.request(echo.mesh_url("/"))], service=echo.label, expected=1)
    before = counters.scrape()

    workloads.create(another_service)
    router = echo.label.removesuffix("@http").replace(echo.service, "one-more")
    took = proxies_have(mesh, lambda each: router in routers(each), what="proxies know the new service")

    after = counters.scrape()
    evidence.record({"seconds until the reload": took})
    assert before.total(REQUESTS, {"service": echo.label}) > 0
    assert gained(before, after, "traefik_config_reloads_total", {}) >= len(mesh.proxies())
    assert fallen(before, after, {"service": echo.label}) == []
    assert fallen(before, after, {"entrypoint": "http-5000"}) == []


@requirement("TM-METRIC-017")
def test_bytes_are_counted_exactly(client: Client, echo: Echo, counters: Counters, evidence: Facts) -> None:
    """The bytes of bodies sent and received move the service's counters by exactly their number."""
    bodies = [b"", b"x" * 1_000, b"y" * 70_000]
    requests = [client.request(echo.mesh_url("/"), method="POST", body=body) for body in bodies]
    requests += [client.request(echo.mesh_url(f"/bytes/{count}")) for count in (0, 1, 100_000)]
    before = counters.scrape()

    exchanges = client.send(requests)

    assert [each.told() for each in exchanges if each.status != 200] == []
    counters.settled(before, echo.label, expected=len(requests))
    after = counters.scrape()
    came = sum(each.response.body_length for each in exchanges if each.response)
    counted = {
        way: gained(before, after, f"traefik_service_{way}_bytes_total", {"service": echo.label})
        for way in ("requests", "responses")
    }
    evidence.record({"bytes_counted": counted})
    assert counted == {"requests": sum(len(body) for body in bodies), "responses": came}


@requirement("TM-METRIC-018")
def test_entry_points_count_what_services_do_and_the_rest(
    client: Client, echo: Echo, counters: Counters, evidence: Facts
) -> None:
    """An entry point counts every request that came to it: those of its services, and those of nobody."""
    stranger = [("Host", f"stranger.{echo.namespace}.traefik.mesh")]
    requests = [client.request(echo.mesh_url("/")) for _ in range(SAMPLE)]
    requests += [client.request(echo.mesh_url("/"), headers=stranger) for _ in range(3)]
    before = counters.scrape()

    client.send(requests)

    counters.settled(before, echo.label, expected=SAMPLE)
    after = counters.scrape()
    counted = {
        "service": gained(before, after, "traefik_service_requests_total", {"service": echo.label}),
        "entry point 200": gained(
            before, after, "traefik_entrypoint_requests_total", {"entrypoint": "http-5000", "code": "200"}
        ),
        "entry point 404": gained(
            before, after, "traefik_entrypoint_requests_total", {"entrypoint": "http-5000", "code": "404"}
        ),
    }
    evidence.record({"counted": counted})
    assert counted == {"service": SAMPLE, "entry point 200": SAMPLE, "entry point 404": 3}


@requirement("TM-METRIC-019")
def test_exposition_is_well_formed(
    metered: Metered, client: Client, echo: Echo, mesh: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """Each family has a type and a help text, each histogram rises through the configured buckets."""
    metered.send([client.request(echo.mesh_url("/"))], service=echo.label, expected=1)

    for proxy in mesh.proxies():
        families = parse_families(mesh.proxy_metrics(proxy))
        pod = kube.get(f"/api/v1/namespaces/{mesh.settings.namespace}/pods/{proxy.name}")
        bounds = configured_buckets(pod)
        evidence.record({"proxy": proxy.name, "families": len(families), "buckets": bounds})
        assert [each.name for each in families if each.type == "unknown" or not each.help] == []
        histograms = [each for each in families if each.type == "histogram" and "traefik" in each.name]
        assert histograms
        for each in histograms:
            assert not_rising(each, bounds) == []


def configured_buckets(pod: dict[str, Any]) -> list[float]:
    """The upper bounds that a proxy was started with, and the last one."""
    arguments = [each for part in pod["spec"]["containers"] for each in part.get("args", [])]
    text = next(each for each in arguments if each.startswith(BUCKETS_FLAG)).removeprefix(BUCKETS_FLAG)
    return [*(float(each) for each in text.split(",")), math.inf]


def not_rising(family: Family, bounds: list[float]) -> list[str]:
    """The series of a histogram that lack a bucket, fall, or do not end at their count; each in words."""
    series: dict[frozenset[tuple[str, str]], dict[float, float]] = {}
    counts: dict[frozenset[tuple[str, str]], float] = {}
    for each in family.samples:
        key = frozenset((name, value) for name, value in each.labels.items() if name != "le")
        if each.name.endswith("_bucket"):
            series.setdefault(key, {})[float(each.labels["le"])] = each.value
        elif each.name.endswith("_count"):
            counts[key] = each.value
    return [
        f"{family.name}{dict(key)}: {buckets}"
        for key, buckets in series.items()
        if sorted(buckets) != bounds
        or sorted(buckets.values()) != [buckets[bound] for bound in bounds]
        or buckets[math.inf] != counts.get(key)
    ]
