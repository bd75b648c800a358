"""An experiment against a made-up API server: what it creates, what it waits for, what it leaves behind."""

import json
from typing import Any, cast

import msgspec
import pytest

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.engine.waiting import WaitTimedOutError
from meshproof.measure import runner
from meshproof.measure.placement import Placement
from meshproof.measure.pods import LABEL
from meshproof.measure.recording import read_start
from meshproof.measure.runner import run_experiment
from meshproof.model.errors import BadInputError, HarnessError
from meshproof.model.load import Profile, Recording
from tests.measure.fake_cluster import FakeCluster
from tests.measure.load_logs import ARMS, lines, log, profile, start_line


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLL_S", "WATCH_S"):
        monkeypatch.setattr(runner, name, 0.01)


def run(cluster: FakeCluster, *, said: list[str] | None = None, **changes: Any) -> Recording:
    arguments: dict[str, Any] = {
        "namespace": "lab",
        "client_image": "client:1",
        "profile": profile(),
        "targets": ARMS,
        "labels": {"meshproof.dev/run": "r1"},
        "progress": (said if said is not None else []).append,
    }
    return run_experiment(cast("KubeApi", cluster), **(arguments | changes))


def whole(workers: int = 1) -> str:
    return log(lines(workers=workers))


def test_experiment_brings_back_a_recording_and_leaves_nothing() -> None:
    cluster = FakeCluster(logs=["creating", "", start_line(workers=1) + "\n", whole()])
    said: list[str] = []

    found = run(cluster, said=said)

    assert len(found.cells) == 3
    assert said == ["load generator: starting a master and 1 workers", "warm-up of 1 s, 3 arms"]
    assert cluster.pods == cluster.maps == {}


def test_where_a_ramp_stands_is_told_by_its_rate() -> None:
    started = read_start(start_line() + "\n")
    assert started
    ramp = msgspec.structs.replace(profile(), rates_per_s=[100.0, 250.0], arrival_rate_per_s=0.0)
    second = msgspec.structs.replace(started, phases=[("mesh", 0, 1.0, 2.0), ("mesh", 1, 2.0, 3.0)])

    assert runner._standing(second, ramp, 2.5) == "round 1 of 1, 250 requests/s: mesh"
    assert runner._standing(second, profile(), 2.5) == "round 2 of 2: mesh"


def test_whoever_watches_is_called_while_load_is_on() -> None:
    called: list[int] = []

    run(FakeCluster(logs=[whole()]), watching=lambda: called.append(1))

    assert called


def test_one_unanswered_look_does_not_throw_an_experiment_away() -> None:
    cluster = FakeCluster(logs=[start_line(workers=1) + "\n", whole()], hiccup_at=2)

    assert len(run(cluster).cells) == 3


def test_log_that_cannot_be_had_is_said_in_the_evidence() -> None:
    def failing(name: str, status: dict[str, Any]) -> dict[str, Any]:
        if "master" in name and cluster.reads:
            cluster.lost = True
            return status | {"phase": "Failed"}
        return status

    cluster = FakeCluster(logs=[start_line(workers=1) + "\n"], status=failing)

    with pytest.raises(HarnessError, match="no such log"):
        run(cluster)


def test_everything_is_labelled_and_removed() -> None:
    cluster = FakeCluster(logs=[whole()])

    run(cluster)

    assert [document["kind"] for document in cluster.ever] == ["ConfigMap", "Pod", "Pod"]
    for document in cluster.ever:
        assert document["namespace"] == "lab"
        assert document["metadata"]["labels"]["meshproof.dev/run"] == "r1"
        assert document["metadata"]["labels"][LABEL]
    assert cluster.pods == {}
    assert cluster.maps == {}


def test_programs_are_those_of_loadtests() -> None:
    cluster = FakeCluster(logs=[whole()])

    run(cluster)

    assert {"locustfile.py", "schedule.py", "cells.py", "conductor.py"} <= cluster.ever[0]["data"].keys()


def test_workers_are_told_the_masters_address_and_have_no_cpu_limit() -> None:
    cluster = FakeCluster(logs=[log()])
    two = Profile(**{name: getattr(profile(), name) for name in profile().__struct_fields__} | {"workers": 2})

    run(cluster, profile=two)

    workers = [d["spec"] for d in cluster.ever if "worker" in d["metadata"]["name"]]
    assert len(workers) == 2
    for spec in workers:
        assert "--master-host=10.0.0.7" in spec["containers"][0]["args"]
        assert "resources" not in spec["containers"][0]
        assert spec["restartPolicy"] == "Never"
        assert 0 < spec["activeDeadlineSeconds"] < 600


def test_generator_goes_where_it_is_told_and_keeps_to_its_cpus() -> None:
    cluster = FakeCluster(logs=[whole()])

    run(cluster, placement=Placement(nodes=("lab-worker",), cpus=(1, 3)))

    pods = [document["spec"] for document in cluster.ever if document["kind"] == "Pod"]
    for spec in pods:
        assert spec["containers"][0]["command"][:4] == ["taskset", "--cpu-list", "1,3", "python3"]
        assert "lab-worker" in str(spec["affinity"])
    assert len(pods) == 2


def test_sampler_stands_beside_the_master_and_is_not_pinned() -> None:
    cluster = FakeCluster(logs=[whole()], sampled=whole())

    found = run(cluster, sampling=profile(), placement=Placement(cpus=(1,)))

    assert found.beside is not None
    assert len(found.beside.cells) == 3
    master, sampler = next(d for d in cluster.ever if "master" in d["metadata"]["name"])["spec"]["containers"]
    assert sampler["command"] == ["python3", "-m", "loadtests.sampler"]
    begin = next(each["value"] for each in master["env"] if each["name"] == "MESHPROOF_BEGIN_FILE")
    assert json.loads(sampler["env"][0]["value"])["begin_file"] == json.loads(f'"{begin}"')


def test_without_a_sampling_there_is_no_sampler() -> None:
    cluster = FakeCluster(logs=[whole()])

    assert run(cluster).beside is None
    assert "MESHPROOF_BEGIN_FILE" not in str([d for d in cluster.ever if d["kind"] == "Pod"])


def test_sampler_that_fails_ends_the_experiment_with_its_own_reason() -> None:
    """The master goes on in the same pod, which is not Failed before it has ended, too."""
    reason = 'MESHPROOF-LOAD {"kind":"failure","problem":"sampler: fortio ended with 1"}'
    ended = [{"name": "sampler", "state": {"terminated": {"exitCode": 3}}}]

    def failing(name: str, status: dict[str, Any]) -> dict[str, Any]:
        return status | ({"containerStatuses": ended} if "master" in name and cluster.reads else {})

    cluster = FakeCluster(logs=[start_line(workers=1) + "\n"], sampled=reason + "\n", status=failing)

    with pytest.raises(HarnessError, match="sampler: fortio ended with 1"):
        run(cluster, sampling=profile())

    assert cluster.pods == {}


def test_sampling_from_which_lines_are_missing_is_refused() -> None:
    cluster = FakeCluster(logs=[whole()], sampled=start_line(workers=1))

    with pytest.raises(HarnessError, match="expected one start and one end line"):
        run(cluster, sampling=profile())


@pytest.mark.parametrize("broken", ["master", "worker-0"])
def test_refused_pod_ends_the_experiment_and_what_was_made_is_removed(broken: str) -> None:
    cluster = FakeCluster(logs=[whole()], create_error=broken)

    with pytest.raises(KubeError, match="forbidden"):
        run(cluster)

    assert cluster.ever
    assert cluster.pods == cluster.maps == {}


def test_image_that_is_not_there_is_named_by_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = {"waiting": {"reason": "ErrImageNeverPull", "message": "client:1 is not present"}}
    cluster = FakeCluster(
        logs=[""], status=lambda _, __: {"phase": "Pending", "containerStatuses": [{"state": waiting}]}
    )
    monkeypatch.setattr(runner, "SCHEDULED_WITHIN_S", 0.01)

    with pytest.raises(WaitTimedOutError, match="ErrImageNeverPull client:1 is not present"):
        run(cluster)

    assert cluster.pods == {}


def test_workers_that_never_come_are_a_timeout_with_their_states(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(logs=["nothing yet"])
    monkeypatch.setattr(runner, "READY_WITHIN_S", 0.01)

    with pytest.raises(WaitTimedOutError, match="worker-0: Running"):
        run(cluster)


def test_master_that_dies_before_the_start_shows_its_log() -> None:
    def dying(name: str, status: dict[str, Any]) -> dict[str, Any]:
        return status | {"phase": "Failed"} if "master" in name and cluster.reads else status

    cluster = FakeCluster(logs=["ImportError: no locust"], status=dying)

    with pytest.raises(HarnessError, match="ended before it began") as failed:
        run(cluster)

    assert "ImportError: no locust" in failed.value.evidence
    assert "worker log of" in failed.value.evidence


@pytest.mark.parametrize(
    ("victim", "problem"),
    [
        pytest.param("master", "the load generator's master failed", id="master"),
        pytest.param("worker-0", "worker 0 failed while load was on", id="worker"),
    ],
)
def test_pod_that_fails_under_load_shows_its_log(victim: str, problem: str) -> None:
    def failing(name: str, status: dict[str, Any]) -> dict[str, Any]:
        return status | {"phase": "Failed"} if victim in name and cluster.reads else status

    cluster = FakeCluster(logs=[start_line(workers=1) + "\n"], status=failing)

    with pytest.raises(HarnessError, match=problem):
        run(cluster)

    assert cluster.pods == {}


def test_master_gives_its_own_reason_where_it_has_one() -> None:
    reason = 'MESHPROOF-LOAD {"kind":"failure","problem":"a name does not resolve"}'
    cluster = FakeCluster(logs=["", reason + "\n"])

    with pytest.raises(HarnessError, match="a name does not resolve"):
        run(cluster)


@pytest.mark.parametrize("url", ["https://a", "a.b", "http://"])
def test_target_that_is_no_http_url_is_refused_before_anything_is_made(url: str) -> None:
    cluster = FakeCluster(logs=[])

    with pytest.raises(BadInputError, match="targets/mesh"):
        run(cluster, targets={"mesh": url})

    assert cluster.ever == []


@pytest.mark.parametrize(
    ("now_s", "shown"),
    [
        pytest.param(0.0, "warm-up of 1 s, 3 arms", id="warm-up"),
        pytest.param(2.5, "round 1 of 1: direct", id="a phase"),
        pytest.param(9.0, "gathering the histograms", id="after the last"),
    ],
)
def test_progress_is_reckoned_from_the_plan(now_s: float, shown: str) -> None:
    started = read_start(start_line() + "\n")

    assert started
    assert runner._standing(started, profile(), now_s) == shown
