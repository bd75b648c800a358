"""What the proxies count, against what was really sent."""

from typing import Final

from fixtures.catalogue import requirement
from fixtures.probe import Client, Metered
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exposition import parse_exposition, total
from meshproof.observe.counters import scrape_proxy

SAMPLE: Final = 25
DELAY_MS: Final = 60  # the server's own time in the latency check: above several bucket bounds


def answers_metrics(kube: KubeApi, namespace: str, pod: str, port: int, path: str) -> bool:
    """Whether a pod answers with metrics there; an API server that does not answer is another matter."""
    try:
        return bool(parse_exposition(kube.pod_get(namespace, pod, port, path)))
    except KubeError as error:
        if error.status == 0:
            raise
        return False


@requirement("TM-METRIC-001")
def test_every_proxy_exposes_valid_metrics(mesh: TraefikMesh, evidence: Facts) -> None:
    """Each proxy's endpoint answers with text that a Prometheus can read, its own counters in it."""
    proxies = mesh.proxies()
    assert proxies, "no proxy is alive"

    for proxy in proxies:
        samples = scrape_proxy(mesh, proxy)
        evidence.record({"proxy": proxy.name, "samples": len(samples)})
        assert total(samples, "traefik_config_reloads_total", {}) >= 1


@requirement("TM-METRIC-002")
def test_request_counter_moves_exactly(metered: Metered, client: Client, echo: Echo) -> None:
    """N requests move the service's counter by N: not one more, not one less."""
    requests = [client.request(echo.mesh_url("/")) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=echo.label, expected=SAMPLE)

    assert [each.status for each in exchanges] == [200] * SAMPLE
    assert movement.total == SAMPLE


@requirement("TM-METRIC-003")
def test_requests_are_counted_by_status_and_method(metered: Metered, client: Client, echo: Echo) -> None:
    """Each request is counted under what was sent and what was answered."""
    asked = [("GET", 200)] * 3 + [("GET", 404)] * 2 + [("POST", 200)] * 4 + [("DELETE", 503)]
    requests = [client.request(echo.mesh_url(f"/status/{status}"), method=method) for method, status in asked]

    _, movement = metered.send(requests, service=echo.label, expected=len(asked))

    assert movement.requests == {
        ("200", "GET"): 3,
        ("404", "GET"): 2,
        ("200", "POST"): 4,
        ("503", "DELETE"): 1,
    }


@requirement("TM-METRIC-004")
def test_latency_histogram_holds_every_request(metered: Metered, client: Client, echo: Echo) -> None:
    """The histogram counts each request, and none as quicker than the server was."""
    requests = [client.request(echo.mesh_url(f"/delay/{DELAY_MS}")) for _ in range(10)]

    exchanges, movement = metered.send(requests, service=echo.label, expected=10)

    server_s = DELAY_MS / 1000
    client_s = sum(each.timing.total_ms for each in exchanges) / 1000
    quicker = {bound: count for bound, count in movement.buckets.items() if bound < server_s and count}
    assert not quicker, f"requests in buckets below {server_s} s: {quicker}"
    assert movement.buckets.get(float("inf")) == 10
    assert 10 * server_s <= movement.seconds <= client_s


@requirement("TM-METRIC-005")
def test_direct_requests_are_not_counted(metered: Metered, client: Client, echo: Echo) -> None:
    """What goes around the mesh moves none of its counters; what goes through it does."""
    direct = [client.request(echo.direct_url("/")) for _ in range(SAMPLE)]
    meshed = [client.request(echo.mesh_url("/"))]

    exchanges, movement = metered.send([*direct, *meshed], service=echo.label, expected=1)

    assert [each.status for each in exchanges] == [200] * (SAMPLE + 1)
    assert movement.total == 1


@requirement("TM-METRIC-006")
def test_annotations_lead_to_the_metrics(kube: KubeApi, mesh: TraefikMesh, evidence: Facts) -> None:
    """Following prometheus.io/scrape, port and path from each proxy's pod ends at its metrics."""
    proxies = mesh.proxies()
    assert proxies, "no proxy is alive"

    for proxy in proxies:
        namespace = mesh.settings.namespace
        pod = kube.get(f"/api/v1/namespaces/{namespace}/pods/{proxy.name}")
        annotations = pod["metadata"].get("annotations", {})
        evidence.record({"proxy": proxy.name, "annotations": annotations})
        assert annotations.get("prometheus.io/scrape") == "true"
        assert annotations.get("prometheus.io/port", "").isdecimal()
        port, path = int(annotations["prometheus.io/port"]), annotations.get("prometheus.io/path", "/metrics")
        assert answers_metrics(kube, namespace, proxy.name, port, path.lstrip("/"))


@requirement("TM-METRIC-007")
def test_traffic_metrics_are_served(kube: KubeApi, mesh: TraefikMesh) -> None:
    """The API server knows the group of SMI TrafficMetrics."""
    del mesh
    groups = {each["name"] for each in kube.get("/apis")["groups"]}

    assert "metrics.smi-spec.io" in groups
