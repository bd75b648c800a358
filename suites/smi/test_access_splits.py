"""Access control and splits together: a request needs to be allowed wherever it may be sent."""

from typing import Final

from fixtures.access import Door
from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.smi import SmiService
from meshproof.judge.split import by_deployment

pytestmark = profile("acl")

FEW: Final = 12


@requirement("TM-SMI-032")
def test_split_is_open_to_who_may_ask_every_backend(
    client: Client, intruder: Client, door: Door, smi_service: SmiService
) -> None:
    """Who may ask all backends is divided among them; who may ask none, or only one of them, is refused."""
    branched = smi_service("branched").mesh_url("/?format=json")

    exchanges = client.send([client.request(branched) for _ in range(FEW)])

    assert by_deployment(exchanges) == {"branch": FEW}
    hosts = {each.seen_by_server.host.removesuffix(":80") for each in exchanges}
    assert hosts == {smi_service(each).mesh_host for each in ("branch-a", "branch-b")}
    assert door.knock(intruder, branched, app="branch") is None
    half_open = smi_service("half-open").mesh_url("/for-two?format=json")
    assert door.let_in(client.get(half_open)) is None
    assert [door.knock(intruder, half_open, app="guarded") for _ in range(2)] == [None, None]


@requirement("TM-SMI-044")
def test_every_port_of_a_splits_backend_is_open(
    client: Client, intruder: Client, door: Door, smi_service: SmiService
) -> None:
    """A target without a port opens all ports of a service, also where that is a backend of a split."""
    backend = smi_service("branch-a")

    assert door.let_in(client.get(backend.mesh_url("/?format=json"))) is None
    assert door.let_in(client.get(backend.mesh_url("/?format=json", port=8081))) is None
    assert door.knock(intruder, backend.mesh_url("/", port=8081), app="branch") is None
