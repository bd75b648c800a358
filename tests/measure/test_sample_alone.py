"""A sampling without load, against a made-up API server."""

from typing import Any, cast

import pytest

from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import WaitTimedOutError
from meshproof.measure import sampler
from meshproof.measure.placement import Placement
from meshproof.measure.sampler import sample_alone
from meshproof.model.errors import BadInputError, HarnessError
from meshproof.model.load import Recording
from tests.measure.fake_cluster import FakeCluster
from tests.measure.load_logs import ARMS, lines, log, profile


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "WATCH_S", 0.01)


def sample(cluster: FakeCluster, **changed: Any) -> Recording:
    arguments: dict[str, Any] = {
        "namespace": "lab",
        "client_image": "client:1",
        "sampling": profile(),
        "targets": ARMS,
        "labels": {"meshproof.dev/run": "r1"},
        "progress": lambda _: None,
    }
    return sample_alone(cast("KubeApi", cluster), **(arguments | changed))


def test_sampling_brings_back_a_recording_and_leaves_nothing() -> None:
    cluster = FakeCluster(logs=[""], sampled=log(lines(workers=1)))

    found = sample(cluster, placement=Placement(nodes=("lab-worker",), cpus=(1,)))

    assert len(found.cells) == 3
    assert [document["kind"] for document in cluster.ever] == ["ConfigMap", "Pod"]
    (container,) = cluster.ever[1]["spec"]["containers"]
    assert container["command"] == ["python3", "-m", "loadtests.sampler"]  # never pinned
    assert "lab-worker" in str(cluster.ever[1]["spec"]["affinity"])
    assert cluster.pods == cluster.maps == {}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param('MESHPROOF-LOAD {"kind":"failure","problem":"no fortio"}', "no fortio", id="told"),
        pytest.param("Traceback: x", "the sampler failed", id="not told"),
    ],
)
def test_sampler_that_fails_is_shown_with_its_words(said: str, why: str) -> None:
    cluster = FakeCluster(logs=[""], sampled=said, status=lambda _, status: status | {"phase": "Failed"})

    with pytest.raises(HarnessError, match=why) as failed:
        sample(cluster)

    assert said.rsplit(maxsplit=1)[-1] in str(failed.value)
    assert cluster.pods == {}


def test_sampler_that_never_ends_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STARTED_WITHIN_S", "GATHERED_WITHIN_S"):
        monkeypatch.setattr(sampler, name, -11.0)
    cluster = FakeCluster(logs=[""], sampled="nothing yet")

    with pytest.raises(WaitTimedOutError, match="sampler: Running"):
        sample(cluster)

    assert cluster.pods == {}


def test_target_that_is_no_http_url_is_refused_before_anything_is_made() -> None:
    cluster = FakeCluster(logs=[""])

    with pytest.raises(BadInputError, match="targets/mesh"):
        sample(cluster, targets={"mesh": "https://a"})

    assert cluster.ever == []
