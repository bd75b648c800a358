"""What is created, awaited and removed for a run, against an API made of a table."""

from pathlib import Path
from typing import Any, cast

import pytest

from meshproof.cluster import workloads as module
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import RUN_LABEL, Pod, Workloads
from meshproof.engine.waiting import WaitTimedOutError
from tests.cluster.api_table import FakeKube

RUN = {RUN_LABEL: "run-1"}
DEPLOYMENTS = "/apis/apps/v1/namespaces/demo/deployments"
PODS = "/api/v1/namespaces/demo/pods"


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


@pytest.fixture
def workloads(kube: FakeKube) -> Workloads:
    return Workloads(cast("KubeApi", kube), namespace="demo", run_id="run-1")


def a_deployment(name: str, *, wanted: int = 2, seen: int = 1, **status: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "generation": 1},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": seen, **status},
    }


def ready_deployment(name: str) -> dict[str, Any]:
    return a_deployment(name, replicas=2, updatedReplicas=2, readyReplicas=2)


def test_namespace_carries_the_run(kube: FakeKube, workloads: Workloads) -> None:
    workloads.create_namespace()

    metadata = {"name": "demo", "labels": RUN}
    assert kube.created == [(None, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})]


def test_namespace_waits_for_the_end_of_an_earlier_one(kube: FakeKube, workloads: Workloads) -> None:
    kube.namespaces["demo"] = 2

    workloads.create_namespace()

    assert (kube.namespaces, len(kube.created)) == ({}, 1)


def test_everything_of_the_manifests_carries_the_run(kube: FakeKube, workloads: Workloads) -> None:
    workloads.apply("client", "server", "overhead")

    assert len(kube.created) == 8
    assert all(namespace == "demo" for namespace, _ in kube.created)
    assert all(document["metadata"]["labels"].items() >= RUN.items() for _, document in kube.created)


def test_labels_of_a_document_are_kept_and_the_document_is_not_changed(
    kube: FakeKube, workloads: Workloads
) -> None:
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"app": "a"}}}

    workloads.create(document)

    assert kube.created[0][1]["metadata"]["labels"] == {"app": "a", **RUN}
    assert document["metadata"] == {"name": "p", "labels": {"app": "a"}}


def test_files_become_a_config_map(kube: FakeKube, workloads: Workloads, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("pass\n")

    workloads.give_files("agent", {"agent.py": tmp_path / "agent.py"})

    document = kube.created[0][1]
    assert (document["kind"], document["data"]) == ("ConfigMap", {"agent.py": "pass\n"})
    assert document["metadata"] == {"name": "agent", "labels": RUN}


def test_secret_is_given_as_text(kube: FakeKube, workloads: Workloads) -> None:
    workloads.give_secret("agent", {"token": "t"})

    document = kube.created[0][1]
    assert (document["kind"], document["stringData"]) == ("Secret", {"token": "t"})


def test_ready_deployments_are_not_waited_for(kube: FakeKube, workloads: Workloads) -> None:
    kube.collections[DEPLOYMENTS] = [ready_deployment("a"), ready_deployment("b"), a_deployment("other")]

    assert workloads.wait_ready("a", "b") >= 0


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        pytest.param(None, "a: not there", id="not-there"),
        pytest.param(a_deployment("a"), "a: 0 of 2 ready", id="none-ready"),
        pytest.param(
            a_deployment("a", replicas=2, updatedReplicas=2, readyReplicas=1),
            "a: 1 of 2 ready",
            id="one-ready",
        ),
        pytest.param(
            a_deployment("a", replicas=3, updatedReplicas=2, readyReplicas=2),
            "a: 2 of 2",
            id="an-old-one-left",
        ),
        pytest.param(
            a_deployment("a", seen=0, replicas=2, updatedReplicas=2, readyReplicas=2),
            "a: 2 of 2",
            id="not-seen-by-its-controller",
        ),
    ],
)
def test_time_out_tells_what_is_missing(
    kube: FakeKube,
    workloads: Workloads,
    monkeypatch: pytest.MonkeyPatch,
    deployment: dict[str, Any] | None,
    said: str,
) -> None:
    kube.collections[DEPLOYMENTS] = [deployment] if deployment else []
    monkeypatch.setattr(module, "_READY_S", 0.0)

    with pytest.raises(WaitTimedOutError) as caught:
        workloads.wait_ready("a")

    assert "deployments a in demo are ready" in str(caught.value)
    assert said in caught.value.seen


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(
            {
                "phase": "Pending",
                "containerStatuses": [
                    {"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "no image"}}}
                ],
            },
            ["p: ErrImageNeverPull: no image"],
            id="container-waits",
        ),
        pytest.param(
            {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]},
            ["p: ContainerCreating: "],
            id="no-message",
        ),
        pytest.param(
            {"phase": "Pending", "conditions": [{"message": "0/1 nodes"}, {"type": "x"}]},
            ["p: 0/1 nodes"],
            id="not-scheduled",
        ),
        pytest.param({"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}, [], id="runs"),
    ],
)
def test_time_out_tells_what_troubles_the_pods(
    kube: FakeKube,
    workloads: Workloads,
    monkeypatch: pytest.MonkeyPatch,
    status: dict[str, Any],
    said: list[str],
) -> None:
    kube.collections[PODS] = [{"metadata": {"name": "p"}, "status": status}]
    monkeypatch.setattr(module, "_READY_S", 0.0)

    with pytest.raises(WaitTimedOutError) as caught:
        workloads.wait_ready("a")

    assert caught.value.seen.splitlines() == ["a: not there", *said]


def test_scale_changes_the_scale_alone(kube: FakeKube, workloads: Workloads) -> None:
    workloads.scale("server", 3)

    assert kube.calls == [("merge", f"{DEPLOYMENTS}/server/scale", {"spec": {"replicas": 3}})]


def test_pods_of_a_workload_by_name_without_those_on_their_way_out(
    kube: FakeKube, workloads: Workloads
) -> None:
    kube.collections[PODS] = [
        {"metadata": {"name": "b", "uid": "2"}, "status": {}},
        {
            "metadata": {"name": "a", "uid": "1"},
            "status": {"podIP": "10.244.0.9", "conditions": [{"type": "Ready", "status": "True"}]},
        },
        {"metadata": {"name": "c", "uid": "3", "deletionTimestamp": "now"}, "status": {}},
    ]

    pods = workloads.pods("server")

    assert pods == [
        Pod(name="a", uid="1", ip="10.244.0.9", ready=True),
        Pod(name="b", uid="2", ip="", ready=False),
    ]
    assert kube.calls == [("items", PODS, {"labelSelector": "app=server"})]


@pytest.mark.parametrize(
    ("namespace", "path"),
    [
        pytest.param(None, "/api/v1/namespaces/demo/services/server", id="own"),
        pytest.param("mesh", "/api/v1/namespaces/mesh/services/server", id="another"),
    ],
)
def test_service_address(kube: FakeKube, workloads: Workloads, namespace: str | None, path: str) -> None:
    address = workloads.service_address("server", namespace=namespace)

    assert address == "10.96.0.7"
    assert kube.calls == [("get", path)]


def test_service_is_touched_in_what_nobody_reads(kube: FakeKube, workloads: Workloads) -> None:
    workloads.touch_service("server")

    ((verb, path, body),) = kube.calls
    assert (verb, path) == ("merge", "/api/v1/namespaces/demo/services/server")
    assert body["metadata"]["annotations"].keys() == {"meshproof.dev/touched"}


def test_service_is_removed(kube: FakeKube, workloads: Workloads) -> None:
    workloads.remove_service("server")

    assert kube.calls == [("delete", "/api/v1/namespaces/demo/services/server")]


def test_removal_waits_until_the_namespace_is_gone(kube: FakeKube, workloads: Workloads) -> None:
    kube.namespaces, kube.lingers = {"demo": 0}, 1

    workloads.remove()

    assert kube.namespaces == {}


def test_namespace_that_stays_is_told_with_its_status(
    kube: FakeKube, workloads: Workloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube.namespaces, kube.lingers = {"demo": 0}, 9
    monkeypatch.setattr(module, "_GONE_S", 0.0)

    with pytest.raises(WaitTimedOutError, match="namespace demo is gone") as caught:
        workloads.remove()

    assert "Terminating" in caught.value.seen


def test_predecessors_are_removed_and_named(kube: FakeKube) -> None:
    kube.namespaces = {"demo-1": 0, "demo-2": 0}

    with module.predecessors_removed(cast("KubeApi", kube)) as removed:
        pass

    assert removed == ["demo-1", "demo-2"]
    assert kube.namespaces == {}
    assert kube.calls[0] == ("items", "/api/v1/namespaces", {"labelSelector": RUN_LABEL})


def test_pods_of_predecessors_have_no_time_to_end(kube: FakeKube) -> None:
    kube.namespaces = {"demo-1": 0}
    kube.collections["/api/v1/namespaces/demo-1/pods"] = [{"metadata": {"name": "p"}}]

    with module.predecessors_removed(cast("KubeApi", kube)):
        pass

    told = [call for call in kube.calls if call[0] == "delete"]
    assert told == [
        ("delete", "/api/v1/namespaces/demo-1"),
        ("delete", "/api/v1/namespaces/demo-1/pods/p", 0),
    ]
