"""Access control: who is let in, and who is not."""

from typing import Final

import pytest

from fixtures.access import Door
from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.smi import SmiService
from meshproof.cluster.workloads import Workloads
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = profile("acl")

METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@requirement("TM-SMI-020")
@pytest.mark.parametrize("method", METHODS)
def test_nobody_gets_in_without_a_target(
    client: Client, intruder: Client, door: Door, smi_service: SmiService, method: str
) -> None:
    """A service that no target names is closed to all, whatever the method, and its server sees nothing."""
    url = smi_service("server").mesh_url("/?format=json")

    assert door.knock(client, url, app="server", method=method) is None
    assert door.knock(intruder, url, app="server", method=method) is None


@requirement("TM-SMI-021")
def test_forbidden_is_answered_404(client: Client, door: Door, smi_service: SmiService) -> None:
    """The code of a forbidden request is the one that the documentation names."""
    del door
    exchange = client.get(smi_service("server").mesh_url("/?format=json"))

    assert exchange.status == 404


@requirement("TM-SMI-022")
def test_target_lets_its_source_in(client: Client, door: Door, smi_service: SmiService) -> None:
    """The pods of the service account that a target names are let in, whatever they ask for."""
    opened = smi_service("open")
    asked = [
        client.request(opened.mesh_url("/?format=json")),
        client.request(opened.mesh_url("/any/path?format=json"), method="POST", body=b"x"),
    ]

    exchanges = client.send(asked)

    assert [door.let_in(each) for each in exchanges] == [None, None]


@requirement("TM-SMI-023")
def test_target_lets_nobody_else_in(intruder: Client, door: Door, smi_service: SmiService) -> None:
    """The pods of an account that the target does not name stay outside."""
    assert door.knock(intruder, smi_service("open").mesh_url("/?format=json"), app="open") is None


@requirement("TM-SMI-027")
def test_every_source_of_a_target_is_let_in(
    client: Client, intruder: Client, door: Door, smi_service: SmiService
) -> None:
    """A target of two sources lets both of them in."""
    url = smi_service("guarded").mesh_url("/for-two?format=json")

    assert door.let_in(client.get(url)) is None
    assert door.let_in(intruder.get(url)) is None


@requirement("TM-SMI-037")
def test_namesake_in_another_namespace_stays_closed(
    client: Client, door: Door, namesake: Workloads, mesh: TraefikMesh, smi_service: SmiService
) -> None:
    """A target opens its own namespace's service, and not the one of the same name and account in another."""
    host = mesh.mesh_host("guarded", namesake.namespace)

    assert door.let_in(client.get(smi_service("guarded").mesh_url("/reports?format=json"))) is None
    assert door.knock(client, f"http://{host}/reports?format=json", app="guarded", at=namesake) is None


@requirement("TM-SMI-038")
def test_two_targets_of_one_destination_both_hold(
    client: Client, intruder: Client, door: Door, smi_service: SmiService
) -> None:
    """Each target lets its own source in to its own path, and not to the other's."""
    guarded = smi_service("guarded")
    clients = guarded.mesh_url("/reports?format=json")
    intruders = guarded.mesh_url("/for-the-intruder?format=json")

    assert door.let_in(client.get(clients)) is None
    assert door.let_in(intruder.get(intruders)) is None
    assert door.knock(client, intruders, app="guarded") is None
    assert door.knock(intruder, clients, app="guarded") is None


@requirement("TM-SMI-049")
def test_a_target_never_takes_away_what_another_gives(
    client: Client, intruder: Client, door: Door, smi_service: SmiService
) -> None:
    """Where one target allows the client everything, another for somebody else's path takes nothing away."""
    shared = smi_service("shared")
    metrics = shared.mesh_url("/metrics?format=json")

    assert door.let_in(client.get(shared.mesh_url("/?format=json"))) is None
    assert door.let_in(intruder.get(metrics)) is None
    assert door.let_in(client.get(metrics)) is None


@requirement("TM-SMI-050")
def test_plain_name_is_not_guarded(
    client: Client, intruder: Client, door: Door, smi_service: SmiService
) -> None:
    """A request to the service's own name is none of the mesh's business, in this mode too."""
    del door
    url = smi_service("guarded").direct_url("/?format=json")

    for seen in (client.get(url).seen_by_server, intruder.get(url).seen_by_server):
        assert seen.header("X-Forwarded-Server") is None
