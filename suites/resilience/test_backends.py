"""Replicas come and go under constant traffic."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import (
    FOLLOWS_S,
    ServerWithoutAddressError,
    proxies_have,
    servers_without_address,
)
from fixtures.faults import Constant
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.faults import Faults
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.configuration import lacks_address, servers_by_service
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = [profile("two-nodes"), stage("change")]

REPLICAS: Final = 4  # as manifests/workloads/two-nodes.yaml says
ROUNDS: Final = 3
MOST: Final = 5
LOOK: Final = 8
# A pod that is deleted is no endpoint any more; then come a poll of 1 s and a throttle of 2 s. Twice that.
FORGOTTEN_S: Final = 6.0
FAST_MS: Final = 1000.0  # an answer of the proxy's own takes a few milliseconds


class Servers:
    """What each proxy knows of the spread service's servers; those without an address are kept in mind."""

    def __init__(self, mesh: TraefikMesh, service: str) -> None:
        self._mesh = mesh
        self._service = service
        self._without_address: set[str] = set()

    def wait(self, count: int) -> float:
        """Wait until each proxy has so many, each with an address; the seconds of the last one."""
        took = proxies_have(
            self._mesh,
            lambda has: self._many(has) == count,
            what=f"{self._service} has {count} servers",
            within=FOLLOWS_S + 10.0,  # new pods start first: 3 to 6 s
            service=self._service,
        )
        return max(took.values())

    @contextmanager
    def had_addresses(self) -> Iterator[None]:
        """What fails in the block is put down to servers without an address, where the service had such."""
        try:
            yield
        except AssertionError as error:
            if seen := self._without_address | servers_without_address(self._mesh, of=self._service):
                raise ServerWithoutAddressError(seen) from error
            raise

    def _many(self, has: Mapping[str, Any]) -> int:
        servers = servers_by_service(has).get(self._service, [])
        without = [f"{self._service}: {each}" for each in servers if lacks_address(each)]
        self._without_address.update(without)
        return len(servers) - len(without)


@pytest.fixture
def servers(mesh: TraefikMesh, spread: Echo) -> Servers:
    """The spread service's servers as each proxy knows them, for one test."""
    return Servers(mesh, spread.label.removesuffix("@http"))


@pytest.fixture
def scaled_back(workloads: Workloads, servers: Servers) -> Iterator[None]:
    """Afterwards the spread server has its replicas again, and every proxy knows their addresses."""
    try:
        yield
    finally:
        workloads.scale("spread", REPLICAS)
        workloads.wait_ready("spread")
        try:
            servers.wait(REPLICAS)
        except ServerWithoutAddressError:
            workloads.touch_service("spread")
            servers.wait(REPLICAS)


@requirement("TM-RES-006")
def test_killed_replica_is_soon_forgotten(
    faults: Faults,
    constant: Constant,
    client: Client,
    spread: Echo,
    workloads: Workloads,
    servers: Servers,
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
    with servers.had_addresses():
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
                evidence.converged(servers.wait(replicas))

    with servers.had_addresses():
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
        servers.wait(0)
        without = client.send([request] * LOOK)
        workloads.scale("spread", REPLICAS)
        evidence.converged(servers.wait(REPLICAS))

        def answers() -> Look[None]:
            exchanges = client.look([request] * LOOK)
            met = all(each.seen for each in exchanges)
            return Look(met=met, value=None, seen="\n".join(each.told() for each in exchanges))

        eventually(answers, what="the service answers again", within=FORGOTTEN_S, successes=3)

    said = traffic.outage(evidence).said
    assert [each.status for each in without if each.timing.total_ms < FAST_MS] == [503] * LOOK
    assert not [each.told() for each in without if each.response and each.response.header("X-Echo-Hostname")]
    with servers.had_addresses():
        assert said.keys() == {"503"}, f"other errors than the proxies' own: {said}"
