"""Replicas come and go under constant traffic."""

import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import FOLLOWS_S, proxies_have
from fixtures.faults import Constant
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.faults import Faults
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.configuration import servers_by_service
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = [profile("two-nodes"), stage("change")]

REPLICAS: Final = 4  # as manifests/workloads/two-nodes.yaml says
ROUNDS: Final = 3
MOST: Final = 5
LOOK: Final = 8
# A pod that is deleted is no endpoint any more; then come a poll of 1 s and a throttle of 2 s. Twice that.
FORGOTTEN_S: Final = 6.0
FAST_MS: Final = 1000.0  # an answer of the proxy's own takes a few milliseconds

Servers = Callable[[int], float]


@pytest.fixture
def servers(mesh: TraefikMesh, spread: Echo) -> Servers:
    """Waits until each proxy has so many servers of the spread service; the seconds of the last one."""
    service = spread.label.removesuffix("@http")

    def wait(count: int) -> float:
        took = proxies_have(
            mesh,
            lambda has: len(servers_by_service(has).get(service, [])) == count,
            what=f"{service} has {count} servers",
            within=FOLLOWS_S + 10.0,  # new pods start first: 3 to 6 s
        )
        return max(took.values())

    return wait


@pytest.fixture
def scaled_back(workloads: Workloads, servers: Servers) -> Iterator[None]:
    """Afterwards the spread server has its replicas again, and every proxy knows them."""
    try:
        yield
    finally:
        workloads.scale("spread", REPLICAS)
        workloads.wait_ready("spread")
        servers(REPLICAS)


@requirement("TM-RES-006")
def test_killed_replica_is_soon_forgotten(
    faults: Faults,
    constant: Constant,
    client: Client,
    spread: Echo,
    workloads: Workloads,
    scaled_back: None,
    evidence: Facts,
) -> None:
    """A replica is deleted by force, and dead 2 s later: what is lost was sent before proxies could know."""
    del client, scaled_back
    gone = workloads.pods("spread")[0]
    with constant(spread) as traffic:
        began = time.time()
        faults.delete_pod(gone.name, uid=gone.uid, namespace=workloads.namespace, grace_s=0)
        faults.last(FORGOTTEN_S + 2.0)

    found = traffic.outage(evidence, since=began)
    evidence.converged(found.until_s)
    assert found.until_s <= FORGOTTEN_S
    assert traffic.result.served_by.keys() >= {each.name for each in workloads.pods("spread")}


@requirement("TM-RES-007")
def test_scaling_loses_nothing(
    constant: Constant,
    client: Client,
    spread: Echo,
    workloads: Workloads,
    servers: Servers,
    scaled_back: None,
    evidence: Facts,
) -> None:
    """From many replicas to one and back, some rounds of it: replicas that stop in order lose no request."""
    del client, scaled_back
    with constant(spread) as traffic:
        for _ in range(ROUNDS):
            for replicas in (1, MOST):
                workloads.scale("spread", replicas)
                evidence.converged(servers(replicas))

    assert traffic.outage(evidence).lost == 0


@requirement("TM-RES-008")
def test_service_without_replicas_answers_at_once_and_recovers(
    constant: Constant,
    client: Client,
    spread: Echo,
    workloads: Workloads,
    servers: Servers,
    scaled_back: None,
    evidence: Facts,
) -> None:
    """All replicas go: an error of the proxy's own, at once; they return: answers again."""
    del scaled_back
    request = client.request(spread.mesh_url("/?format=json"))
    with constant(spread) as traffic:
        workloads.scale("spread", 0)
        servers(0)
        without = client.send([request] * LOOK)
        workloads.scale("spread", REPLICAS)
        evidence.converged(servers(REPLICAS))

        def answers() -> Look[None]:
            exchanges = client.look([request] * LOOK)
            met = all(each.seen for each in exchanges)
            return Look(met=met, value=None, seen="\n".join(each.told() for each in exchanges))

        eventually(answers, what="the service answers again", within=FORGOTTEN_S, successes=3)

    said = traffic.outage(evidence).said
    assert [each.status for each in without if each.timing.total_ms < FAST_MS] == [503] * LOOK
    assert not [each.told() for each in without if each.response and each.response.header("X-Echo-Hostname")]
    assert said.keys() == {"503"}, f"other errors than the proxies' own: {said}"
