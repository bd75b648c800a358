"""Where checks install and remove the mesh themselves: it stands before a mutant, and again after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from meshproof.cluster.dns import switch_dns
from meshproof.cluster.workloads import NEVER_READY
from meshproof.engine.waiting import Look
from meshproof.mesh.leftovers import MESH
from meshproof.model.errors import HarnessError
from meshproof.mutate.mutant import Ground, Origin
from meshproof.mutate.rollouts import wait, wait_rolled_out

__all__ = ["standing"]

_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_RIGHTS: Final = (
    f"{_RBAC}/clusterroles",
    f"{_RBAC}/clusterrolebindings",
    f"{_RBAC}/namespaces/kube-system/roles",
    f"{_RBAC}/namespaces/kube-system/rolebindings",
)
_CORE: Final = "/api/v1/namespaces/kube-system"
_COREDNS: Final = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"


@contextmanager
def standing(ground: Ground) -> Iterator[None]:
    """Inside the block the mesh may be changed and removed; after it, it is as the session installed it.

    What the mesh's own cleanup was kept from doing is done here, past it. Nothing where a session's checks do
    not install the mesh. Raises HarnessError where the mesh cannot be brought back.
    """
    if ground.origin is None:
        yield
        return
    if not any(each.ready for each in ground.mesh.proxies()):
        ground.mesh.install()
    try:
        yield
    finally:
        _bring_back(ground, ground.origin)


def _bring_back(ground: Ground, origin: Origin) -> None:
    _give_back_the_dns(ground, origin)  # first: CoreDNS may not even start
    switch_dns(ground.kube, to=origin.dns)
    ground.mesh.uninstall(cleanup=False, graceful=False, namespace=False)
    for path in _RIGHTS:
        for each in ground.kube.items(path, labelSelector=MESH):
            ground.kube.delete(f"{path}/{each['metadata']['name']}")
    if left := ground.mesh.leftovers(namespace=False):
        raise HarnessError(
            where="the mesh of a mutant",
            problem=f"it left what could not be removed: {'; '.join(left)}",
            remedy="remove it by hand, or delete this cluster: the next run makes a new one",
        )
    wait(lambda: _workloads_ready(ground), what="the run's workloads are ready")
    ground.mesh.install()


def _give_back_the_dns(ground: Ground, origin: Origin) -> None:
    """The configuration that there was before the first install; prepare adds the mesh's to it again."""
    config = f"{_CORE}/configmaps/coredns"
    if ground.kube.get(config)["data"]["Corefile"] != origin.corefile:
        ground.kube.merge(config, {"data": {"Corefile": origin.corefile}})
        _restart_coredns(ground)
    if origin.dns == "kube-dns":
        ground.kube.delete(f"{_CORE}/configmaps/kube-dns")  # the mesh's prepare made it


def _restart_coredns(ground: Ground) -> None:
    """By new pods of the same template: with a broken Corefile no other one would roll out."""
    if ground.kube.find(_COREDNS) is None:
        return
    for pod in ground.kube.items(f"{_CORE}/pods", labelSelector="k8s-app=kube-dns"):
        ground.kube.delete(f"{_CORE}/pods/{pod['metadata']['name']}", uid=pod["metadata"]["uid"])
    wait_rolled_out(ground.kube, _COREDNS)


def _workloads_ready(ground: Ground) -> Look[None]:
    deployments = ground.kube.items(f"/apis/apps/v1/namespaces/{ground.namespace}/deployments")
    late = [each["metadata"]["name"] for each in deployments if not _is_ready(each)]
    return Look(met=not late, value=None, seen=f"not ready: {', '.join(late) or 'none'}")


def _is_ready(deployment: dict[str, Any]) -> bool:
    if NEVER_READY in (deployment["metadata"].get("labels") or {}):
        return True
    status = deployment.get("status") or {}
    counts = {status.get(key, 0) for key in ("replicas", "readyReplicas")}
    return counts == {deployment["spec"]["replicas"]}
