"""CoreDNS put aside and brought back, whatever a run before has left, against an API made of a table."""

import copy
from typing import Any, cast

import pytest

from meshproof.cluster import dns as module
from meshproof.cluster.dns import HIDDEN_AS, hide_coredns, switch_dns
from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import WaitTimedOutError
from meshproof.model.errors import HarnessError

DEPLOYMENTS = "/apis/apps/v1/namespaces/kube-system/deployments"
CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
COREDNS: dict[str, Any] = {
    "metadata": {"name": "coredns", "labels": {"k8s-app": "kube-dns"}, "generation": 1},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "coredns"}]}}},
}


class FakeKube:
    """Deployments that are available at once, and a Service that follows them."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.done: list[str] = []
        self.comes_up = True
        self.put(DEPLOYMENTS, COREDNS)

    def put(self, collection: str, document: dict[str, Any]) -> None:
        made = copy.deepcopy(document)
        if collection == DEPLOYMENTS:
            made["metadata"]["generation"] = 1
            wanted = made["spec"]["replicas"] if self.comes_up else 0
            counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
            made["status"] = {"observedGeneration": 1, **counts}
        self.objects[f"{collection}/{made['metadata']['name']}"] = made

    def find(self, path: str) -> dict[str, Any] | None:
        return self.objects.get(path)

    def get(self, path: str) -> dict[str, Any]:
        return self.objects[path]

    def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        assert path.endswith("/endpointslices")
        assert query == {"labelSelector": "kubernetes.io/service-name=kube-dns"}
        pods = [f"{name}-5d78c9869d-abcde" for name in self.deployments]
        ready = [{"conditions": {"ready": True}, "targetRef": {"name": each}} for each in pods]
        return [{"endpoints": ready}]

    def create(self, document: dict[str, Any], *, namespace: str) -> None:
        assert namespace == "kube-system"
        collection = DEPLOYMENTS if document["kind"] == "Deployment" else CONFIG_MAPS
        self.done.append(f"create {document['metadata']['name']}")
        self.put(collection, document)

    def merge(self, path: str, body: dict[str, Any]) -> None:
        self.objects[path]["data"] |= body["data"]

    def delete(self, path: str) -> None:
        if self.objects.pop(path, None) is not None:
            self.done.append(f"delete {path.rpartition('/')[2]}")

    @property
    def deployments(self) -> list[str]:
        return [path.rpartition("/")[2] for path in self.objects if path.startswith(DEPLOYMENTS)]

    @property
    def config_maps(self) -> list[str]:
        return [path.rpartition("/")[2] for path in self.objects if path.startswith(CONFIG_MAPS)]

    @property
    def as_kube(self) -> KubeApi:
        return cast("KubeApi", self)


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> FakeKube:
    """A cluster whose DNS is CoreDNS; no wait is long."""
    monkeypatch.setattr(module, "_MOVES_S", 0.0)
    return FakeKube()


def test_stand_in_serves_before_coredns_goes(kube: FakeKube) -> None:
    seconds = switch_dns(kube.as_kube, to="kube-dns")

    assert seconds >= 0
    assert kube.deployments == ["kube-dns"]
    assert kube.done == [
        "create kube-dns-stand-in",
        "create coredns-put-aside",
        "create kube-dns",
        "delete coredns",
    ]
    assert "stub_domains.py" in kube.objects[f"{CONFIG_MAPS}/kube-dns-stand-in"]["data"]


def test_stand_in_mounts_the_configuration_as_kube_dns_does(kube: FakeKube) -> None:
    switch_dns(kube.as_kube, to="kube-dns")

    volumes = kube.objects[f"{DEPLOYMENTS}/kube-dns"]["spec"]["template"]["spec"]["volumes"]
    assert {"name": "kube-dns-config", "configMap": {"name": "kube-dns", "optional": True}} in volumes


def test_coredns_comes_back_as_it_was(kube: FakeKube) -> None:
    switch_dns(kube.as_kube, to="kube-dns")
    kube.put(CONFIG_MAPS, {"metadata": {"name": "kube-dns"}, "data": {"stubDomains": "{}"}})

    switch_dns(kube.as_kube, to="coredns")

    back = kube.objects[f"{DEPLOYMENTS}/coredns"]
    assert (back["spec"], back["metadata"]["labels"]) == (COREDNS["spec"], COREDNS["metadata"]["labels"])
    assert (kube.deployments, kube.config_maps) == (["coredns"], [])


def test_what_is_so_already_is_left_alone(kube: FakeKube) -> None:
    switch_dns(kube.as_kube, to="coredns")

    assert kube.done == []
    switch_dns(kube.as_kube, to="kube-dns")
    kube.done.clear()
    switch_dns(kube.as_kube, to="kube-dns")
    assert kube.done == []


def test_run_that_was_killed_before_coredns_went_is_carried_on(kube: FakeKube) -> None:
    switch_dns(kube.as_kube, to="kube-dns")
    kube.put(DEPLOYMENTS, COREDNS)

    switch_dns(kube.as_kube, to="coredns")

    assert (kube.deployments, kube.config_maps) == (["coredns"], [])


def test_hidden_coredns_is_the_same_under_another_name(kube: FakeKube) -> None:
    hide_coredns(kube.as_kube)

    assert kube.deployments == [HIDDEN_AS]
    assert kube.objects[f"{DEPLOYMENTS}/{HIDDEN_AS}"]["spec"] == COREDNS["spec"]
    switch_dns(kube.as_kube, to="coredns")
    assert (kube.deployments, kube.config_maps) == (["coredns"], [])


def test_clusters_own_kube_dns_is_not_removed(kube: FakeKube) -> None:
    own = {"metadata": {"name": "kube-dns", "labels": {"k8s-app": "kube-dns"}}, "spec": {"replicas": 1}}
    kube.put(DEPLOYMENTS, own)

    switch_dns(kube.as_kube, to="coredns")

    assert sorted(kube.deployments) == ["coredns", "kube-dns"]


def test_dns_that_does_not_come_is_told(kube: FakeKube) -> None:
    kube.comes_up = False

    with pytest.raises(WaitTimedOutError, match=r"kube-dns of kube-system is available"):
        switch_dns(kube.as_kube, to="kube-dns")

    assert "coredns" in kube.deployments, "what served goes only once the other one does"


def test_coredns_that_nobody_noted_cannot_be_brought_back(kube: FakeKube) -> None:
    kube.delete(f"{DEPLOYMENTS}/coredns")

    with pytest.raises(HarnessError, match="no note"):
        switch_dns(kube.as_kube, to="coredns")
