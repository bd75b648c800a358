"""When the mesh's workloads have taken up a changed template, and its proxies a configuration."""

from collections.abc import Callable
from typing import Any, Final

from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.adapter import ProxyPod
from meshproof.mesh.control_api import CONTROLLER
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.errors import HarnessError

__all__ = [
    "LEARNED",
    "controller_path",
    "proxies_path",
    "renew_controller",
    "settle",
    "wait",
    "wait_rolled_out",
]

_TAKES_S: Final = 60.0  # a rollout of the proxies of two nodes, each with its grace period: 20 to 40 s
LEARNED: Final = 5  # looks, one second: kube-proxy has learned of new pods, and of changed services
_QUIET: Final = 15  # looks, three seconds: longer than a poll of 1 s and the throttle of 2 s
_PROVIDER: Final = "@http"


def proxies_path(mesh: TraefikMesh) -> str:
    """The DaemonSet of the proxies."""
    settings = mesh.settings
    return f"/apis/apps/v1/namespaces/{settings.namespace}/daemonsets/{settings.release}-proxy"


def controller_path(mesh: TraefikMesh) -> str:
    """The Deployment of the controller."""
    settings = mesh.settings
    return f"/apis/apps/v1/namespaces/{settings.namespace}/deployments/{settings.release}-controller"


def wait(look: Callable[[], Look[None]], *, what: str, successes: int = 1) -> None:
    """The one bound of every wait for a mutant. Raises WaitTimedOutError."""
    eventually(look, what=what, within=_TAKES_S, successes=successes)


def wait_rolled_out(kube: KubeApi, path: str) -> None:
    """Until all pods of a Deployment or DaemonSet are ready, of its newest template, and no other is left."""

    def look() -> Look[None]:
        found = kube.get(path)
        labels = found["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        namespace = path.split("/")[5]
        pods = kube.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)
        wanted = _updated(found)
        met = wanted is not None and len(pods) == wanted and all(map(_stands, pods))
        names = ", ".join(pod["metadata"]["name"] for pod in pods)
        return Look(met=met, value=None, seen=f"pods {names or 'none'}; {found.get('status')}")

    wait(look, what=f"{path.rpartition('/')[2]} has rolled out", successes=LEARNED)


def settle(kube: KubeApi, mesh: TraefikMesh, path: str) -> None:
    """Until a workload of the mesh has rolled out, and each proxy has the routers that the controller wants.

    Where it is the controller that was replaced, until they keep them: it begins with few.
    """
    wait_rolled_out(kube, path)
    looks = _QUIET if path == controller_path(mesh) else 2
    wait(lambda: _as_wanted(mesh), what="the proxies follow the controller", successes=looks)


def renew_controller(kube: KubeApi, mesh: TraefikMesh) -> None:
    """Replace the controller by a new one of the same template: it knows the proxies of its start alone.

    Until the proxies have all routes of the new one, too.
    """
    path = f"/api/v1/namespaces/{mesh.settings.namespace}/pods"
    for pod in kube.items(path, labelSelector=CONTROLLER):
        kube.delete(f"{path}/{pod['metadata']['name']}", uid=pod["metadata"]["uid"])
    settle(kube, mesh, controller_path(mesh))


def _updated(found: dict[str, Any]) -> int | None:
    """How many pods there are to be, once the controller of the workload says that all are up to date."""
    status = found.get("status") or {}
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return None
    if "desiredNumberScheduled" in status:
        wanted: int = status["desiredNumberScheduled"]
        keys: tuple[str, ...] = ("updatedNumberScheduled", "numberAvailable")
    else:
        wanted = found["spec"]["replicas"]
        keys = ("replicas", "updatedReplicas", "availableReplicas")
    return wanted if {status.get(key, 0) for key in keys} == {wanted} else None


def _stands(pod: dict[str, Any]) -> bool:
    conditions = {each["type"]: each.get("status") for each in pod["status"].get("conditions") or []}
    return not pod["metadata"].get("deletionTimestamp") and conditions.get("Ready") == "True"


def _routers(mesh: TraefikMesh, proxy: ProxyPod) -> set[str]:
    told = mesh.proxy_configuration(proxy).get("routers") or {}
    return {name.removesuffix(_PROVIDER) for name in told if name.endswith(_PROVIDER)}


def _as_wanted(mesh: TraefikMesh) -> Look[None]:
    try:
        wanted = set((mesh.configuration().get("http") or {}).get("routers") or {})
        proxies = mesh.proxies()
        differing = [each.name for each in proxies if not each.ready or _routers(mesh, each) != wanted]
        ready = bool(proxies) and mesh.readiness()
    except HarnessError as error:
        return Look(met=False, value=None, seen=str(error))
    seen = f"ready: {ready}; not ready, or with other routers: {', '.join(differing) or 'none'}"
    return Look(met=ready and not differing, value=None, seen=seen)
