"""What the cluster around the mesh is made to do, and to cease doing."""

from typing import Any

import pytest

from meshproof.engine.waiting import WaitTimedOutError
from meshproof.mesh.adapter import ProxyPod
from meshproof.mutate.workloads import Pulling, UnreadyPublished
from tests.mutate.fake_ground import NAMESPACE, FakeKube, FakeMesh, ground

RUN = f"/api/v1/namespaces/{NAMESPACE}"
SERVICE = f"{RUN}/services/half-ready"


class Following(FakeMesh):
    """Its proxies have two servers of a service that publishes what is not ready, else one."""

    kube: FakeKube

    def proxy_configuration(self, proxy: ProxyPod) -> dict[str, Any]:
        published = self.kube.objects[SERVICE]["spec"].get("publishNotReadyAddresses")
        servers = [{"url": f"http://10.0.0.{number}:8080"} for number in range(2 if published else 1)]
        services = {f"{NAMESPACE}-half-ready-80@http": {"loadBalancer": {"servers": servers}}}
        return super().proxy_configuration(proxy) | {"services": services}


@pytest.fixture
def following() -> Following:
    mesh = Following()
    service = {"metadata": {"name": "half-ready", "resourceVersion": "1"}, "spec": {"selector": {}}}
    mesh.kube = FakeKube(objects={SERVICE: service})
    return mesh


def test_pod_that_is_not_ready_becomes_a_server(following: Following, waits: list[tuple[str, int]]) -> None:
    with UnreadyPublished(service="half-ready").applied(ground(following.kube, following)):
        assert following.kube.objects[SERVICE]["spec"]["publishNotReadyAddresses"] is True

    assert "publishNotReadyAddresses" not in following.kube.objects[SERVICE]["spec"]
    assert [what for what, _ in waits] == [
        "half-ready has one server more",
        "half-ready has its servers again",
    ]


class Kubelet(FakeKube):
    """Tells of a pull as soon as there is a pod, and twice more after it, unless it ``says_nothing``."""

    says_nothing = False

    def create(self, document: dict[str, Any], *, namespace: str) -> None:
        assert (document["kind"], namespace) == ("Pod", NAMESPACE)
        self.done.append("create")
        events = [{"metadata": {"name": name}, "reason": "Pulling"} for name in ("first", "second")]
        self.listed = {f"{RUN}/events": [] if self.says_nothing else events}

    def delete(self, path: str, *, uid: str = "", grace_s: int | None = None) -> None:
        assert (uid, grace_s) == ("", 0 if "/pods/" in path else None)
        self.done.append(f"delete {path.removeprefix(RUN)}")
        events = self.listed[f"{RUN}/events"]
        self.listed[f"{RUN}/events"] = [
            each for each in events if not path.endswith(each["metadata"]["name"])
        ]


def test_image_is_pulled_and_the_events_forget_it(mesh: FakeMesh, waits: list[tuple[str, int]]) -> None:
    kube = Kubelet()

    with pytest.raises(WaitTimedOutError, match="first"), Pulling().applied(ground(kube, mesh)):
        assert kube.done == ["create"]

    assert kube.done[1:] == [
        "delete /pods/meshproof-pulling",
        "delete /events/first",
        "delete /events/second",
    ]
    assert [what for what, _ in waits] == ["kubelet pulls an image", "nothing tells of a pull any more"]
    assert kube.listed[f"{RUN}/events"] == []


def test_pod_that_pulls_nothing_is_taken_away(mesh: FakeMesh, waits: list[tuple[str, int]]) -> None:
    del waits
    kube = Kubelet()
    kube.says_nothing = True

    with pytest.raises(WaitTimedOutError, match="kubelet pulls"), Pulling().applied(ground(kube, mesh)):
        pytest.fail("the block ran")

    assert kube.done == ["create", "delete /pods/meshproof-pulling"]
