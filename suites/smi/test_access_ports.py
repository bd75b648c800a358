"""Access control by port: a target may name a port of its destination."""

from fixtures.access import Door
from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.smi import SmiService

pytestmark = profile("acl")

# The target names container port 8080, which is each service's port below; its other port leads to 8081.


@requirement("TM-SMI-028")
def test_only_the_named_port_is_open(client: Client, door: Door, smi_service: SmiService) -> None:
    """The port that leads to the container port of the target is open, the service's other one is not."""
    ported = smi_service("ported-first")

    assert door.let_in(client.get(ported.mesh_url("/?format=json"))) is None
    assert door.knock(client, ported.mesh_url("/", port=8081), app="ported") is None


@requirement("TM-SMI-039")
def test_named_port_is_found_wherever_it_stands(client: Client, door: Door, smi_service: SmiService) -> None:
    """The same holds where that port is not the first one of the service."""
    ported = smi_service("ported-second")

    named = door.let_in(client.get(ported.mesh_url("/?format=json", port=8081)))
    other = door.knock(client, ported.mesh_url("/"), app="ported")

    assert (named, other) == (None, None)


@requirement("TM-SMI-045")
def test_named_port_is_found_behind_a_name(client: Client, door: Door, smi_service: SmiService) -> None:
    """The same holds where the service leads to the container port by its name."""
    ported = smi_service("ported-named")

    assert door.let_in(client.get(ported.mesh_url("/?format=json"))) is None
    assert door.knock(client, ported.mesh_url("/", port=8081), app="ported") is None
