"""The mesh follows the cluster: services that come, replicas that go."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from fixtures.catalogue import requirement, stage
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.verdicts import Facts
from fixtures.workloads import Echo, echo_of
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.crossing import backends, went_around
from meshproof.mesh.traefik_mesh import TraefikMesh

FOLLOWS_S: Final = 15.0  # poll 1 s, throttle 2 s, DNS's negative cache of 5 s: 3 to 8 s are usual
LOOK: Final = 8  # requests in one look: each DNS server has a cache of its own that must have followed
CALM: Final = 20  # requests that must all be right once the mesh has followed


@pytest.fixture
def late_service(workloads: Workloads) -> Iterator[str]:
    """A Service of the same server, made after the mesh."""
    try:
        workloads.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "late"},
                "spec": {
                    "selector": {"app": "server"},
                    "ports": [{"name": "web", "port": 80, "targetPort": 8080}],
                },
            }
        )
        yield "late"
    finally:
        workloads.remove_service("late")


@requirement("TM-ROUTE-016")
@stage("change")
def test_new_service_becomes_reachable(
    client: Client,
    session: Session,
    mesh: TraefikMesh,
    workloads: Workloads,
    evidence: Facts,
    late_service: str,
) -> None:
    """A service that is created now is reached through the mesh a few seconds later, and stays reachable."""
    late = echo_of(session, mesh, workloads, late_service)

    def reached() -> Look[None]:
        exchanges = client.look([client.request(late.mesh_url("/?format=json")) for _ in range(LOOK)])
        missed = [each.told() for each in exchanges if each.seen is None]
        return Look(met=not missed, value=None, seen="\n".join(missed))

    converged = eventually(reached, what=f"{late.mesh_host} is reachable", within=FOLLOWS_S, successes=3)
    evidence.converged(converged.seconds)

    exchanges = client.send([client.request(late.mesh_url("/?format=json")) for _ in range(CALM)])
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]


@dataclass(frozen=True, kw_only=True)
class Left:
    """The replica that is left, and the seconds that the cluster took to take the other away."""

    name: str
    seconds: float


@pytest.fixture
def replica_left(workloads: Workloads) -> Iterator[Left]:
    """The server scaled to one replica."""
    try:
        workloads.scale("server", 1)
        seconds = workloads.wait_ready("server")
        yield Left(name=workloads.pods("server")[0].name, seconds=seconds)
    finally:
        workloads.scale("server", 2)
        workloads.wait_ready("server")


@requirement("TM-ROUTE-017")
@stage("change")
def test_removed_replica_gets_nothing(
    client: Client, echo: Echo, evidence: Facts, mesh: TraefikMesh, replica_left: Left
) -> None:
    """Once the mesh has followed, every request reaches the replica that is left."""

    def only_the_one() -> Look[None]:
        exchanges = client.look([client.request(echo.mesh_url("/?format=json")) for _ in range(LOOK)])
        met = all(each.seen is not None and each.seen.hostname == replica_left.name for each in exchanges)
        return Look(met=met, value=None, seen="\n".join(each.told() for each in exchanges))

    what, within = f"only {replica_left.name} gets requests", FOLLOWS_S - replica_left.seconds
    converged = eventually(only_the_one, what=what, within=within, successes=3)
    evidence.converged(replica_left.seconds + converged.seconds)

    exchanges = client.send([client.request(echo.mesh_url("/?format=json")) for _ in range(CALM)])
    assert dict(backends(exchanges)) == {replica_left.name: CALM}
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]
