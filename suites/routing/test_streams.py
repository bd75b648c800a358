"""TCP and UDP through the mesh. No header names the proxy there: the server tells who connected."""

from fixtures.catalogue import requirement
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.workloads import echo_of
from meshproof.cluster.workloads import Workloads
from meshproof.mesh.traefik_mesh import TraefikMesh


def told_peer(answer: bytes) -> str:
    """The address in the echo program's answer to WHO, without its port."""
    lines = dict(line.split(": ", 1) for line in answer.decode().splitlines() if ": " in line)
    return lines.get("RemoteAddr", "").rpartition(":")[0]


@requirement("TM-ROUTE-013")
def test_tcp_crosses_a_proxy(
    client: Client, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """Bytes come back as they were sent, after the client closed its half, and a proxy stood between."""
    host = echo_of(session, mesh, workloads, "server-tcp").mesh_host

    who = client.tcp(host, 9000, b"WHO\n")
    echoed = client.tcp(host, 9000, b"some bytes \x00\xff and more\n" * 100)

    assert who.error is None
    assert told_peer(who.received) in {each.ip for each in mesh.proxies()}, who.received
    assert echoed.error is None
    assert echoed.received == echoed.sent


@requirement("TM-ROUTE-014")
def test_udp_crosses_a_proxy(
    client: Client, session: Session, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """A datagram comes back as it was sent, and a proxy stood between."""
    host = echo_of(session, mesh, workloads, "server-udp").mesh_host

    who = client.udp(host, 9001, b"WHO\n")
    echoed = client.udp(host, 9001, b"one datagram \x00\xff")

    assert who.error is None
    assert told_peer(who.received) in {each.ip for each in mesh.proxies()}, who.received
    assert echoed.error is None
    assert echoed.received == echoed.sent
