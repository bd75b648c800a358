"""From the API's JSON to facts."""

from typing import Any

import pytest

from meshproof.mesh.facts import pod_fact, warning_facts, workload_fact


def _pod(state: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "c-1"},
        "spec": {"initContainers": [{"name": "prepare", "image": "mesh:v1"}]},
        "status": {
            "phase": "Pending",
            "initContainerStatuses": [{"name": "prepare", "state": state, "restartCount": 1, **status}],
        },
    }


def test_an_init_container_in_a_crash_loop_is_in_trouble() -> None:
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}

    fact = pod_fact(_pod(state, lastState={"terminated": {"exitCode": 1}}), {"prepare": "no DNS"})

    (one,) = fact.containers
    assert one.init
    assert (one.image, one.exit_code, one.log) == ("mesh:v1", 1, "no DNS")
    assert one.in_trouble
    assert one.failures == 1


def test_a_container_that_has_just_ended_in_error_counts_one_more_failure() -> None:
    (one,) = pod_fact(_pod({"terminated": {"exitCode": 1, "reason": "Error"}})).containers

    assert one.failures == 2


@pytest.mark.parametrize("reason", ["PodInitializing", "ContainerCreating"])
def test_a_container_that_waits_for_its_turn_is_not_in_trouble(reason: str) -> None:
    (one,) = pod_fact(_pod({"waiting": {"reason": reason}}, restartCount=0)).containers

    assert not one.in_trouble


def test_a_container_without_a_state_is_unknown() -> None:
    (one,) = pod_fact(_pod({}, restartCount=0)).containers

    assert one.state == "unknown"
    assert not one.in_trouble


def test_the_schedulers_sentence_is_kept_while_there_is_no_node() -> None:
    pod = {
        "metadata": {"name": "p"},
        "status": {
            "conditions": [{"type": "PodScheduled", "status": "False", "message": "Insufficient cpu"}]
        },
    }

    fact = pod_fact(pod)

    assert fact.unschedulable == "Insufficient cpu"
    assert (fact.phase, fact.ready) == ("Unknown", False)


def test_a_scheduled_pod_has_no_such_sentence(build: Any) -> None:
    assert not pod_fact(build.pod("p", "controller")).unschedulable


def test_only_warnings_are_kept_oldest_first() -> None:
    about = {"kind": "Pod", "name": "p"}
    events: list[dict[str, Any]] = [
        {"type": "Warning", "involvedObject": about, "reason": "B", "message": " b ", "lastTimestamp": "2"},
        {"type": "Normal", "involvedObject": about, "reason": "N", "message": "n", "lastTimestamp": "3"},
        {
            "type": "Warning",
            "involvedObject": about,
            "reason": "A",
            "message": None,
            "eventTime": "1",
            "count": 4,
        },
    ]

    found = warning_facts(events)

    assert [(each.reason, each.message, each.count) for each in found] == [("A", "", 4), ("B", "b", 1)]
    assert found[0].about == "Pod p"


@pytest.mark.parametrize(
    ("status", "rolled_out"),
    [
        pytest.param({}, True, id="all-there"),
        pytest.param({"availableReplicas": 0}, False, id="not-available"),
        pytest.param({"replicas": 2}, False, id="an-old-one-left"),
        pytest.param({"updatedReplicas": 0}, False, id="of-the-old-template"),
        pytest.param({"observedGeneration": 1}, False, id="change-not-seen-yet"),
    ],
)
def test_a_deployment_has_rolled_out_when_only_new_replicas_are_there(
    build: Any, status: dict[str, int], *, rolled_out: bool
) -> None:
    deployment = build.workload("coredns")
    deployment["status"] |= status

    assert workload_fact("Deployment", deployment).rolled_out is rolled_out


def test_a_deployment_at_zero_has_not_rolled_out(build: Any) -> None:
    assert not workload_fact("Deployment", build.workload("coredns", wanted=0, ready=0)).rolled_out


def test_a_daemon_set_counts_nodes(build: Any) -> None:
    fact = workload_fact("DaemonSet", build.daemon_set("proxy", ready=1))

    assert not fact.rolled_out
    assert str(fact) == "DaemonSet proxy: 1 of 2 available, 2 of the newest template"
    assert fact.images == {"proxy": "b:v2"}


def test_a_workload_that_has_no_status_yet_has_not_rolled_out(build: Any) -> None:
    fresh = build.workload("coredns")
    del fresh["status"]

    assert not workload_fact("Deployment", fresh).rolled_out
