"""Targets made to reach something else: they arrive as they are, at the service that was asked."""

from typing import Final

import pytest

from fixtures.catalogue import requirement
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.wire import Wire
from fixtures.workloads import Echo
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh

# Paths that the proxies answer themselves, on ports of their own.
PROXYS_OWN: Final = (
    "/api/rawdata",
    "/api/overview",
    "/api/version",
    "/api/entrypoints",
    "/ping",
    "/metrics",
    "/dashboard/",
    "/debug/pprof/",
    "/debug/vars",
    "/api/configuration/current",
    "/api/status/nodes",
)


@requirement("TM-SEC-011")
@pytest.mark.parametrize(
    "target",
    [
        "/a/../b",
        "/../../../../api/rawdata",
        "/%2e%2e/%2e%2e/ping",
        "/a/%2e%2e%2fb",
        "/..;/b",
        "//ping",
        "///a//b/",
        "/./a/.",
        "/%00/a%00b",
        "/a%0d%0aX-Injected:%201",
        "/a%23b%3fc",
        "/%ff%fe",
        "/a;b=c/d",
        "/a?b=%0d%0aX-Injected:%201",
        "/a?b=../../c&d=/%2e%2e/",
    ],
)
def test_crafted_target_arrives_as_sent(wire: Wire, mesh: TraefikMesh, target: str) -> None:
    """Nothing is resolved, decoded or cleaned: the server sees the target to the letter and no new header."""
    sent = f"{target}{'&' if '?' in target else '?'}format=json"

    answers = wire.get(sent)

    assert len(answers) == 1
    seen = answers[0].seen
    assert seen is not None, answers
    assert went_around(seen, mesh.proxies()) is None
    assert seen.url == sent
    assert seen.header("X-Injected") is None


@requirement("TM-SEC-012")
@pytest.mark.parametrize(
    ("target", "encoded"),
    [
        pytest.param("/a\\..\\b", "/a%5C..%5Cb", id="backslash"),
        pytest.param("/a#b", None, id="fragment"),
        pytest.param("/a b", None, id="space"),
        pytest.param("/a\x00b", None, id="NUL"),
        pytest.param("/a%zz", None, id="bad escape"),
        pytest.param("a", None, id="no slash"),
        pytest.param("/a\tb", None, id="tab"),
    ],
)
def test_target_that_is_none_is_refused(wire: Wire, target: str, encoded: str | None) -> None:
    """What RFC 9112 does not allow as a target is refused, or arrives with the illegal characters encoded."""
    answers = wire.get(f"{target}?format=json")

    assert len(answers) == 1
    seen = answers[0].seen
    arrived = seen.url.removesuffix("?format=json") if seen else None
    assert arrived in {None, encoded}
    assert seen or answers[0].status in {400, 404}


@requirement("TM-SEC-013")
def test_semicolon_of_a_query_stays_in_its_parameter(wire: Wire, mesh: TraefikMesh) -> None:
    """A semicolon arrives as it is or encoded: turned into an ampersand it makes two parameters of one."""
    sent = "/?format=json&note=a;admin=true"
    encoded = sent.replace(";", "%3B")

    answers = wire.get(sent)

    assert len(answers) == 1
    seen = answers[0].seen
    assert seen is not None, answers
    assert went_around(seen, mesh.proxies()) is None
    assert seen.url in {sent, encoded}


@requirement("TM-SEC-014")
def test_proxys_own_paths_lead_to_the_service(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """What a proxy answers on its own port is, through the mesh, a path of the service like any other."""
    requests = [client.request(echo.mesh_url(f"{path}?format=json")) for path in PROXYS_OWN]

    exchanges = client.send(requests)

    assert [each.seen_by_server.url for each in exchanges] == [f"{path}?format=json" for path in PROXYS_OWN]
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]


@requirement("TM-SEC-014")
@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "traefik", "traefik-mesh-controller.traefik-mesh.svc"]
)
def test_no_host_leads_to_the_mesh_itself(client: Client, echo: Echo, evidence: Facts, host: str) -> None:
    """A Host of the proxy's or the controller's own is no service of the mesh: 404 for their paths."""
    requests = [client.request(echo.mesh_url(path), headers=[("Host", host)]) for path in PROXYS_OWN]

    exchanges = client.send(requests)

    evidence.record({"host": host})
    assert [each.status for each in exchanges] == [404] * len(PROXYS_OWN)
    assert not [each for each in exchanges if each.seen]


@requirement("TM-SEC-015")
def test_controller_is_no_service_of_the_mesh(client: Client, mesh: TraefikMesh, evidence: Facts) -> None:
    """The controller's Service has no mesh name, and no proxy's router leads to it."""
    controller = f"{mesh.settings.release}-controller"
    resolution = client.resolve(mesh.mesh_host(controller, mesh.settings.namespace))[0]
    rules = [
        router["rule"]
        for proxy in mesh.proxies()
        for router in mesh.proxy_configuration(proxy)["routers"].values()
    ]

    evidence.record({"rules": rules})
    assert rules
    assert resolution.addresses == []
    assert [each for each in rules if f"{controller}.{mesh.settings.namespace}." in each] == []
