"""A proxy goes away while another stays: whoever calls meets the other one, at once or after a bound."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.faults import Constant, Stream
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.faults import Faults
from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.adapter import ProxyPod
from meshproof.mesh.control_api import PROXY, proxy_pod
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.observe.counters import Counters, Scrape, moved

pytestmark = [profile("two-nodes"), stage("change")]

# A proxy that was killed is no endpoint any more once its pod is deleted; every node's kube-proxy learns
# of it within a second, the least time between two of its changes. Five times that on a busy machine.
FORGOTTEN_S: Final = 5.0
# A proxy serves 5 s after it was told to stop and ends within 10 s more; its successor takes 3 s. Two.
RENEWED_S: Final = 60.0
# Longer than what a kubelet gives every pod (2 s), within the 10 s that Traefik takes for its last answers.
ANSWERED_S: Final = 3.0
LEARNED: Final = 5  # looks, one second: every node's kube-proxy knows of them, too
SAMPLE: Final = 40

Renewed = Callable[[set[str]], float]


@pytest.fixture(scope="module")
def renewed(kube: KubeApi, mesh: TraefikMesh) -> Renewed:
    """Waits until both proxies are ready and wholly others than those named (by UID); the seconds it took."""
    path = f"/api/v1/namespaces/{mesh.settings.namespace}/pods"

    def wait(old: set[str]) -> float:
        def look() -> Look[None]:
            found: list[ProxyPod] = [proxy_pod(pod) for pod in kube.items(path, labelSelector=PROXY)]
            met = len(found) == 2 and all(each.ready and each.uid not in old for each in found)
            return Look(met=met, value=None, seen=str(found))

        what = "two proxies, new and ready"
        return eventually(look, what=what, within=RENEWED_S, successes=LEARNED).seconds

    return wait


@requirement("TM-RES-004")
def test_proxy_that_is_told_to_stop_loses_nothing(
    faults: Faults,
    constant: Constant,
    client: Client,
    spread: Echo,
    mesh: TraefikMesh,
    renewed: Renewed,
    evidence: Facts,
) -> None:
    """A proxy's pod is deleted: it serves what still comes and ends what it has begun, others do the rest."""
    old = mesh.proxies()[0]
    with constant(spread) as traffic, constant(spread, answered_after_s=ANSWERED_S) as begun:
        faults.last(1.0)  # by then two dozen requests wait for their answers
        faults.delete_pod(old.name, uid=old.uid, namespace=mesh.settings.namespace)
        evidence.converged(renewed({old.uid}))
        client.send([client.request(spread.mesh_url("/?format=json")) for _ in range(SAMPLE)])

    assert begun.outage(evidence).lost == 0
    assert traffic.outage(evidence).lost == 0


@requirement("TM-RES-014")
def test_proxy_that_is_killed_is_soon_forgotten(
    faults: Faults,
    constant: Constant,
    client: Client,
    spread: Echo,
    mesh: TraefikMesh,
    renewed: Renewed,
    evidence: Facts,
) -> None:
    """A proxy is deleted by force, and dead 2 s later: only what is sent right after may be lost."""
    old = mesh.proxies()[-1]
    with constant(spread) as traffic:
        began = time.time()
        faults.delete_pod(old.name, uid=old.uid, namespace=mesh.settings.namespace, grace_s=0)
        evidence.converged(renewed({old.uid}))
        client.send([client.request(spread.mesh_url("/?format=json")) for _ in range(SAMPLE)])

    assert traffic.outage(evidence, since=began).until_s <= FORGOTTEN_S


@requirement("TM-RES-014")
def test_successor_without_routes_gets_nothing(
    faults: Faults,
    constant: Constant,
    client: Client,
    kube: KubeApi,
    spread: Echo,
    mesh: TraefikMesh,
    renewed: Renewed,
    evidence: Facts,
) -> None:
    """A proxy is killed while there is no controller: its successor, which has no routes, is sent nobody."""
    del client
    old, namespace = mesh.proxies()[-1], mesh.settings.namespace
    with constant(spread) as traffic:
        with faults.scaled(f"{mesh.settings.release}-controller", 0, namespace=namespace):
            began = time.time()
            faults.delete_pod(old.name, uid=old.uid, namespace=namespace, grace_s=0)
            wait_until_two_run(kube, mesh, old)
            faults.last(FORGOTTEN_S)
        evidence.converged(renewed({old.uid}))

    assert traffic.outage(evidence, since=began).until_s <= FORGOTTEN_S


def wait_until_two_run(kube: KubeApi, mesh: TraefikMesh, gone: ProxyPod) -> None:
    """Until another proxy runs in the place of ``gone``, ready or not."""
    path = f"/api/v1/namespaces/{mesh.settings.namespace}/pods"

    def run() -> Look[None]:
        phases = {
            pod["metadata"]["name"]: pod["status"].get("phase")
            for pod in kube.items(path, labelSelector=PROXY)
            if pod["metadata"]["uid"] != gone.uid
        }
        return Look(met=list(phases.values()) == ["Running"] * 2, value=None, seen=str(phases))

    eventually(run, what=f"another proxy runs in the place of {gone.name}", within=RENEWED_S)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """A restart of both proxies, one after another; ``before`` are the counters before it."""

    seconds: float
    traffic: Stream
    before: Scrape


@pytest.fixture(scope="module")
def rollout(
    faults: Faults, constant: Constant, counters: Counters, spread: Echo, mesh: TraefikMesh, renewed: Renewed
) -> Rollout:
    """What ``kubectl rollout restart`` of the proxies' DaemonSet does, under constant traffic."""
    before = counters.scrape()
    old = {each.uid for each in mesh.proxies()}
    name, namespace = f"{mesh.settings.release}-proxy", mesh.settings.namespace
    with constant(spread) as traffic:
        faults.restart("daemonsets", name, namespace=namespace, mark=str(traffic.began))
        seconds = renewed(old)
    return Rollout(seconds=seconds, traffic=traffic, before=before)


@requirement("TM-RES-005")
def test_restart_of_the_proxies_loses_nothing(client: Client, rollout: Rollout, evidence: Facts) -> None:
    """While one proxy after another is replaced, each request is answered."""
    del client
    evidence.converged(rollout.seconds)

    assert rollout.traffic.outage(evidence).lost == 0


@requirement("TM-RES-015")
def test_counters_of_restarted_proxies_begin_anew(
    client: Client, counters: Counters, spread: Echo, rollout: Rollout, evidence: Facts
) -> None:
    """The new proxies are told from the old ones: no counter runs backwards, and they count from there on."""
    middle = counters.scrape()

    exchanges = client.send([client.request(spread.mesh_url("/?format=json")) for _ in range(SAMPLE)])

    movement = counters.settled(middle, spread.label, expected=SAMPLE)
    across = moved(rollout.before, middle, spread.label)
    evidence.record({"since_before_the_restart": across.facts(), **movement.facts()})
    assert not rollout.before.by_proxy.keys() & middle.by_proxy.keys()
    assert 0 <= across.total <= rollout.traffic.result.sent
    assert len(exchanges) == movement.total == SAMPLE
