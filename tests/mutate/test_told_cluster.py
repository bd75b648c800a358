"""What the API server tells of containers, and the chart of its images, is another thing inside the block."""

import copy
from typing import Any

import pytest

from meshproof.mesh.rendered import Rendered
from meshproof.mutate import told_chart, told_cluster
from meshproof.mutate.mutant import Ground
from tests.mutate.fake_ground import MESH, FakeKube

NAMED = {each.name: each.change for each in (*told_cluster.MUTANTS, *told_chart.MUTANTS)}
LOG = 'time="1" level=info msg="a\\nb \\\\\\"c\\\\\\""\ntime="2" level=error msg="wrong"\n'


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "status": status}


def running() -> dict[str, Any]:
    return pod(containerStatuses=[{"imageID": "a@sha256:1", "restartCount": 0}])


@pytest.fixture
def kube() -> FakeKube:
    pods = [pod(), running(), running()]
    return FakeKube(
        listed={
            "/api/v1/pods": pods,
            f"{MESH}/pods": pods,
            f"{MESH}/pods?component=maesh-mesh": pods,
        }
    )


@pytest.mark.parametrize(
    ("name", "path", "query", "expected"),
    [
        ("image-foreign", "/api/v1/pods", {}, {"imageID": f"docker.io/library/busybox@sha256:{'0' * 64}"}),
        (
            "proxy-exits-without-collector",
            f"{MESH}/pods",
            {"labelSelector": "component=maesh-mesh"},
            {"restartCount": 1},
        ),
    ],
)
def test_one_container_has_another_status(
    ready: Ground, kube: FakeKube, name: str, path: str, query: dict[str, str], expected: dict[str, Any]
) -> None:
    before = copy.deepcopy(kube.listed)

    with NAMED[name].applied(ready):
        told = kube.items(path, **query)
        others = kube.items(f"{MESH}/pods")

    first = running()["status"]["containerStatuses"][0]
    assert told == [pod(), pod(containerStatuses=[first | expected]), running()]
    assert others == before[f"{MESH}/pods"]
    assert kube.items(path, **query) == before["/api/v1/pods"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log-unescaped", 'time="1" level=info msg="a\nb "c""\ntime="2" level=error msg="wrong"\n'),
        ("bad-annotation-silent", LOG.splitlines(keepends=True)[0]),
    ],
)
def test_logs_say_something_else(
    ready: Ground, kube: FakeKube, monkeypatch: pytest.MonkeyPatch, name: str, expected: str
) -> None:
    monkeypatch.setattr(kube, "log", lambda *_, **__: LOG, raising=False)

    with NAMED[name].applied(ready):
        assert kube.log("n", "p", "c", lines=3) == expected  # type: ignore[attr-defined]

    assert kube.log("n", "p", "c") == LOG  # type: ignore[attr-defined]


def workload(name: str, annotations: dict[str, str] | None = None, **pod: Any) -> dict[str, Any]:
    meta = {"name": name, "annotations": annotations}
    return {"kind": "Job", "metadata": meta, "spec": {"template": {"spec": pod}}}


@pytest.mark.parametrize(
    ("name", "changed"), [("hook-image-unlocked", "hook"), ("init-image-unlocked", "init")]
)
def test_some_containers_of_a_chart_have_another_image(ready: Ground, name: str, changed: str) -> None:
    def containers(name: str) -> list[dict[str, str]]:
        return [{"name": name, "image": "ours"}]

    objects = (
        workload("controller", initContainers=containers("init"), containers=containers("main")),
        workload("cleanup", {"helm.sh/hook": "pre-delete"}, containers=containers("hook")),
        {"kind": "ConfigMap", "metadata": {"name": "c"}},
    )
    rendered = Rendered(objects=objects)

    with NAMED[name].applied(ready):
        during = {each.where.rpartition(" ")[2]: each.image for each in rendered.containers()}

    others = {"init": "ours", "main": "ours", "hook": "ours"}
    assert during == others | {changed: "docker.io/library/busybox:1.37"}
    assert {each.image for each in rendered.containers()} == {"ours"}
