"""A mesh that checks have removed, or a mutant has spoiled, stands again as the session had it."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from meshproof.cluster.workloads import NEVER_READY
from meshproof.engine.waiting import WaitTimedOutError
from meshproof.model.errors import HarnessError
from meshproof.mutate import standing as module
from meshproof.mutate.mutant import Ground, Origin
from meshproof.mutate.standing import standing
from tests.mutate.fake_ground import NAMESPACE

SYSTEM = "/api/v1/namespaces/kube-system"
COREFILE = f"{SYSTEM}/configmaps/coredns"
COREDNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
BEFORE = ".:53 {\n}\n"
Dns = Literal["coredns", "kube-dns"]


def deployment(*, ready: int = 2, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "server", "labels": labels},
        "spec": {"replicas": 2},
        "status": {"replicas": 2, "readyReplicas": ready},
    }


class Cluster:
    """An API server and a mesh in one: what was done to them, in turn."""

    settings = SimpleNamespace(namespace="traefik-mesh", release="traefik-mesh")

    def __init__(self) -> None:
        self.done: list[str] = []
        self.stays: tuple[str, ...] = ()
        self.left: tuple[str, ...] = ("Namespace traefik-mesh",)
        self.ready = True
        self.objects: dict[str, Any] = {COREFILE: {"data": {"Corefile": BEFORE}}, COREDNS: {}}
        self.lists: dict[str, list[dict[str, Any]]] = {
            f"{SYSTEM}/pods": [{"metadata": {"name": "coredns-1", "uid": "u"}}],
            DEPLOYMENTS: [deployment()],
        }

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = copy.deepcopy(self.objects[path])
        return found

    def find(self, path: str) -> dict[str, Any] | None:
        return self.objects.get(path)

    def items(self, path: str, **_: str) -> list[dict[str, Any]]:
        return self.lists.get(path, [])

    def merge(self, path: str, body: dict[str, Any]) -> None:
        self.done.append(f"merge {path.rpartition('/')[2]}")
        self.objects[path]["data"] |= body["data"]

    def delete(self, path: str, *, uid: str = "") -> None:
        del uid
        self.done.append(f"delete {'/'.join(path.split('/')[-2:])}")

    def leftovers(self, *, namespace: bool) -> tuple[str, ...]:
        assert not namespace, "it is kept for the next install"
        return self.left

    def proxies(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(ready=self.ready)] if self.left else []

    def install(self) -> float:
        self.done.append("install")
        self.left = ("Namespace traefik-mesh",)
        return 1.0

    def uninstall(self, *, cleanup: bool, graceful: bool, namespace: bool) -> float:
        assert not any((cleanup, graceful, namespace))
        self.done.append("uninstall")
        self.left = self.stays
        return 1.0


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(module, "switch_dns", lambda _, *, to: found.done.append(f"dns {to}"))
    monkeypatch.setattr(module, "wait_rolled_out", lambda *_: found.done.append("coredns rolled out"))
    return found


def ground(cluster: Cluster, dns: Dns | None = "coredns") -> Ground:
    origin = Origin(chart=Path("chart"), corefile=BEFORE, dns=dns) if dns else None
    parts: dict[str, Any] = {"kube": cluster, "mesh": cluster, "shim": None, "faults": None, "probe": None}
    return Ground(namespace=NAMESPACE, origin=origin, **parts)


def test_mesh_is_removed_past_its_own_cleanup_and_installed_again(cluster: Cluster) -> None:
    with standing(ground(cluster)):
        assert cluster.done == []

    assert cluster.done == ["dns coredns", "uninstall", "install"]


def test_mesh_that_a_rehearsal_has_removed_is_there_for_the_mutant(cluster: Cluster) -> None:
    cluster.left = ()

    with standing(ground(cluster)):
        assert cluster.done == ["install"]


def test_mesh_that_does_not_work_is_installed_for_the_mutant(cluster: Cluster) -> None:
    cluster.ready = False

    with standing(ground(cluster)):
        assert cluster.done == ["install"]


def test_dns_has_the_configuration_that_was_there_before_the_first_install(cluster: Cluster) -> None:
    cluster.objects[COREFILE]["data"]["Corefile"] = "spoiled"

    with standing(ground(cluster)):
        pass

    assert cluster.objects[COREFILE]["data"]["Corefile"] == BEFORE
    assert cluster.done[:4] == [
        *("merge coredns", "delete pods/coredns-1", "coredns rolled out"),
        "dns coredns",  # which waits for a CoreDNS that serves
    ]


def test_kube_dns_has_no_configuration_as_before(cluster: Cluster) -> None:
    del cluster.objects[COREDNS]
    cluster.objects[COREFILE]["data"]["Corefile"] = "spoiled"

    with standing(ground(cluster, "kube-dns")):
        pass

    assert cluster.done == [
        *("merge coredns", "delete configmaps/kube-dns", "dns kube-dns"),
        *("uninstall", "install"),
    ]


def test_rights_that_were_left_go(cluster: Cluster) -> None:
    cluster.lists[ROLES] = [{"metadata": {"name": "traefik-mesh-controller"}}]

    with standing(ground(cluster)):
        pass

    assert cluster.done[1:3] == ["uninstall", "delete clusterroles/traefik-mesh-controller"]


def test_what_cannot_be_removed_is_told(cluster: Cluster) -> None:
    cluster.stays = ("Pod traefik-mesh/p: of the mesh",)

    with pytest.raises(HarnessError, match="Pod traefik-mesh/p"), standing(ground(cluster)):
        pass

    assert "install" not in cluster.done


def test_workloads_are_waited_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.lists[DEPLOYMENTS] = [deployment(ready=1), deployment(ready=0, **{NEVER_READY: "true"})]

    def one_look(look: Any, *, what: str) -> None:
        found = look()
        if not found.met:
            raise WaitTimedOutError(what, 1.0, found.seen)

    monkeypatch.setattr(module, "wait", one_look)

    with pytest.raises(WaitTimedOutError, match=r"not ready: server$"), standing(ground(cluster)):
        pass


def test_mesh_stands_again_after_an_error(cluster: Cluster) -> None:
    with pytest.raises(KeyboardInterrupt), standing(ground(cluster)):
        raise KeyboardInterrupt

    assert cluster.done[-1] == "install"


def test_nothing_is_done_where_checks_do_not_install(cluster: Cluster) -> None:
    cluster.left = ()

    with standing(ground(cluster, dns=None)):
        pass

    assert cluster.done == []
