"""Access control against what a client says of itself."""

from typing import Final

from fixtures.access import Door
from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.smi import SmiService
from meshproof.cluster.workloads import Workloads

pytestmark = profile("acl")

BEHIND_AN_INGRESS: Final = "203.0.113.7"  # an address of documentation, as an ingress would tell


def forged(workloads: Workloads) -> list[tuple[str, str]]:
    """Headers by which somebody claims to be the client."""
    ip = workloads.pods("client")[0].ip
    return [("X-Forwarded-For", ip), ("X-Real-Ip", ip), ("Forwarded", f"for={ip}")]


@requirement("TM-SMI-029")
def test_forged_address_opens_nothing(
    intruder: Client, door: Door, smi_service: SmiService, workloads: Workloads
) -> None:
    """Who claims an allowed address in a header stays outside."""
    url = smi_service("open").mesh_url("/?format=json")

    assert door.knock(intruder, url, app="open", headers=forged(workloads)) is None


@requirement("TM-SMI-040")
def test_forged_address_does_not_open_a_splits_backend(
    client: Client, intruder: Client, door: Door, smi_service: SmiService, workloads: Workloads
) -> None:
    """Nor at a service that is a backend of a split, where the proxies rely on each other's headers."""
    url = smi_service("branch-a").mesh_url("/?format=json")

    assert door.let_in(client.get(url)) is None
    assert door.knock(intruder, url, app="branch") is None
    assert door.knock(intruder, url, app="branch", headers=forged(workloads)) is None


@requirement("TM-SMI-041")
def test_forwarded_request_of_an_allowed_source_gets_in(
    client: Client, door: Door, smi_service: SmiService
) -> None:
    """An allowed pod that forwards for others, as an ingress does, is let in at a split's backend too."""
    headers = [("X-Forwarded-For", BEHIND_AN_INGRESS)]

    plain = client.get(smi_service("open").mesh_url("/?format=json"), headers=headers)
    backend = client.get(smi_service("branch-a").mesh_url("/?format=json"), headers=headers)

    assert door.let_in(plain) is None
    assert door.let_in(backend) is None
