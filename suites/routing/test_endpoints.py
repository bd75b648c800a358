"""Services of every kind: with differing ports, no cluster address, no pods, or none that are ready."""

from typing import Final

import msgspec
import pytest

from fixtures.catalogue import requirement
from fixtures.probe import Client, Metered
from fixtures.services import ServiceNamed, label_of
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.judge.configuration import routers
from meshproof.judge.crossing import backends, evenness, went_around
from meshproof.mesh.traefik_mesh import TraefikMesh

SAMPLE: Final = 20  # requests: ten turns of a balancer over two endpoints
MANY: Final = 40  # requests: enough for a share that is a little too large
AT_ONCE_MS: Final = (
    1000.0  # an answer of the proxy itself takes some 5 ms, a name that is looked up anew some more
)
NOBODY_S: Final = 0.5  # a connection inside one node is there within 1 ms, or never
FIRST_PORT: Final = 5000  # the entry point of every service's first port


@requirement("TM-ROUTE-040")
def test_named_target_port_is_each_pods_own(
    metered: Metered, client: Client, service_named: ServiceNamed, workloads: Workloads, mesh: TraefikMesh
) -> None:
    """A target port given by name leads to each pod's port of that name, though the numbers differ."""
    service = service_named("differing")
    requests = [client.request(service.mesh_url("/?format=json")) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=service.label, expected=SAMPLE)

    pods = [each.name for app in ("left", "right") for each in workloads.pods(app)]
    assert movement.total == SAMPLE
    assert evenness(backends(exchanges), pods, proxies=len(mesh.proxies())) is None


@requirement("TM-ROUTE-041")
def test_headless_service_is_balanced(
    metered: Metered, client: Client, service_named: ServiceNamed, workloads: Workloads, mesh: TraefikMesh
) -> None:
    """A service without a cluster address has a mesh name like any other, and its pods get their shares."""
    service = service_named("headless")
    label = label_of(service, 8080)
    requests = [client.request(service.mesh_url("/?format=json", port=8080)) for _ in range(MANY)]

    exchanges, movement = metered.send(requests, service=label, expected=MANY)

    replicas = [each.name for each in workloads.pods("server") if each.ready]
    assert movement.total == MANY
    assert evenness(backends(exchanges), replicas, proxies=len(mesh.proxies())) is None


@requirement("TM-ROUTE-042")
def test_external_name_is_no_mesh_service(
    client: Client, service_named: ServiceNamed, mesh: TraefikMesh
) -> None:
    """A service that is but another name has no mesh name, no router, and no answer but 404."""
    external, proxy = service_named("external"), mesh.proxies()[0]
    at_proxy = f"http://{proxy.ip}:{FIRST_PORT}/"

    meshed, direct = client.resolve(external.mesh_host, external.direct_host)
    exchange = client.get(at_proxy, headers=[("Host", external.mesh_host)])

    assert (meshed.addresses, meshed.error is None) == ([], False)
    assert direct.addresses, "the plain name does not resolve either"
    assert exchange.status == 404
    assert not [name for name in routers(mesh.configuration()) if "-external-" in name]


@requirement("TM-ROUTE-044")
def test_pod_that_is_not_ready_gets_nothing(
    metered: Metered, client: Client, service_named: ServiceNamed, workloads: Workloads
) -> None:
    """Of a service's two pods, which both listen, only the ready one gets requests."""
    service, unready = service_named("half-ready"), workloads.pods("unready")
    requests = [client.request(service.mesh_url("/?format=json")) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=service.label, expected=SAMPLE)
    lives = client.get(f"http://{unready[0].ip}:8080/?format=json")

    assert not unready[0].ready
    assert lives.seen_by_server.hostname == unready[0].name, "the pod does not listen: nothing was shown"
    assert dict(backends(exchanges)) == {workloads.pods("left")[0].name: SAMPLE}
    assert movement.total == SAMPLE


@requirement("TM-ROUTE-045")
def test_service_without_endpoints_is_answered_at_once(client: Client, service_named: ServiceNamed) -> None:
    """Where there is no pod the proxy itself says 503, without waiting for one."""
    service = service_named("deserted")

    exchanges = client.send([client.request(service.mesh_url("/?format=json")) for _ in range(SAMPLE)])

    assert [each.status for each in exchanges] == [503] * SAMPLE
    assert not [each.told() for each in exchanges if each.timing.total_ms > AT_ONCE_MS]


@requirement("TM-ROUTE-050")
@pytest.mark.parametrize(
    ("name", "tries"), [pytest.param("older", 3, id="alone"), pytest.param("newer", 2, id="beside-the-newer")]
)
def test_older_annotations_are_still_read(
    metered: Metered, client: Client, service_named: ServiceNamed, name: str, tries: int
) -> None:
    """maesh.containo.us/ annotations count like mesh.traefik.io/ ones, which win where both are given."""
    service = service_named(name)
    requests = [client.request(service.mesh_url("/")) for _ in range(4)]

    _, movement = metered.send(requests, service=service.label, expected=4 * tries)

    assert movement.requests == {("502", "GET"): 4 * tries}


@requirement("TM-ROUTE-053")
def test_port_that_a_service_does_not_have_leads_nowhere(client: Client, echo: Echo) -> None:
    """Neither through the mesh nor without it does a port answer that the service does not name."""
    urls = [url("/?format=json", port=4242) for url in (echo.mesh_url, echo.direct_url)]
    requests = [msgspec.structs.replace(client.request(each), timeout_s=NOBODY_S) for each in urls]

    meshed, direct = client.send(requests)

    assert meshed.response is None, meshed.told()
    assert direct.response is None, direct.told()


@requirement("TM-ROUTE-053")
def test_entry_point_beyond_a_services_ports_is_not_found(
    client: Client, echo: Echo, mesh: TraefikMesh
) -> None:
    """The proxies' entry points are everybody's: the one of a tenth port knows no service that has two."""
    proxy = mesh.proxies()[0]
    named = [("Host", echo.mesh_host)]

    known, unknown = client.send(
        [
            client.request(f"http://{proxy.ip}:{FIRST_PORT + index}/?format=json", headers=named)
            for index in (1, 9)
        ]
    )

    assert went_around(known.seen_by_server, [proxy]) is None
    assert (unknown.status, unknown.seen) == (404, None)


@requirement("TM-ROUTE-057")
def test_port_without_a_name_is_mapped(
    metered: Metered, client: Client, service_named: ServiceNamed, mesh: TraefikMesh
) -> None:
    """A port that has no name, and another number than its target, is reached, and the server is told it."""
    service = service_named("nameless")
    label = label_of(service, 8123)
    request = client.request(service.mesh_url("/?format=json", port=8123))

    exchanges, movement = metered.send([request], service=label, expected=1)

    seen = exchanges[0].seen_by_server
    assert went_around(seen, mesh.proxies()) is None
    assert seen.header("X-Forwarded-Port") == "8123"
    assert movement.total == 1
