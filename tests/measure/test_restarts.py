"""Restarts are read from two listings of a namespace."""

from typing import Any

import pytest

from meshproof.measure.restarts import restarts_between

T0 = 1_900_000_000.0  # 2030-03-17T17:46:40Z


def pod(name: str, *, restarts: int = 0, finished: str | None = None) -> dict[str, Any]:
    last = (
        {"terminated": {"finishedAt": finished, "reason": "OOMKilled", "exitCode": 137}} if finished else {}
    )
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": "2030-03-17T17:47:00Z"},
        "status": {"containerStatuses": [{"name": "echo", "restartCount": restarts, "lastState": last}]},
    }


def test_nothing_happened() -> None:
    assert restarts_between([pod("a", restarts=2)], [pod("a", restarts=2)], t0_unix=T0) == []


def test_container_that_restarted_says_when_and_why() -> None:
    after = pod("a", restarts=1, finished="2030-03-17T17:46:50Z")

    (found,) = restarts_between([pod("a")], [after], t0_unix=T0)

    assert (found.pod, found.at_s, found.reason) == ("a/echo", 10.0, "OOMKilled, exit code 137")


def test_restart_without_a_record_of_it_has_no_time() -> None:
    (found,) = restarts_between([pod("a")], [pod("a", restarts=1)], t0_unix=T0)

    assert found.at_s is None
    assert "unknown" in found.reason


def test_pods_that_came_and_went() -> None:
    found = restarts_between(
        [pod("old")], [pod("new"), {"metadata": {"name": "bare", "uid": "b"}}], t0_unix=T0
    )

    assert [(r.pod, r.at_s) for r in found] == [("new", 20.0), ("bare", None), ("old", None)]


@pytest.mark.parametrize("still_there", [True, False])
def test_pod_that_was_leaving_before_says_nothing(*, still_there: bool) -> None:
    leaving = pod("old")
    leaving["metadata"]["deletionTimestamp"] = "2030-03-17T17:46:39Z"

    assert restarts_between([leaving], [leaving] if still_there else [], t0_unix=T0) == []


@pytest.mark.parametrize("status", [{}, {"containerStatuses": None}])
def test_pod_without_containers_yet(status: dict[str, Any]) -> None:
    bare = {"metadata": {"name": "a", "uid": "1"}, "status": status}

    assert restarts_between([bare], [bare], t0_unix=T0) == []
