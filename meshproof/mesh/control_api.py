"""What Traefik Mesh's controller and proxies say about themselves, asked through the API server's pod proxy.

Sources: traefik/mesh v1.4.8 ``pkg/api/api.go`` (port 9000); Traefik's API and metrics (port 8080).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.mesh.adapter import ProxyPod
from meshproof.mesh.objects import pods_in
from meshproof.model.errors import HarnessError

__all__ = ["CONTROLLER", "PROXY", "ControlApi", "has_configuration", "proxy_pod"]

CONTROLLER: Final = (
    "component=controller"  # labels are the controller's own choice, see pkg/controller and pkg/api
)
PROXY: Final = "component=maesh-mesh"

_CONTROLLER_PORT: Final = 9000
_PROXY_PORT: Final = 8080


@dataclass(frozen=True, kw_only=True)
class ControlApi:
    """The mesh in one namespace of one cluster."""

    kube: KubeApi
    namespace: str

    def proxies(self) -> tuple[ProxyPod, ...]:
        """The live proxies, by name."""
        found = (proxy_pod(pod) for pod in self._living(PROXY))
        return tuple(sorted(found, key=lambda each: each.name))

    def configuration(self) -> dict[str, Any]:
        """Traefik's dynamic configuration as the controller has built it: keys http, tcp, udp."""
        return _object("controller", self._controller("api/configuration/current"))

    def status_nodes(self) -> list[dict[str, Any]]:
        """The controller's view of the proxies: name, IP, readiness. It may be older than ``proxies``."""
        return _list("controller", self._controller("api/status/nodes"))

    def node_configuration(self, pod: str) -> dict[str, Any]:
        """A proxy's configuration by way of the controller; KubeError 404 when it knows no such proxy."""
        return _object("controller", self._controller(f"api/status/node/{pod}/configuration"))

    def readiness(self) -> bool:
        """Whether the controller says that it has started; False too when there is none, or no answer."""
        try:
            return self._controller("api/status/readiness").strip() == "true"
        except KubeError as error:
            if error.status in {0, 500, 502, 503}:
                return False
            raise
        except HarnessError:
            return False

    def proxy_configuration(self, proxy: ProxyPod) -> dict[str, Any]:
        """Traefik's runtime configuration: routers, services, middlewares, their tcp and udp kin, states."""
        text = self.kube.pod_get(self.namespace, proxy.name, _PROXY_PORT, "api/rawdata")
        return _object(f"proxy {proxy.name}", text)

    def proxy_metrics(self, proxy: ProxyPod) -> str:
        """Prometheus text."""
        return self.kube.pod_get(self.namespace, proxy.name, _PROXY_PORT, "metrics")

    def _controller(self, path: str) -> str:
        pods = self._living(CONTROLLER)
        if not pods:
            raise HarnessError(
                where=f"namespace {self.namespace}",
                problem="no controller pod",
                remedy="install the mesh; see kubectl get pods in that namespace",
            )
        newest = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        return self.kube.pod_get(self.namespace, newest["metadata"]["name"], _CONTROLLER_PORT, path)

    def _living(self, selector: str) -> list[dict[str, Any]]:
        return [pod for pod in pods_in(self.kube, self.namespace, selector=selector) if _lives(pod)]


def proxy_pod(pod: Mapping[str, Any]) -> ProxyPod:
    """A pod of the API as a proxy; address and node are empty while it has none."""
    meta, status = pod["metadata"], pod.get("status") or {}
    conditions = {each["type"]: each.get("status") for each in status.get("conditions") or []}
    return ProxyPod(
        name=meta["name"],
        uid=meta["uid"],
        ip=status.get("podIP", ""),
        node=(pod.get("spec") or {}).get("nodeName", ""),
        ready=conditions.get("Ready") == "True",
    )


def has_configuration(rawdata: Mapping[str, Any]) -> bool:
    """Whether a proxy has taken a configuration from the controller: each has the readiness router."""
    return "readiness@http" in (rawdata.get("routers") or {})


def _lives(pod: Mapping[str, Any]) -> bool:
    gone = pod["metadata"].get("deletionTimestamp")
    return not gone and (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}


def _object(where: str, text: str) -> dict[str, Any]:
    parsed = _json(where, text)
    if not isinstance(parsed, dict):
        raise _unexpected(where, "a JSON object", text)
    return parsed


def _list(where: str, text: str) -> list[dict[str, Any]]:
    parsed = _json(where, text)
    if not isinstance(parsed, list):
        raise _unexpected(where, "a JSON array", text)
    return parsed


def _json(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _unexpected(where, "JSON", text) from error


def _unexpected(where: str, wanted: str, text: str) -> HarnessError:
    return HarnessError(
        where=where,
        problem=f"the answer is not {wanted}",
        remedy="see whether something else answers on that port",
        evidence=text[:500],
    )
