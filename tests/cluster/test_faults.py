"""Faults: injected, seen to be there, taken back whatever happens; never in a cluster that is not ours."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from meshproof.cluster import faults as module
from meshproof.cluster.faults import FaultError, Faults
from meshproof.cluster.kind import ForeignClusterError, KindCluster
from meshproof.engine.waiting import eventually
from tests.cluster.api_server import ApiServer
from tests.cluster.kind_door import FOREIGN, Door

COREDNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
PODS = "/api/v1/namespaces/kube-system/pods"
POD = f"{PODS}/p"


@pytest.fixture
def faults(new_cluster: Callable[..., KindCluster], door: Door, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """In a cluster of two nodes; every wait takes one look."""
    cluster = new_cluster(nodes=2)
    cluster.create()
    door.argv.clear()

    def one_look(look: Any, *, what: str, within: float) -> Any:
        assert within > 0
        return eventually(look, what=what, within=0.0)

    monkeypatch.setattr(module, "eventually", one_look)
    return Faults(cluster)


@pytest.fixture
def pausing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine does what it is told to."""
    plain = Door._said

    def said(self: Door, command: list[str]) -> str:
        states = {"pause": "paused", "unpause": "running"}
        if command[1] in states:
            door.containers = [
                replace(each, state=states[command[1]]) if each.id == command[-1] else each
                for each in door.containers
            ]
        return plain(self, command)

    monkeypatch.setattr(Door, "_said", said)


def a_deployment(replicas: int, *, available: int | None = None, generation: int = 1) -> dict[str, Any]:
    there = replicas if available is None else available
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), there)
    return {
        "kind": "Deployment",
        "metadata": {"generation": generation},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}},
        "status": {"observedGeneration": 1, **counts},
    }


def a_pod(uid: str, **more: str) -> dict[str, Any]:
    return {"metadata": {"name": "p", "uid": uid, **more}, "status": {"phase": "Running"}}


def test_foreign_cluster_is_refused_untouched(cluster: KindCluster, door: Door) -> None:
    door.containers = [FOREIGN]

    with pytest.raises(ForeignClusterError):
        Faults(cluster)

    assert door.commands() == []


@pytest.mark.usefixtures("pausing")
def test_silent_node_is_paused_within_the_block_alone(faults: Faults, door: Door) -> None:
    with faults.silent_node("demo-worker1"):
        states = {each.name: each.state for each in door.containers}

    assert states == {"demo-control-plane": "running", "demo-worker1": "paused"}
    assert door.commands() == [["podman", "pause", "11"], ["podman", "unpause", "11"]]


@pytest.mark.usefixtures("pausing")
def test_silent_node_is_woken_when_the_block_fails(faults: Faults, door: Door) -> None:
    with pytest.raises(ZeroDivisionError), faults.silent_node("demo-worker1"):
        raise ZeroDivisionError

    assert door.commands()[-1] == ["podman", "unpause", "11"]


def test_node_that_does_not_fall_silent_is_a_fault_of_the_harness(faults: Faults, door: Door) -> None:
    with pytest.raises(FaultError, match="is running, not paused"), faults.silent_node("demo-worker1"):
        pytest.fail("the block must not be entered")

    assert door.commands()[-1] == ["podman", "unpause", "11"]


def test_api_server_that_still_answers_is_a_fault_of_the_harness(
    faults: Faults, door: Door, server: ApiServer
) -> None:
    server.gives("/readyz", {})

    with pytest.raises(FaultError, match="it answers although it was stopped"), faults.silent_api_server():
        pytest.fail("the block must not be entered")

    pkill = ["podman", "exec", "1", "pkill", "--exact", "kube-apiserver", "--signal"]
    assert door.commands() == [[*pkill, "STOP"], [*pkill, "CONT"]]


def test_scaled_deployment_gets_its_replicas_back(faults: Faults, server: ApiServer) -> None:
    server.gives(COREDNS, a_deployment(2))
    server.gives(f"{COREDNS}/scale", {})
    server.gives(PODS, {"items": []})

    with faults.scaled("coredns", 0):
        asked = [each.body for each in server.asked if each.method == "PATCH"]

    assert asked == [{"spec": {"replicas": 0}}]
    assert [each.body for each in server.asked if each.method == "PATCH"][1:] == [{"spec": {"replicas": 2}}]
    assert f"{PODS}?labelSelector=k8s-app%3Dkube-dns" in [each.target for each in server.asked]


def test_pod_that_stays_is_a_fault_of_the_harness_and_all_is_put_back(
    faults: Faults, server: ApiServer
) -> None:
    server.gives(COREDNS, a_deployment(2))
    server.gives(f"{COREDNS}/scale", {})
    server.gives(PODS, {"items": [a_pod("1")]})

    with pytest.raises(FaultError, match="coredns has 0 pods"), faults.scaled("coredns", 0):
        pytest.fail("the block must not be entered")

    assert [each.body for each in server.asked if each.method == "PATCH"][-1] == {"spec": {"replicas": 2}}


@pytest.mark.parametrize(
    ("found", "grace_s"),
    [
        pytest.param(None, 0, id="gone"),
        pytest.param(a_pod("2"), 0, id="another-of-its-name"),
        pytest.param(a_pod("1", deletionTimestamp="now"), None, id="on-its-way-out"),
    ],
)
def test_deleted_pod_is_seen_to_go(
    faults: Faults, server: ApiServer, found: dict[str, Any] | None, grace_s: int | None
) -> None:
    if found is not None:
        server.gives(POD, found)

    faults.delete_pod("p", uid="1", namespace="kube-system", grace_s=grace_s)

    (deletion,) = [each for each in server.asked if each.method == "DELETE"]
    grace = {} if grace_s is None else {"gracePeriodSeconds": grace_s}
    assert deletion.body == {"propagationPolicy": "Background", "preconditions": {"uid": "1"}, **grace}


def test_killed_pod_that_only_stops_is_a_fault_of_the_harness(faults: Faults, server: ApiServer) -> None:
    server.gives(POD, a_pod("1", deletionTimestamp="now"))

    with pytest.raises(FaultError, match="pod p is on its way out"):
        faults.delete_pod("p", uid="1", namespace="kube-system", grace_s=0)


def test_restart_changes_the_pods_template(faults: Faults, server: ApiServer) -> None:
    server.gives(COREDNS, {})

    faults.restart("deployments", "coredns", namespace="kube-system", mark="now")

    (patch,) = [each.body for each in server.asked if each.method == "PATCH"]
    annotations = {"kubectl.kubernetes.io/restartedAt": "now"}
    assert patch == {"spec": {"template": {"metadata": {"annotations": annotations}}}}


@pytest.mark.parametrize(
    ("document", "done"),
    [
        pytest.param(a_deployment(2), True, id="deployment"),
        pytest.param(a_deployment(2, available=1), False, id="one-missing"),
        pytest.param(a_deployment(2, generation=2), False, id="not-seen-yet"),
    ],
)
def test_rollout_is_waited_for(
    faults: Faults,
    server: ApiServer,
    document: dict[str, Any],
    done: bool,  # noqa: FBT001  # a table's column
) -> None:
    server.gives(COREDNS, document)

    if done:
        assert faults.wait_rolled_out("deployments", "coredns", namespace="kube-system") >= 0
    else:
        with pytest.raises(FaultError, match="has rolled out"):
            faults.wait_rolled_out("deployments", "coredns", namespace="kube-system")


def test_unknown_node_is_named_with_those_that_are_there(faults: Faults) -> None:
    with pytest.raises(Exception, match="the cluster has demo-control-plane, demo-worker1"):
        faults.silent_node("other").__enter__()
