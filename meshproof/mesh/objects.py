"""Which objects of the API server a mesh is told by, for what more than one module here asks."""

from typing import Any, Final

from meshproof.cluster.kube import KubeApi

__all__ = [
    "DEFINITIONS",
    "definitions",
    "deployments_in",
    "deployments_path",
    "find_config_map",
    "find_namespace",
    "namespace_path",
    "pods_in",
]

DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def namespace_path(name: str) -> str:
    """The namespace itself; what is in it is below: ``/pods``, ``/services``."""
    return f"/api/v1/namespaces/{name}"


def deployments_path(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def find_namespace(kube: KubeApi, name: str) -> dict[str, Any] | None:
    """None when there is none."""
    return kube.find(namespace_path(name))


def find_config_map(kube: KubeApi, namespace: str, name: str) -> dict[str, Any] | None:
    """None when there is none."""
    return kube.find(f"{namespace_path(namespace)}/configmaps/{name}")


def pods_in(kube: KubeApi, namespace: str, *, selector: str = "") -> list[dict[str, Any]]:
    """The pods with these labels; without a selector all of them."""
    return kube.items(f"{namespace_path(namespace)}/pods", labelSelector=selector)


def deployments_in(kube: KubeApi, namespace: str) -> list[dict[str, Any]]:
    return kube.items(deployments_path(namespace))


def definitions(kube: KubeApi, *, selector: str = "") -> list[dict[str, Any]]:
    """The custom resource definitions with these labels; without a selector all of them."""
    return kube.items(DEFINITIONS, labelSelector=selector)
