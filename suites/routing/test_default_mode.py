"""A mesh where a service without an annotation is TCP, and what an annotation says instead."""

from typing import Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.mesh_logs import MeshLogs
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.verdicts import Facts
from fixtures.workloads import Echo, echo_of
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.judge.configuration import routers
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import SeenByServer
from meshproof.model.raw_http import RawResponse, raw_request, raw_responses

pytestmark = [profile("tcp")]

LONG: Final = b"neither \x00 nor \xff is HTTP\n" * 40_000  # bytes: 0.96 MB
LARGE: Final = b"\x00\xff" * 736  # a datagram that fills an Ethernet frame

ADDED_BY_A_PROXY: Final = ("x-forwarded-", "x-real-ip", "uber-trace-id", "traceparent", "x-b3-")

# A request that an HTTP proxy would change: headers for one hop, a Host that no service has.
UNTOUCHED: Final = [
    "Host: stranger.example:81",
    "X-Named: 1",
    "Keep-Alive: timeout=4",
    "TE: trailers",
    "Proxy-Connection: keep-alive",
    "X-Forwarded-For: 203.0.113.7",
]

# RFC 6455, sections 1.3 and 5.5.1: the handshake, and a masked close frame with status 1000.
HANDSHAKE: Final = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]
ACCEPTED: Final = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
CLOSE_FRAME: Final = b"\x88\x82\x00\x00\x00\x00\x03\xe8"


@pytest.fixture
def hosts(session: Session, mesh: TraefikMesh, workloads: Workloads) -> "Hosts":
    """The mesh names of the services."""
    return Hosts(session, mesh, workloads)


class Hosts:
    """Mesh names by service."""

    def __init__(self, session: Session, mesh: TraefikMesh, workloads: Workloads) -> None:
        self._session = session
        self._mesh = mesh
        self._workloads = workloads

    def __getitem__(self, name: str) -> str:
        return echo_of(self._session, self._mesh, self._workloads, name).mesh_host


def told_peer(answer: bytes) -> str:
    """The address in the echo program's answer to WHO, without its port."""
    lines = dict(line.split(": ", 1) for line in answer.decode().splitlines() if ": " in line)
    return lines.get("RemoteAddr", "").rpartition(":")[0]


def answers(client: Client, host: str, data: bytes) -> list[RawResponse]:
    """What comes back over one connection until the other end closes."""
    return raw_responses(client.tcp(host, 80, data, half_close=False).received)


def views(found: list[RawResponse]) -> list[SeenByServer]:
    """The server's view of each request; raises where an answer is not the echo server's."""
    assert all(each.seen for each in found), found
    return [each.seen for each in found if each.seen]


@requirement("TM-ROUTE-070")
def test_service_without_annotation_is_tcp(client: Client, mesh: TraefikMesh, hosts: Hosts) -> None:
    """Bytes go both ways through a proxy, whatever they are."""
    proxies = {each.ip for each in mesh.proxies()}

    who = client.tcp(hosts["said-nothing"], 9000, b"WHO\n")
    echoed = client.tcp(hosts["said-nothing"], 9000, LONG)

    assert told_peer(who.received) in proxies, who.error or who.received
    assert echoed.error is None
    assert echoed.received == echoed.sent


@requirement("TM-ROUTE-070")
def test_web_service_without_annotation_is_tcp(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """HTTP crosses a proxy that adds no header to it: the connection comes from there, and says nothing."""
    seen = client.get(echo.mesh_url("/?format=json")).seen_by_server

    assert seen.remote_ip in {each.ip for each in mesh.proxies()}
    assert [name for name in seen.headers if name.lower().startswith(ADDED_BY_A_PROXY)] == []


@requirement("TM-ROUTE-071")
def test_service_annotated_http_is_http(client: Client, mesh: TraefikMesh, hosts: Hosts) -> None:
    """The annotation wins over the default: the proxy reads the request, and tells of itself."""
    seen = client.get(f"http://{hosts['said-http']}/?format=json").seen_by_server

    assert went_around(seen, mesh.proxies()) is None


@requirement("TM-ROUTE-072")
def test_service_annotated_udp_is_udp(client: Client, mesh: TraefikMesh, hosts: Hosts) -> None:
    """The annotation wins over the default: datagrams go both ways through a proxy."""
    who = client.udp(hosts["said-udp"], 9001, b"WHO\n")
    echoed = client.udp(hosts["said-udp"], 9001, LARGE)

    assert told_peer(who.received) in {each.ip for each in mesh.proxies()}, who.error or who.received
    assert echoed.received == LARGE, echoed.error


@requirement("TM-ROUTE-073")
def test_http_over_tcp_arrives_untouched(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """Of two requests over one connection the server sees the same with the mesh as without it."""
    data = raw_request("/a/../b?format=json", [*UNTOUCHED, "Connection: X-Named"])
    data += raw_request("/c?format=json", [*UNTOUCHED, "Connection: close"])

    meshed, direct = (views(answers(client, host, data)) for host in (echo.mesh_host, echo.direct_host))

    assert len(meshed) == 2
    assert meshed[0].remote_addr == meshed[1].remote_addr
    assert meshed[0].remote_ip in {each.ip for each in mesh.proxies()}
    told = [[(each.method, each.url, each.host, each.headers) for each in way] for way in (meshed, direct)]
    assert told[0] == told[1]


@requirement("TM-ROUTE-073")
def test_upgrade_over_tcp_is_the_servers_own(client: Client, echo: Echo) -> None:
    """A WebSocket handshake reaches the server, and the server's answer comes back."""
    data = raw_request("/ws", [f"Host: {echo.mesh_host}", *HANDSHAKE]) + CLOSE_FRAME

    found = answers(client, echo.mesh_host, data)

    assert found
    assert found[0].status == 101
    assert found[0].header("Sec-WebSocket-Accept") == ACCEPTED


@requirement("TM-ROUTE-074")
def test_unknown_traffic_type_is_refused_alone(
    client: Client, mesh: TraefikMesh, kube: KubeApi, workloads: Workloads, hosts: Hosts, evidence: Facts
) -> None:
    """A service of a kind that there is not gets no route, the log says why, its neighbours have theirs."""
    refused = client.send([client.request(f"http://{hosts['said-quic']}/?format=json")])[0]
    neighbour = client.get(f"http://{hosts['said-http']}/?format=json").seen_by_server
    lines = MeshLogs(mesh, kube).errors(f"said-quic@{workloads.namespace}", "traffic-type")

    evidence.record({"lines": lines[:3]})
    assert refused.response is None, refused.told()
    assert went_around(neighbour, mesh.proxies()) is None
    assert lines


@requirement("TM-ROUTE-075")
def test_udp_port_of_an_http_service_is_left_out(
    client: Client, mesh: TraefikMesh, workloads: Workloads, hosts: Hosts, evidence: Facts
) -> None:
    """The service is reached on its web port, and no router of any proxy leads to the other."""
    key = f"{workloads.namespace}-http-beside-udp"
    seen = client.get(f"http://{hosts['http-beside-udp']}/?format=json").seen_by_server
    found = [
        name
        for each in mesh.proxies()
        for name in routers(mesh.proxy_configuration(each))
        if name.startswith(key)
    ]

    evidence.record({"routers": found})
    assert went_around(seen, mesh.proxies()) is None
    assert sorted(found) == [f"{key}-80"] * len(mesh.proxies())


@requirement("TM-ROUTE-076")
def test_http_port_that_udp_shares_the_number_of_is_reached(
    client: Client, mesh: TraefikMesh, hosts: Hosts
) -> None:
    """A service that offers port 80 over TCP and UDP, as HTTP/3 does, is reached over TCP."""
    seen = client.get(f"http://{hosts['http-same-as-udp']}/?format=json").seen_by_server

    assert went_around(seen, mesh.proxies()) is None


@requirement("TM-ROUTE-077")
def test_tcp_port_that_udp_shares_the_number_of_is_reached(
    client: Client, mesh: TraefikMesh, hosts: Hosts
) -> None:
    """A service that offers one port over TCP and UDP, as DNS does, is reached over TCP."""
    who = client.tcp(hosts["tcp-same-as-udp"], 9000, b"WHO\n")

    assert told_peer(who.received) in {each.ip for each in mesh.proxies()}, who.error or who.received
