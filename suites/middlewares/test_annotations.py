"""Annotations: their defaults, what becomes of meaningless ones, and several on one service."""

from typing import Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client, Metered
from fixtures.samples import Sampler
from fixtures.services import REFUSED, ServiceNamed, label_of, open_breaker
from fixtures.verdicts import Facts
from fixtures.wire import IDENTITY, Wire, new_identity
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.judge.middlewares import complaints
from meshproof.judge.token_bucket import refusals, tokens_allow
from meshproof.mesh.control_api import CONTROLLER
from meshproof.mesh.objects import pods_in
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Exchange, FailureKind

pytestmark = profile("services")

BURST: Final = 5  # of mw-all, with one token a second
STORM: Final = 20
TRIES: Final = 2  # of mw-all
ERRORS: Final = [400, 404, 418, 429, 500, 502, 503, 504]


@requirement("TM-MW-010")
@pytest.mark.parametrize("name", ["mw-none", "mw-scheme-http"])
def test_scheme_is_http(client: Client, service_named: ServiceNamed, mesh: TraefikMesh, name: str) -> None:
    """Without the annotation, and with `http`, a server is spoken to in HTTP/1.1 without TLS."""
    seen = client.get(service_named(name).mesh_url("/?format=json")).seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert (seen.proto, seen.header("X-Forwarded-Proto")) == ("HTTP/1.1", "http")


@requirement("TM-MW-011")
@pytest.mark.parametrize("what", ["retry", "average", "burst", "breaker", "scheme", "type"])
def test_meaningless_value_stays_with_its_service(
    client: Client,
    echo: Echo,
    kube: KubeApi,
    mesh: TraefikMesh,
    service_named: ServiceNamed,
    evidence: Facts,
    what: str,
) -> None:
    """The service is served without it or not at all, the mesh says why, and others are served."""
    service = service_named(f"mw-bad-{what}")

    exchange, other = client.send(
        [client.request(each.mesh_url("/?format=json")) for each in (service, echo)]
    )
    told = told_of(service, kube, mesh)

    evidence.record({"told": told})
    unknown = exchange.failure is not None and exchange.failure.kind is FailureKind.DNS
    assert unknown or exchange.status == 404 or exchange.seen, exchange.told()
    assert told, "neither the controller's log nor a proxy says what is wrong"
    assert went_around(other.seen_by_server, mesh.proxies()) is None


def told_of(service: Echo, kube: KubeApi, mesh: TraefikMesh) -> list[str]:
    """What the mesh says is wrong with a service: the controller's log, and the proxies' own words."""
    namespace = mesh.settings.namespace
    named = (f"{service.namespace}/{service.service}", f"{service.service}@{service.namespace}")
    lines = [
        line
        for pod in pods_in(kube, namespace, selector=CONTROLLER)
        for line in kube.log(namespace, pod["metadata"]["name"], "traefik-mesh-controller").splitlines()
        if any(each in line for each in named) and "level=error" in line
    ]
    router = f"{service.namespace}-{service.service}-80"
    refused = [complaints(mesh.proxy_configuration(proxy)).get(router, "") for proxy in mesh.proxies()]
    return list(dict.fromkeys([*lines, *filter(None, refused)]))


@requirement("TM-MW-012")
def test_middlewares_work_together(
    metered: Metered, client: Client, service_named: ServiceNamed, sampler: Sampler
) -> None:
    """With all three the limit holds, refused connections are tried again, slow answers open the breaker."""
    stormed, other = service_named("mw-all"), service_named("mw-all-too")
    refused = client.request(other.mesh_url(port=REFUSED))

    limited = client.send([client.request(stormed.mesh_url("/"), fresh=False) for _ in range(STORM)])
    tried, movement = metered.send([refused], service=label_of(other, REFUSED), expected=TRIES)
    slow, quick = other.mesh_url("/delay/150"), other.mesh_url("/")

    def opened() -> tuple[list[Exchange], Exchange]:
        answers = open_breaker(lambda: client.get(slow), every=1.0)  # as often as the limit allows
        return answers, client.get(quick)

    sample = sampler.take(opened)
    answers, after = sample.exchanges

    found = refusals(limited)
    assert found.passed in tokens_allow(found, average=1, burst=BURST)
    assert (tried[0].status, movement.requests) == (502, {("502", "GET"): TRIES})
    assert {each.status for each in answers} <= {200}
    assert len(answers) == 1 or sample.retaken, "one of one fulfils the expression"
    assert after.status == 503


@requirement("TM-MW-014")
@pytest.mark.parametrize("status", ERRORS)
def test_error_of_the_server_passes_unchanged(
    client: Client, echo: Echo, workloads: Workloads, service_named: ServiceNamed, status: int
) -> None:
    """A server's error comes back as without the mesh, body and headers, and the server is asked once."""
    identities = new_identity(), new_identity()
    service = service_named("mw-gentle")
    meshed, direct = client.send(
        [
            client.request(url(f"/status/{status}?format=json"), headers=[(IDENTITY, each)])
            for url, each in zip((service.mesh_url, service.direct_url), identities, strict=True)
        ]
    )

    assert meshed.response is not None, meshed.told()
    assert direct.response is not None, direct.told()
    assert meshed.status == direct.status == status
    assert meshed.response.header("X-Echo-Hostname") is not None, "the answer is not the server's own"
    assert meshed.response.header("Content-Type") == direct.response.header("Content-Type")
    assert meshed.seen_by_server.header(IDENTITY) == identities[0]
    assert Wire(client, echo, workloads).times_seen(*identities) == dict.fromkeys(identities, 1)
