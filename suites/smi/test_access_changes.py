"""Access control follows what changes: targets, and the pods of those that are allowed."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fixtures.access import Door, Guests
from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import FOLLOWS_S
from fixtures.probe import Client
from fixtures.smi import Smi, SmiService
from fixtures.verdicts import Facts
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.smi import target_sources

pytestmark = profile("acl")

FEW: Final = 8
LATER_S: Final = 3.0  # beyond a later change that every proxy has: one more poll and throttle

Condition = Callable[[Mapping[str, Any]], bool]


def a_target(name: str, *, source: str, namespace: str) -> dict[str, Any]:
    """Lets a service account in to the server."""
    return {
        "apiVersion": "access.smi-spec.io/v1alpha2",
        "kind": "TrafficTarget",
        "metadata": {"name": name},
        "spec": {
            "destination": {"kind": "ServiceAccount", "name": "default"},
            "sources": [{"kind": "ServiceAccount", "name": source, "namespace": namespace}],
        },
    }


@requirement("TM-SMI-033")
@stage("change")
def test_target_opens_and_its_removal_closes(
    smi: Smi, intruder: Client, door: Door, smi_service: SmiService
) -> None:
    """Every proxy takes up a new target within 15 s, and forgets it as quickly when it is gone."""
    url = smi_service("server").mesh_url("/?format=json")
    target = a_target("new", source="intruder", namespace=smi.namespace)
    has = has_target("new", smi.namespace)

    assert door.knock(intruder, url, app="server") is None
    smi.create(target)
    smi.in_every_proxy("target created", has)
    let_in = [door.let_in(each) for each in intruder.send([intruder.request(url) for _ in range(FEW)])]
    smi.delete(target)
    smi.in_every_proxy("target removed", lambda configuration: not has(configuration))

    assert let_in == [None] * FEW
    assert door.knock(intruder, url, app="server") is None


@requirement("TM-SMI-035")
@stage("change")
def test_new_pod_of_a_source_gets_in(
    guests: Guests, smi_service: SmiService, door: Door, evidence: Facts
) -> None:
    """A pod that comes under an allowed account is let in within 15 s."""
    url = smi_service("open").mesh_url("/?format=json")
    guest = guests.arrive()

    def gets_in() -> Look[None]:
        exchange = guest.client.look([guest.client.request(url)])[0]
        return Look(met=door.let_in(exchange) is None, value=None, seen=exchange.told())

    let_in = eventually(gets_in, what=f"{guest.name} gets in", within=FOLLOWS_S, successes=3)
    evidence.converged(let_in.seconds)


@requirement("TM-SMI-030")
@stage("change")
def test_address_of_a_deleted_pod_is_forgotten(smi: Smi, guests: Guests) -> None:
    """When a pod of an allowed account is deleted, no proxy lets its address in any more after 15 s."""
    guest = guests.arrive()
    smi.in_every_proxy(f"{guest.ip} is let in", lets_in(guest.ip, smi.namespace))

    guests.send_away(guest.name)

    let_in = lets_in(guest.ip, smi.namespace)
    smi.in_every_proxy(f"{guest.ip} is forgotten", lambda configuration: not let_in(configuration))


@requirement("TM-SMI-051")
@stage("change")
def test_address_of_a_finished_pod_is_forgotten(smi: Smi, guests: Guests) -> None:
    """A pod that has ended no longer owns its address, which another may get: no proxy lets it in."""
    guest = guests.arrive()
    let_in = lets_in(guest.ip, smi.namespace)
    smi.in_every_proxy(f"{guest.ip} is let in", let_in)

    guests.finish(guest.name)
    smi.create(a_target("after-it", source="intruder", namespace=smi.namespace))
    smi.in_every_proxy("a later change is there", has_target("after-it", smi.namespace))

    what = f"{guest.ip}, of a pod that has finished, is forgotten"
    smi.in_every_proxy(what, lambda configuration: not let_in(configuration), within=LATER_S)


@requirement("TM-SMI-052")
@stage("change")
def test_target_of_nobody_stops_nothing(smi: Smi, access: float) -> None:
    """Where a target's sources have no pods, every proxy still takes up the next change within 15 s."""
    del access
    smi.create(a_target("of-nobody", source="without-pods", namespace=smi.namespace))

    smi.create(a_target("later", source="intruder", namespace=smi.namespace))

    smi.in_every_proxy("a later change is there", has_target("later", smi.namespace))


def lets_in(address: str, namespace: str) -> Condition:
    """Whether a proxy lets an address in to the service `open`."""
    return lambda configuration: (
        address in (target_sources(configuration, "open", service="open", namespace=namespace) or [])
    )


def has_target(name: str, namespace: str) -> Condition:
    """Whether a proxy has a target that lets somebody in to the server."""
    return lambda configuration: bool(
        target_sources(configuration, name, service="server", namespace=namespace)
    )
