"""What of Traefik Mesh is in a cluster: what an uninstall must have taken away. Reads only.

It knows the mesh's objects by the label ``app=maesh``, which the controller itself relies on: what a chart
of another make labels otherwise (pods, cluster roles, bindings) is not seen here. DNS zones are known by
their text, the namespace and the CRDs by our own label.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshproof.cluster.kube import KubeApi
from meshproof.mesh.facts import DNS_NAMESPACE
from meshproof.mesh.objects import definitions, find_config_map, find_namespace, namespace_path, pods_in

__all__ = [
    "MESH",
    "OURS",
    "OURS_LABEL",
    "OURS_VALUE",
    "has_work_for_cleanup",
    "is_ours",
    "leftovers",
    "shadow_services",
]

OURS_LABEL: Final = "dev.meshproof"
OURS_VALUE: Final = "mesh"
OURS: Final = f"{OURS_LABEL}={OURS_VALUE}"  # on the namespace and the CRDs that an install of ours brought
MESH: Final = "app=maesh"  # on everything that the chart makes, and on the shadow services
_SHADOW: Final = f"{MESH},type=shadow"

_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_BLOCKS: Final = ("#### Begin Traefik Mesh Block", "#### Begin Maesh Block")
_STUBS: Final = ('"traefik.mesh"', '"maesh"')
_DNS_CONFIG_MAPS: Final = ("coredns", "coredns-custom", "rke2-coredns-rke2-coredns")


def leftovers(kube: KubeApi, *, namespace: str, release: str, itself: bool = True) -> tuple[str, ...]:
    """One line each, ``Kind namespace/name: why it counts``; empty when nothing is left.

    Without ``itself`` the namespace does not count, but for what is in it.
    """
    return (
        *_in_namespace(kube, namespace, itself=itself),
        *_in_dns(kube),
        *_rights(kube, f"{MESH},release={release}"),
        *(
            f"CustomResourceDefinition {_name(each)}: brought by an install of ours"
            for each in definitions(kube, selector=OURS)
        ),
    )


def has_work_for_cleanup(kube: KubeApi, namespace: str) -> bool:
    """Whether upstream's cleanup has anything to do: shadow services, or zones in the cluster's DNS."""
    return any(_in_dns(kube)) or bool(shadow_services(kube, namespace))


def is_ours(thing: Mapping[str, Any] | None) -> bool:
    """Whether an install of ours made it, by its label."""
    return thing is not None and (thing["metadata"].get("labels") or {}).get(OURS_LABEL) == OURS_VALUE


def _in_namespace(kube: KubeApi, namespace: str, *, itself: bool) -> Iterator[str]:
    found = find_namespace(kube, namespace)
    if found is None:
        return
    for each in shadow_services(kube, namespace):
        yield f"Service {namespace}/{_name(each)}: a shadow service"
    for each in pods_in(kube, namespace, selector=MESH):
        yield f"Pod {namespace}/{_name(each)}: of the mesh"
    if itself and is_ours(found):
        yield f"Namespace {namespace}: made by an install of ours"


def _in_dns(kube: KubeApi) -> Iterator[str]:
    for name in _DNS_CONFIG_MAPS:
        if any(block in text for text in _data(kube, name).values() for block in _BLOCKS):
            yield f"ConfigMap {DNS_NAMESPACE}/{name}: has the mesh's DNS zones"
    stubs = _data(kube, "kube-dns").get("stubDomains", "")
    if any(stub in stubs for stub in _STUBS):
        yield f"ConfigMap {DNS_NAMESPACE}/kube-dns: has the mesh's stub domains"


def _rights(kube: KubeApi, selector: str) -> Iterator[str]:
    for each in kube.items(f"{_RBAC}/clusterroles", labelSelector=selector):
        yield f"ClusterRole {_name(each)}: of the release"
    for each in kube.items(f"{_RBAC}/clusterrolebindings", labelSelector=selector):
        yield f"ClusterRoleBinding {_name(each)}: of the release"
    in_dns_namespace = f"{_RBAC}/namespaces/{DNS_NAMESPACE}"
    for each in kube.items(f"{in_dns_namespace}/roles", labelSelector=selector):
        yield f"Role {DNS_NAMESPACE}/{_name(each)}: of the release"
    for each in kube.items(f"{in_dns_namespace}/rolebindings", labelSelector=selector):
        yield f"RoleBinding {DNS_NAMESPACE}/{_name(each)}: of the release"


def shadow_services(kube: KubeApi, namespace: str) -> list[dict[str, Any]]:
    """One for each service in the mesh."""
    return kube.items(f"{namespace_path(namespace)}/services", labelSelector=_SHADOW)


def _data(kube: KubeApi, config_map: str) -> dict[str, str]:
    return (find_config_map(kube, DNS_NAMESPACE, config_map) or {}).get("data") or {}


def _name(thing: Mapping[str, Any]) -> str:
    return str(thing["metadata"]["name"])
