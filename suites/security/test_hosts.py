"""Which service a request reaches: the one that its Host names, whatever else it says."""

import pytest

from fixtures.catalogue import requirement
from fixtures.probe import Client
from fixtures.wire import Wire
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.raw_http import raw_request


@requirement("TM-SEC-005")
def test_host_alone_chooses_the_service(
    client: Client, echo: Echo, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """Asked at another service's mesh address, the server that the Host names answers, and only that."""
    elsewhere = mesh.mesh_host("overhead", echo.namespace)
    named = client.request(f"http://{elsewhere}/?format=json", headers=[("Host", echo.mesh_host)])
    swapped = client.request(echo.mesh_url("/?format=json"), headers=[("Host", elsewhere)])

    exchanges = client.send([named, swapped])

    servers = {pod.name for pod in workloads.pods("server")}
    assert exchanges[0].seen_by_server.hostname in servers
    assert exchanges[1].seen_by_server.hostname not in servers
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]


@requirement("TM-SEC-005")
@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "X-Host", "Forwarded", "X-Original-URL"],
)
def test_no_other_header_chooses_the_service(
    client: Client, echo: Echo, mesh: TraefikMesh, header: str
) -> None:
    """A Host that no service has stays unknown, whatever another header names."""
    value = f"host={echo.mesh_host}" if header == "Forwarded" else echo.mesh_host
    stranger = ("Host", f"stranger.{echo.namespace}.traefik.mesh")

    refused, taken = client.send(
        [
            client.request(echo.mesh_url("/?format=json"), headers=[stranger, (header, value)]),
            client.request(echo.mesh_url("/?format=json"), headers=[(header, stranger[1])]),
        ]
    )

    assert refused.status == 404
    assert refused.seen is None
    assert went_around(taken.seen_by_server, mesh.proxies()) is None


@requirement("TM-SEC-006")
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["Host: {host}", "Host: {host}"], id="the same twice"),
        pytest.param(["Host: {host}", "Host: stranger"], id="two"),
        pytest.param(["Host: stranger", "Host: {host}"], id="two, the other first"),
        pytest.param([], id="none"),
        pytest.param(["Host: {host} stranger"], id="space"),
        pytest.param(["Host: {host}/path"], id="path"),
        pytest.param(["Host: stranger@{host}"], id="user"),
    ],
)
def test_request_without_one_valid_host_is_refused(wire: Wire, echo: Echo, lines: list[str]) -> None:
    """None, two, or one that is no host: the proxy refuses the request, and no server sees it."""
    head = [each.format(host=echo.mesh_host) for each in lines]

    answers = wire.send(raw_request("/?format=json", [*head, "Connection: close"]))

    assert [each.status for each in answers] in ([400], [404])
    assert answers[0].seen is None


@requirement("TM-SEC-007")
def test_authority_of_an_absolute_target_wins(wire: Wire, echo: Echo, mesh: TraefikMesh) -> None:
    """Of a target with a host and a Host header that differs, the target's is taken and handed on."""
    named = wire.get(f"http://{echo.mesh_host}/?format=json", host="stranger.example")
    stranger = wire.get("http://stranger.example/?format=json")

    assert len(named) == 1
    assert named[0].seen is not None, named
    assert named[0].seen.host == echo.mesh_host
    assert went_around(named[0].seen, mesh.proxies()) is None
    assert [each.status for each in stranger] == [404]
