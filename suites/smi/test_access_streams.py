"""Access control of TCP and UDP services."""

from fixtures.access import Door
from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.smi import SmiService

pytestmark = profile("acl")

LINE = b"a line\n"


@requirement("TM-SMI-031")
def test_tcp_route_lets_its_source_in(
    client: Client, intruder: Client, door: Door, smi_service: SmiService
) -> None:
    """A TCP service is open to the source that its target names; one without a target to nobody."""
    del door
    assert client.tcp(smi_service("wired").mesh_host, 9000, LINE).received == LINE

    closed = smi_service("server-tcp").mesh_host
    assert not client.tcp(closed, 9000, LINE).received
    assert not intruder.tcp(closed, 9000, LINE).received


@requirement("TM-SMI-046")
def test_tcp_route_lets_nobody_else_in(intruder: Client, smi_service: SmiService) -> None:
    """Who is no source of the TCP service's target gets nothing through."""
    assert not intruder.tcp(smi_service("wired").mesh_host, 9000, LINE).received


@requirement("TM-SMI-034")
def test_udp_is_let_in_by_a_target(client: Client, access: float, smi_service: SmiService) -> None:
    """A UDP service whose pods a target names answers the target's source."""
    del access
    assert client.udp(smi_service("wired-udp").mesh_host, 9001, LINE).received == LINE
