"""Installing again, changing and removing, with something more or less than the mesh's own commands do."""

import copy
from dataclasses import dataclass, field
from typing import Any

import pytest

from meshproof.cluster.kube import collection
from meshproof.mutate.mutant import Ground
from meshproof.mutate.reinstalled import MUTANTS
from tests.mutate.fake_ground import (
    CONFIG_MAP,
    CONTROLLER,
    MESH,
    PROXIES,
    FakeKube,
    FakeMesh,
    ground,
    workload,
)

NAMED = {each.name: each.change for each in MUTANTS}
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/traefik-mesh-controller"
SHADOW = f"{MESH}/services/shadow"
ZONES, CLEAN = {"Corefile": "zones of the mesh"}, {"Corefile": "as before\n\n"}


class Cluster(FakeKube):
    """Creates and deletes for good; a namespace goes with what is in it."""

    def create(self, document: dict[str, Any], *, namespace: str | None = None) -> None:
        path = f"{collection(document, namespace=namespace)}/{document['metadata']['name']}"
        assert path not in self.objects
        self.objects[path] = copy.deepcopy(document) | {
            "metadata": {**document["metadata"], "resourceVersion": "1"}
        }

    def delete(self, path: str, *, uid: str = "") -> None:
        assert not uid
        for each in [each for each in self.objects if each == path or each.startswith(f"{path}/")]:
            del self.objects[each]


@dataclass
class Installed(FakeMesh):
    """Installs and removes itself, as the chart and the cleanup do."""

    kube: Cluster = field(default_factory=Cluster)
    done: list[str] = field(default_factory=list)

    def install(self) -> float:
        self.done.append("install")
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
        meta = {"name": "traefik-mesh-controller", "labels": {"app": "maesh"}, "resourceVersion": "1"}
        self.kube.objects |= {
            ROLE: {**role, "metadata": {**meta, "uid": "u"}, "rules": []},
            CONFIG_MAP: {"metadata": {"name": "coredns", "resourceVersion": "1"}, "data": dict(ZONES)},
            MESH: {"metadata": {"name": "traefik-mesh"}},
            PROXIES: self.kube.objects.get(PROXIES) or workload("proxy"),
            CONTROLLER: workload("controller"),
        }
        return 1.0

    def uninstall(self) -> float:
        self.done.append("uninstall")
        for path in (ROLE, MESH, PROXIES, CONTROLLER):
            del self.kube.objects[path]
        self.kube.objects[CONFIG_MAP]["data"] = dict(CLEAN)
        return 2.0

    def leftovers(self) -> tuple[str, ...]:
        return tuple(each for each in (ROLE, MESH) if each in self.kube.objects)


@pytest.fixture
def mesh() -> Installed:
    mesh = Installed()
    meta = {"name": "shadow", "labels": {"app": "maesh", "type": "shadow"}, "uid": "u"}
    spec = {"ports": [{"port": 80}], "selector": {"component": "maesh-mesh"}, "clusterIP": "10.1.0.1"}
    mesh.kube.listed = {f"{MESH}/services?app=maesh,type=shadow": [{"metadata": meta, "spec": spec}]}
    return mesh


@pytest.fixture
def ready(mesh: Installed, waits: list[tuple[str, int]]) -> Ground:
    del waits
    return ground(mesh.kube, mesh)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("role-left", {ROLE}),
        ("corefile-not-restored", set()),
        ("shadow-services-kept", {MESH, SHADOW}),
    ],
)
def test_uninstall_leaves_something_which_is_gone_afterwards(
    ready: Ground, mesh: Installed, name: str, left: set[str]
) -> None:
    with NAMED[name].applied(ready):
        assert mesh.uninstall() == 2.0
        assert mesh.kube.objects.keys() - {CONFIG_MAP} == left
        zones = mesh.kube.objects[CONFIG_MAP]["data"]

    assert mesh.done == ["install", "uninstall"]
    assert zones == (ZONES if name == "corefile-not-restored" else CLEAN)
    assert mesh.kube.objects.keys() == {CONFIG_MAP}
    assert mesh.kube.objects[CONFIG_MAP]["data"] == CLEAN


def test_mesh_that_is_there_is_not_installed_again(ready: Ground, mesh: Installed) -> None:
    mesh.install()

    with NAMED["role-left"].applied(ready):
        pass

    assert mesh.done == ["install"]


def test_install_replaces_the_proxies(ready: Ground, mesh: Installed) -> None:
    mesh.install()
    before = copy.deepcopy(mesh.kube.objects[PROXIES]["spec"])

    with NAMED["chart-not-repeatable"].applied(ready):
        assert mesh.kube.objects[PROXIES]["spec"] == before
        assert mesh.install() == 1.0
        assert mesh.kube.objects[PROXIES]["spec"] != before

    assert mesh.kube.objects[PROXIES]["spec"] == before


def test_controller_is_not_told_what_to_watch(ready: Ground, mesh: Installed) -> None:
    with NAMED["watched-namespaces-ignored"].applied(ready):
        mesh.upgrade({"controller": {"watchNamespaces": ["mp-run"], "logLevel": "debug"}, "acl": True})

    mesh.upgrade({"controller": {"watchNamespaces": []}})
    assert mesh.upgrades == [
        {"controller": {"logLevel": "debug"}, "acl": True},
        {"controller": {"watchNamespaces": []}},
    ]
