"""What the server is told of the client: the X-Forwarded headers and X-Real-Ip."""

from typing import Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh

FORGED: Final = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Host": "forged.example",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Server": "forged-proxy",
    "X-Real-Ip": "203.0.113.7",
}


@requirement("TM-ROUTE-009")
@pytest.mark.parametrize("port", [pytest.param(None, id="first"), pytest.param(8081, id="second")])
def test_server_is_told_of_the_client(
    client: Client, echo: Echo, workloads: Workloads, mesh: TraefikMesh, port: int | None
) -> None:
    """Address, host, port and scheme as the client used them, and the proxy that forwarded."""
    seen = client.get(echo.mesh_url("/?format=json", port=port)).seen_by_server
    host = mesh.mesh_host(echo.service, echo.namespace)

    sender = workloads.pods("client")[0].ip
    assert went_around(seen, mesh.proxies()) is None
    assert {name: seen.header(name) for name in FORGED if name != "X-Forwarded-Server"} == {
        "X-Forwarded-For": sender,
        "X-Forwarded-Host": f"{host}:{port}" if port else host,
        "X-Forwarded-Port": str(port or 80),
        "X-Forwarded-Proto": "http",
        "X-Real-Ip": sender,
    }


@requirement("TM-ROUTE-010")
def test_forged_headers_are_replaced(
    client: Client, echo: Echo, workloads: Workloads, mesh: TraefikMesh
) -> None:
    """What a client claims of itself is overwritten by what the proxy knows."""
    seen = client.get(echo.mesh_url("/?format=json"), headers=list(FORGED.items())).seen_by_server

    arrived = {name: seen.header(name) for name in FORGED}
    kept = {name: value for name, value in arrived.items() if value and FORGED[name] in value}
    assert not kept, f"forged values reached the server: {kept}"
    assert seen.header("X-Forwarded-For") == workloads.pods("client")[0].ip
    assert went_around(seen, mesh.proxies()) is None


@requirement("TM-ROUTE-079")
@profile("limits")
def test_forged_headers_are_replaced_where_nobody_is_trusted(
    client: Client, echo: Echo, workloads: Workloads, mesh: TraefikMesh
) -> None:
    """With forwardedHeaders.insecure=false every claim of the client gives way to what the proxy knows."""
    claims = [*FORGED.items(), ("X-Forwarded-For", "203.0.113.8"), ("x-forwarded-prefix", "/forged")]

    seen = client.get(echo.mesh_url("/?format=json"), headers=claims).seen_by_server

    sender = workloads.pods("client")[0].ip
    assert went_around(seen, mesh.proxies()) is None
    assert {name: seen.header(name) for name in (*FORGED, "X-Forwarded-Prefix")} == {
        "X-Forwarded-For": sender,
        "X-Forwarded-Host": echo.mesh_host,
        "X-Forwarded-Port": "80",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Server": seen.header("X-Forwarded-Server"),
        "X-Real-Ip": sender,
        "X-Forwarded-Prefix": None,
    }
