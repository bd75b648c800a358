"""TCP and UDP through the mesh. No header names the proxy there: the server tells who connected."""

import hashlib
from typing import Final

from fixtures.catalogue import requirement
from fixtures.probe import Client
from fixtures.services import ServiceNamed
from fixtures.session import Session
from fixtures.workloads import echo_of
from meshproof.cluster.workloads import Workloads
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import StreamExchange

LONG: Final = b"some bytes \x00\xff and more\n" * 40_000  # bytes: 0.92 MB
STREAMS: Final = 10  # a proxy that hurries the end on may lose the race with an answer now and then
DATAGRAMS: Final = (16, 1_472, 9_000)  # bytes: the second fills an Ethernet frame, the third several
STILL_MS: Final = 150.0  # an end that the proxy makes up would be there with the data, within some 5 ms


def told_peer(answer: bytes) -> str:
    """The address in the echo program's answer to WHO, without its port."""
    lines = dict(line.split(": ", 1) for line in answer.decode().splitlines() if ": " in line)
    return lines.get("RemoteAddr", "").rpartition(":")[0]


def went_to_the_service(exchange: StreamExchange, workloads: Workloads, name: str) -> str | None:
    """Which address of the plain service the client was led to, or None: it was the mesh's."""
    reached = (exchange.peer or "").rpartition(":")[0]
    plain = workloads.service_address(name)
    return f"{name} was reached at {reached}, past the mesh" if reached in {plain, ""} else None


@requirement("TM-ROUTE-013")
def test_tcp_crosses_a_proxy(
    client: Client, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """Bytes come back as they were sent, after the client closed its half, and a proxy stood between."""
    host = echo_of(session, mesh, workloads, "server-tcp").mesh_host

    short = [client.tcp(host, 9000, b"WHO\n") for _ in range(STREAMS)]
    echoed = client.tcp(host, 9000, LONG)

    assert [each.error for each in short] == [None] * STREAMS
    assert {told_peer(each.received) for each in short} <= {each.ip for each in mesh.proxies()}
    assert echoed.error is None
    assert echoed.received == echoed.sent


@requirement("TM-ROUTE-014")
def test_udp_crosses_a_proxy(
    client: Client, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """Datagrams come back as they were sent, short ones and long ones, and a proxy stood between."""
    host = echo_of(session, mesh, workloads, "server-udp").mesh_host

    who = client.udp(host, 9001, b"WHO\n")
    echoed = [client.udp(host, 9001, b"\x00\xff" * (size // 2)) for size in DATAGRAMS]

    assert who.error is None
    assert told_peer(who.received) in {each.ip for each in mesh.proxies()}, who.received
    assert [each.error for each in echoed] == [None] * len(DATAGRAMS)
    assert not [len(each.sent) for each in echoed if each.received != each.sent]


@requirement("TM-ROUTE-028")
def test_tcp_half_closes_one_way_at_a_time(
    client: Client, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """The client's end reaches a server that answers only then, and the answer still finds its way back."""
    host = echo_of(session, mesh, workloads, "server-tcp").mesh_host
    data = b"0123456789abcdef" * 4096
    tally = f"{len(data)} {hashlib.sha256(data).hexdigest()}\n".encode()

    tallied = [client.tcp(host, 9000, b"TALLY\n", data) for _ in range(STREAMS)]
    unended = client.tcp(host, 9000, b"TALLY\n", data, half_close=False, end_after_ms=STILL_MS)

    assert {went_to_the_service(each, workloads, "server-tcp") for each in tallied} == {None}
    assert {each.received for each in tallied} == {tally}
    assert all(each.closed for each in tallied)
    assert (unended.received, unended.closed) == (b"", False), "the server saw an end that nobody sent"


@requirement("TM-ROUTE-029")
def test_tcp_server_that_speaks_first_is_heard(
    client: Client, protocol_service: ServiceNamed, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """A greeting reaches the client before the client has sent a byte, and a proxy stood between."""
    greeted = client.tcp(protocol_service("server-greets").mesh_host, 9002, half_close=False, until=b"\n")

    assert greeted.error is None
    word, server, caller = greeted.received.decode().split()
    assert (word, greeted.sent) == ("HELLO", b"")
    assert server in {each.name for each in workloads.pods("server")}
    assert caller.rpartition(":")[0] in {each.ip for each in mesh.proxies()}


@requirement("TM-ROUTE-033")
def test_tcp_server_that_answers_late_is_heard(
    client: Client, protocol_service: ServiceNamed, workloads: Workloads
) -> None:
    """A server that works for 0.3 s on what it got, once the client has closed its half, is still heard."""
    late = protocol_service("late")

    meshed, direct = (client.tcp(host, 9004, b"work") for host in (late.mesh_host, late.direct_host))

    assert direct.received == b"late\n", direct.error
    assert went_to_the_service(meshed, workloads, "late") is None
    assert meshed.received == b"late\n", meshed.error
