"""The shim in the cluster: put between the controller and its proxies, told what to serve, taken away."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from meshproof.cluster.kube import KubeApi
from meshproof.cluster.nodes import CONTROL_PLANE, pod_ranges
from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.mutate.interposer import MARKER, ORDERS, SERVED
from meshproof.mutate.rollouts import renew_controller

__all__ = ["LABELS", "Shim"]

_NAME: Final = "meshproof-shim"
LABELS: Final = {"app": _NAME}
_IMAGE: Final = "meshproof.dev/client:0.2.0"  # a Python, and nothing of the mesh
_READY_S: Final = 60.0  # the image is in the node: 2 s were measured
_FOLLOWED_S: Final = 30.0  # poll 1 s, throttle 2 s, on a busy machine
_NAMES: Final = {"gate.py", "interposer.py", "wire.py"}
_PROGRAM: Final = sorted(
    path
    for path in Path(__file__).parent.glob("*.py")
    if path.name in _NAMES or path.name.startswith(("front", "served"))
)

# The controller leaves services of this label alone (traefik/mesh v1.4.8 pkg/controller): no shadow service.
_LEFT_ALONE: Final = {"app": "jaeger"}


class Shim:
    """One shim before one mesh's controller."""

    def __init__(self, kube: KubeApi, mesh: TraefikMesh) -> None:
        self._kube = kube
        self._mesh = mesh
        self._namespace = mesh.settings.namespace
        self._service = f"/api/v1/namespaces/{self._namespace}/services/{mesh.settings.release}-controller"

    @contextmanager
    def interposed(self) -> Iterator[None]:
        """Inside the block every proxy asks the shim; after it, the controller."""
        selector = self._kube.get(self._service)["spec"]["selector"]
        try:
            self._create(selector)
            eventually(self._is_ready, what="the shim is ready", within=_READY_S)
            self._select({**dict.fromkeys(selector), **LABELS})
            renew_controller(self._kube, self._mesh)  # a proxy keeps its connection as long as there is one
            self.follow(self.order())
            yield
        finally:
            try:
                self._select({"app": None, **selector})
            finally:
                self._remove()

    def order(self, mutant: str = "", *, namespace: str = "", proxies: Sequence[str] = ()) -> int:
        """Put a mutant in force, or none; the order's number. A gate hands on to ``proxies`` (addresses)."""
        query = urlencode({"name": mutant, "namespace": namespace, "proxies": ",".join(proxies)})
        answer = self._ask(f"mutant?{query}")
        return int(answer["order"])

    def follow(self, order: int, *, within: float = _FOLLOWED_S) -> None:
        """Wait until every proxy runs a configuration of this order. Raises WaitTimedOutError."""
        marker = f"{MARKER}{order}@http"

        def look() -> Look[None]:
            proxies = self._mesh.proxies()
            late = [
                each.name
                for each in proxies
                if marker not in (self._mesh.proxy_configuration(each).get("middlewares") or {})
            ]
            return Look(met=bool(proxies) and not late, value=None, seen=f"not yet: {', '.join(late)}")

        eventually(look, what=f"every proxy follows the shim's order {order}", within=within)

    def _ask(self, path: str) -> dict[str, Any]:
        answer = self._kube.pod_get(self._namespace, _NAME, ORDERS, path)
        told: dict[str, Any] = json.loads(answer)
        return told

    def _is_ready(self) -> Look[None]:
        pod = self._kube.get(f"/api/v1/namespaces/{self._namespace}/pods/{_NAME}")
        conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
        return Look(met=conditions.get("Ready") == "True", value=None, seen=json.dumps(pod["status"]))

    def _select(self, selector: Mapping[str, str | None]) -> None:
        self._kube.merge(self._service, {"spec": {"selector": selector}})

    def _create(self, controller: Mapping[str, str]) -> None:
        files = {path.name: path.read_text(encoding="utf-8") for path in _PROGRAM}
        for document in (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _NAME}, "data": files},
            _upstream(controller),
            _pod(f"http://{_NAME}.{self._namespace}:{SERVED}", pod_ranges(self._kube).values()),
        ):
            self._kube.create(document, namespace=self._namespace)

    def _remove(self) -> None:
        for kind in ("pods", "services", "configmaps"):
            self._kube.delete(f"/api/v1/namespaces/{self._namespace}/{kind}/{_NAME}", grace_s=0)


def _upstream(controller: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _NAME, "labels": _LEFT_ALONE},
        "spec": {"selector": dict(controller), "ports": [{"port": SERVED}]},
    }


def _pod(upstream: str, nodes: Iterable[str]) -> dict[str, Any]:
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    container = {
        "name": "shim",
        "image": _IMAGE,
        "imagePullPolicy": "Never",
        "command": ["python3", "/opt/shim/interposer.py"],
        "env": [
            {"name": "UPSTREAM", "value": upstream},
            {"name": "NODES", "value": " ".join(nodes)},
            address,
        ],
        "ports": [{"name": "api", "containerPort": SERVED}],  # as the controller's Service asks for it
        "readinessProbe": {"tcpSocket": {"port": SERVED}, "periodSeconds": 1},
        "volumeMounts": [{"name": "program", "mountPath": "/opt/shim", "readOnly": True}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _NAME, "labels": LABELS},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "nodeSelector": {CONTROL_PLANE: ""},  # the node that never falls silent
            "containers": [container],
            "volumes": [{"name": "program", "configMap": {"name": _NAME}}],
        },
    }
