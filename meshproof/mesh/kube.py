"""What the mesh adapters ask of an API server, in their own words; every call is bounded."""

from collections.abc import Mapping
from typing import Any, Final

from kubernetes import client

from meshproof.cluster.kube import KubeApi, KubeError

__all__ = ["Kube", "KubeError"]

_LOG_LINES: Final = 40
_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Kube:
    """One cluster. Lists take a label selector; everything raises KubeError."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = KubeApi(api)

    def pods(self, namespace: str, *, selector: str = "") -> list[dict[str, Any]]:
        return self._items(f"/api/v1/namespaces/{namespace}/pods", selector)

    def events(self, namespace: str) -> list[dict[str, Any]]:
        return self._items(f"/api/v1/namespaces/{namespace}/events")

    def services(self, namespace: str, *, selector: str) -> list[dict[str, Any]]:
        return self._items(f"/api/v1/namespaces/{namespace}/services", selector)

    def deployments(self, namespace: str) -> list[dict[str, Any]]:
        return self._items(f"/apis/apps/v1/namespaces/{namespace}/deployments")

    def daemon_sets(self, namespace: str) -> list[dict[str, Any]]:
        return self._items(f"/apis/apps/v1/namespaces/{namespace}/daemonsets")

    def jobs(self, namespace: str, *, selector: str = "") -> list[dict[str, Any]]:
        return self._items(f"/apis/batch/v1/namespaces/{namespace}/jobs", selector)

    def cluster_roles(self, *, selector: str) -> list[dict[str, Any]]:
        return self._items(f"{_RBAC}/clusterroles", selector)

    def cluster_role_bindings(self, *, selector: str) -> list[dict[str, Any]]:
        return self._items(f"{_RBAC}/clusterrolebindings", selector)

    def roles(self, namespace: str, *, selector: str) -> list[dict[str, Any]]:
        return self._items(f"{_RBAC}/namespaces/{namespace}/roles", selector)

    def role_bindings(self, namespace: str, *, selector: str) -> list[dict[str, Any]]:
        return self._items(f"{_RBAC}/namespaces/{namespace}/rolebindings", selector)

    def crds(self, *, selector: str = "") -> list[dict[str, Any]]:
        return self._items(_CRDS, selector)

    def config_map(self, namespace: str, name: str) -> dict[str, Any] | None:
        """None when there is none."""
        return self._api.find(f"/api/v1/namespaces/{namespace}/configmaps/{name}")

    def namespace(self, name: str) -> dict[str, Any] | None:
        """None when there is none."""
        return self._api.find(f"/api/v1/namespaces/{name}")

    def log(self, namespace: str, pod: str, container: str) -> str:
        """The last lines of a container's log; of its last run, when it is not running."""
        return self._api.log(namespace, pod, container, lines=_LOG_LINES)

    def pod_get(self, namespace: str, pod: str, port: int, path: str) -> str:
        """What a pod answers to a GET of ``path`` (no leading slash) on ``port``, through the API server."""
        return self._api.pod_get(namespace, pod, port, path)

    def create_namespace(self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        meta = {"name": name, "labels": dict(labels), "annotations": dict(annotations)}
        self._api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})

    def delete_namespace(self, name: str, *, uid: str) -> None:
        """Delete the namespace if it is still the one with this uid."""
        self._api.delete(f"/api/v1/namespaces/{name}", uid=uid)

    def label_crd(self, name: str, labels: Mapping[str, str]) -> None:
        self._api.merge(f"{_CRDS}/{name}", {"metadata": {"labels": dict(labels)}})

    def delete_crd(self, name: str, *, uid: str) -> None:
        """Delete the definition, and every object of its kind, if it is still the one with this uid."""
        self._api.delete(f"{_CRDS}/{name}", uid=uid)

    def delete_job(self, namespace: str, name: str, *, uid: str) -> None:
        """Delete the job and its pods if it is still the one with this uid."""
        self._api.delete(f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}", uid=uid)

    def _items(self, path: str, selector: str = "") -> list[dict[str, Any]]:
        return self._api.items(path, labelSelector=selector) if selector else self._api.items(path)
