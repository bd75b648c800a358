"""Headers between the client and the proxy alone, and those by which the proxy tells of the client."""

from collections.abc import Callable
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import SeenByServer

# RFC 9110, section 7.6.1: what Connection names, and what an intermediary should remove all the same.
HOP_BY_HOP: Final = {
    "Connection": "X-Named, x-named-small",
    "X-Named": "1",
    "X-Named-Small": "1",
    "Keep-Alive": "timeout=4",
    "Proxy-Connection": "keep-alive",
    "Proxy-Authorization": "Basic c2VjcmV0",
    "TE": "gzip",
    "Upgrade": "meshproof/1",
}

TOLD_BY_THE_PROXY: Final = (
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Real-Ip",
)


@requirement("TM-SEC-008")
def test_hop_by_hop_headers_stay_behind(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """What concerns the client's connection, by name or by Connection, does not reach the server."""
    headers = [*HOP_BY_HOP.items(), ("X-Kept", "1")]

    seen = client.get(echo.mesh_url("/?format=json"), headers=headers).seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert {name: seen.header(name) for name in HOP_BY_HOP if seen.header(name)} == {}
    assert seen.header("X-Kept") == "1"


@requirement("TM-SEC-009")
def test_client_cannot_take_away_what_the_proxy_tells(
    client: Client, echo: Echo, workloads: Workloads
) -> None:
    """Naming the proxy's own headers in Connection does not keep them from the server."""
    seen = without(client, echo, ", ".join(TOLD_BY_THE_PROXY))

    assert [name for name in TOLD_BY_THE_PROXY if not seen.header(name)] == []
    assert seen.header("X-Real-Ip") == workloads.pods("client")[0].ip


@requirement("TM-SEC-029")
@pytest.mark.parametrize("spelled", [str.lower, str.upper], ids=["lower-case", "upper-case"])
def test_case_does_not_help_to_take_them_away(
    client: Client, echo: Echo, workloads: Workloads, spelled: Callable[[str], str]
) -> None:
    """However the names in Connection are spelled, the server is told of the client."""
    seen = without(client, echo, spelled(", ".join(TOLD_BY_THE_PROXY)))

    assert [name for name in TOLD_BY_THE_PROXY if not seen.header(name)] == []
    assert seen.header("X-Real-Ip") == workloads.pods("client")[0].ip


def without(client: Client, echo: Echo, named: str) -> SeenByServer:
    """What the server sees of a request whose Connection names these headers."""
    return client.get(echo.mesh_url("/?format=json"), headers=[("Connection", named)]).seen_by_server


@requirement("TM-SEC-028")
@profile("plain", "limits")
@pytest.mark.parametrize("spelled", ["X-Forwarded-Server", "x-forwarded-server", "X-FORWARDED-SERVER"])
def test_name_of_the_proxy_cannot_be_forged(
    client: Client, echo: Echo, mesh: TraefikMesh, spelled: str
) -> None:
    """Whoever else a client says has forwarded the request, the server is told the proxy that did."""
    headers = [(spelled, "forged-proxy"), (spelled, "another")]

    seen = client.get(echo.mesh_url("/?format=json"), headers=headers).seen_by_server

    assert went_around(seen, mesh.proxies()) is None


@requirement("TM-SEC-010")
@profile("limits")
@pytest.mark.parametrize("name", TOLD_BY_THE_PROXY)
def test_header_like_the_proxys_own_stays_behind(
    client: Client, echo: Echo, mesh: TraefikMesh, name: str
) -> None:
    """A forged header with underscores for hyphens, the same to a WSGI server, does not get through."""
    alias = name.replace("-", "_")

    seen = client.get(echo.mesh_url("/?format=json"), headers=[(alias, "forged")]).seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert seen.header(alias) is None
