"""A mesh of few ports: three for each HTTP service, two for all TCP services, two for all UDP services."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.mesh_logs import MeshLogs
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.verdicts import Facts
from fixtures.workloads import Echo, echo_of
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.probe.client import Probe

pytestmark = [profile("limits")]

WITHIN: Final = (80, 81, 82)  # three ports: the profile's limit for HTTP
BEYOND: Final = (83, 84)
TCP, UDP = 9000, 9001
TCP_BEYOND, UDP_BEYOND = 9010, 9011
NOT_REACHED_S: Final = 2.0  # a port that no Service has drops what is sent to it: nothing would answer later
FREED_S: Final = 10.0  # poll 1 s, throttle 2 s, three times over: there is no name to be learned
FOLLOWS_S: Final = 15.0  # poll 1 s, throttle 2 s, DNS's negative cache of 5 s: 3 to 8 s are usual


@pytest.fixture
def logs(mesh: TraefikMesh, kube: KubeApi) -> MeshLogs:
    """The controller's log."""
    return MeshLogs(mesh, kube)


def around(client: Client, mesh: TraefikMesh, host: str, ports: Sequence[int]) -> list[str]:
    """What did not cross a proxy on its way to these ports; raises where it did not arrive at all."""
    exchanges = client.send([client.request(f"http://{host}:{port}/?format=json") for port in ports])
    return [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]


def tcp_peer(client: Client, host: str, port: int = TCP) -> str:
    """Who connected to the server over TCP, as it says; nothing where nobody answered."""
    return peer(client.tcp(host, port, b"WHO\n").received)


def udp_peer(client: Client, host: str, port: int = UDP) -> str:
    """Who sent the server a datagram, as it says; nothing where nobody answered."""
    return peer(client.udp(host, port, b"WHO\n").received)


def peer(answer: bytes) -> str:
    """The address in the echo program's answer to WHO, without its port."""
    lines = dict(line.split(": ", 1) for line in answer.decode().splitlines() if ": " in line)
    return lines.get("RemoteAddr", "").rpartition(":")[0]


def service(name: str, traffic: str, ports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A Service of the server's pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": {"mesh.traefik.io/traffic-type": traffic}},
        "spec": {"selector": {"app": "server"}, "ports": list(ports)},
    }


def stream(name: str, port: int) -> dict[str, Any]:
    """A TCP port."""
    return {"name": name, "port": port, "targetPort": "stream"}


def datagram(name: str, port: int) -> dict[str, Any]:
    """A UDP port."""
    return {"name": name, "port": port, "targetPort": "datagram", "protocol": "UDP"}


@requirement("TM-ROUTE-060")
def test_http_ports_up_to_the_limit_are_reached(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """A service with as many ports as there may be is reached on each."""
    assert around(client, mesh, echo.mesh_host, WITHIN) == []


@requirement("TM-ROUTE-061")
def test_http_port_beyond_the_limit_is_not_reached(
    client: Client, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """A service with two ports too many is reached on the first three, and on no other."""
    host = echo_of(session, mesh, workloads, "web-wide").mesh_host
    asked = [client.request(f"http://{host}:{port}/?format=json") for port in BEYOND]

    beyond = client.send([msgspec.structs.replace(each, timeout_s=NOT_REACHED_S) for each in asked])
    within = around(client, mesh, host, WITHIN)

    assert [each.told() for each in beyond if each.response] == []
    assert within == []


@requirement("TM-ROUTE-062")
@pytest.mark.parametrize(
    ("name", "port"),
    [("web-wide", "fourth"), ("web-wide", "fifth"), ("tcp-pair", "beyond"), ("udp-pair", "beyond")],
)
def test_refused_port_is_logged(
    logs: MeshLogs, routed: float, workloads: Workloads, evidence: Facts, name: str, port: str
) -> None:
    """The controller's log names each port that it leaves out, with its service, as an error."""
    del routed
    lines = logs.errors(f"{workloads.namespace}/{name}", f"skipping port {port} ")

    evidence.record({"lines": lines[:3]})
    assert lines


@requirement("TM-ROUTE-063")
def test_tcp_port_beyond_the_limit_is_not_served(
    client: Client, probe: Probe, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """The mesh's two TCP ports carry what came first; what came after that gets no connection."""
    first, pair = (echo_of(session, mesh, workloads, name).mesh_host for name in ("tcp-first", "tcp-pair"))

    beyond = probe.tcp(pair, TCP_BEYOND, b"WHO\n", timeout_s=NOT_REACHED_S)

    assert beyond.received == b""
    assert {tcp_peer(client, host) for host in (first, pair)} <= {each.ip for each in mesh.proxies()}


@requirement("TM-ROUTE-065")
def test_udp_port_beyond_the_limit_is_not_served(
    client: Client, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """The mesh's two UDP ports carry what came first; what came after that gets no answer."""
    first, pair = (echo_of(session, mesh, workloads, name).mesh_host for name in ("udp-first", "udp-pair"))

    beyond = client.udp(pair, UDP_BEYOND, b"WHO\n")

    assert beyond.received == b""
    assert {udp_peer(client, host) for host in (first, pair)} <= {each.ip for each in mesh.proxies()}


@pytest.fixture
def ports_handed_on(
    client: Client, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> Iterator[tuple[str, str]]:
    """A TCP and a UDP service taken away, and each of them followed by a new one that needs its port.

    Afterwards the two are back, and served where the mesh gives freed ports away.
    """
    pairs = [
        service("tcp-pair", "tcp", [stream("within", TCP), stream("beyond", TCP_BEYOND)]),
        service("udp-pair", "udp", [datagram("within", UDP), datagram("beyond", UDP_BEYOND)]),
    ]
    try:
        for name in ("tcp-pair", "udp-pair"):
            workloads.remove_service(name)
        workloads.create(service("tcp-late", "tcp", [stream("stream", TCP)]))
        workloads.create(service("udp-late", "udp", [datagram("datagram", UDP)]))
        yield "tcp-late", "udp-late"
    finally:
        for name in ("tcp-late", "udp-late"):
            workloads.remove_service(name)
        for each in pairs:
            workloads.create(each)
        tcp, udp = (echo_of(session, mesh, workloads, name).mesh_host for name in ("tcp-pair", "udp-pair"))
        with suppress(WaitTimedOutError):
            eventually(served_by(client, mesh, tcp, udp), what="the pairs are back", within=FOLLOWS_S)


def served_by(client: Client, mesh: TraefikMesh, tcp: str, udp: str) -> Callable[[], Look[None]]:
    """Whether proxies carry what is sent to these two hosts."""
    proxies = {each.ip for each in mesh.proxies()}

    def served() -> Look[None]:
        peers = tcp_peer(client, tcp), udp_peer(client, udp)
        return Look(met=set(peers) <= proxies, value=None, seen=f"peers {peers}, proxies {proxies}")

    return served


@requirement("TM-ROUTE-064")
@stage("change")
def test_freed_port_serves_a_new_service(
    client: Client,
    session: Session,
    mesh: TraefikMesh,
    workloads: Workloads,
    evidence: Facts,
    ports_handed_on: tuple[str, str],
) -> None:
    """With every port in use, what one service leaves behind carries the next one that is made."""
    tcp, udp = (echo_of(session, mesh, workloads, name).mesh_host for name in ports_handed_on)

    served = served_by(client, mesh, tcp, udp)
    converged = eventually(served, what="new services on freed ports", within=FOLLOWS_S, successes=2)
    evidence.converged(converged.seconds)


@pytest.fixture
def tcp_port_left(workloads: Workloads) -> Iterator[None]:
    """A TCP service taken away while another waits for a port."""
    try:
        workloads.remove_service("tcp-first")
        yield
    finally:
        workloads.create(service("tcp-first", "tcp", [stream("stream", TCP)]))


@requirement("TM-ROUTE-078")
@stage("change")
def test_freed_port_serves_who_waited_for_it(
    client: Client,
    probe: Probe,
    session: Session,
    mesh: TraefikMesh,
    workloads: Workloads,
    evidence: Facts,
    tcp_port_left: None,
) -> None:
    """A port that was refused because there was none left is served as soon as there is one."""
    del client, tcp_port_left
    pair = echo_of(session, mesh, workloads, "tcp-pair").mesh_host

    def served() -> Look[None]:
        exchange = probe.tcp(pair, TCP_BEYOND, b"WHO\n", timeout_s=NOT_REACHED_S)
        found = peer(exchange.received)
        met = found in {each.ip for each in mesh.proxies()}
        return Look(met=met, value=None, seen=f"peer {found!r}, error {exchange.error}")

    converged = eventually(served, what="the port that waited", within=FREED_S)
    evidence.converged(converged.seconds)


@pytest.fixture
def one_too_many(workloads: Workloads) -> Iterator[str]:
    """A TCP service for which there is no port at all, and after it a web service."""
    names = ("tcp-refused", "web-late")
    try:
        workloads.create(service("tcp-refused", "tcp", [stream("stream", TCP)]))
        workloads.create(service("web-late", "http", [{"name": "web", "port": 80, "targetPort": "web"}]))
        yield "web-late"
    finally:
        for name in names:
            workloads.remove_service(name)


@requirement("TM-ROUTE-066")
@stage("change")
def test_other_services_do_not_suffer(
    client: Client,
    session: Session,
    echo: Echo,
    mesh: TraefikMesh,
    workloads: Workloads,
    evidence: Facts,
    one_too_many: str,
) -> None:
    """Beside a service that found no port at all, the old ones go on, and a new one is taken up as ever."""
    late = echo_of(session, mesh, workloads, one_too_many)
    first = echo_of(session, mesh, workloads, "tcp-first").mesh_host

    def reached() -> Look[None]:
        exchange = client.look([client.request(late.mesh_url("/?format=json"))])[0]
        return Look(met=exchange.seen is not None, value=None, seen=exchange.told())

    converged = eventually(reached, what=f"{late.mesh_host} is reachable", within=FOLLOWS_S, successes=3)
    evidence.converged(converged.seconds)

    assert around(client, mesh, echo.mesh_host, WITHIN) == []
    assert tcp_peer(client, first) in {each.ip for each in mesh.proxies()}
