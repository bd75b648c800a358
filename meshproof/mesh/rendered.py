"""A chart as helm renders it, parsed once: what it would run, and whether a cluster may have it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from meshproof.mesh.facts import DNS_NAMESPACE
from meshproof.mesh.images import full_reference, remedy_for
from meshproof.mesh.strict_yaml import UnsafeYamlError, load_all
from meshproof.model.errors import BadInputError

__all__ = ["Rendered", "RenderedContainer", "Workload", "parse"]

_POD_LISTS: Final = ("initContainers", "containers", "ephemeralContainers")
_REMOVED_APIS: Final = frozenset(
    {
        "apiextensions.k8s.io/v1beta1",
        "rbac.authorization.k8s.io/v1beta1",
        "policy/v1beta1",
        "extensions/v1beta1",
        "apps/v1beta1",
        "apps/v1beta2",
        "batch/v1beta1",
        "admissionregistration.k8s.io/v1beta1",
    }
)
_CLUSTER_SCOPED: Final = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CertificateSigningRequest",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
_SMI_GROUP: Final = ".smi-spec.io"


@dataclass(frozen=True, kw_only=True)
class RenderedContainer:
    """A container that the chart would run; ``args`` is its command with the arguments."""

    where: str
    image: str
    args: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A Deployment or DaemonSet, with the labels of its pods."""

    kind: str
    name: str
    labels: Mapping[str, str]
    containers: tuple[RenderedContainer, ...]


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """All objects of a chart, hooks and CRDs included."""

    objects: tuple[Mapping[str, Any], ...]

    def containers(self) -> tuple[RenderedContainer, ...]:
        """Every container of every object that holds a pod's specification."""
        return tuple(each for thing in self.objects for each in _containers(thing))

    def pod_specs(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """Every pod's specification, with the object that it comes from."""
        return tuple(
            (_named(thing), spec)
            for thing in self.objects
            if thing["kind"] != "CustomResourceDefinition"
            for spec in _pod_specs(thing.get("spec"))
        )

    def workloads(self) -> tuple[Workload, ...]:
        """What must have rolled out when the chart is installed."""
        return tuple(
            Workload(
                kind=each["kind"],
                name=each["metadata"]["name"],
                labels=(each["spec"]["template"].get("metadata") or {}).get("labels") or {},
                containers=tuple(_containers(each)),
            )
            for each in self.objects
            if each["kind"] in {"Deployment", "DaemonSet"}
        )

    def component(self, component: str) -> Workload | None:
        """The workload whose pods carry ``component=...``: ``controller`` or ``maesh-mesh``."""
        return next((each for each in self.workloads() if each.labels.get("component") == component), None)

    def check(self, *, namespace: str, locked: frozenset[str]) -> None:
        """Refuse what must not be installed from a bundle. Raises BadInputError, which names the object."""
        for each in self.objects:
            _check_object(each, namespace)
        full = {full_reference(each) for each in locked}
        for container in self.containers():
            if full_reference(container.image) not in full:
                raise BadInputError(
                    where=container.where,
                    problem=f"image {container.image or '(none)'} is not in the bundle",
                    remedy=remedy_for(container.image, locked),
                )


def parse(text: str) -> Rendered:
    """What ``helm template`` printed. Raises BadInputError when that is not a list of Kubernetes objects."""
    try:
        documents = load_all(text)
    except (yaml.YAMLError, UnsafeYamlError) as error:
        raise BadInputError(
            where="rendered chart",
            problem=f"no plain YAML: {error}",
            remedy="correct the template that it comes from",
        ) from error
    objects = [each for document in documents for each in _unlisted(document)]
    for each in objects:
        meta = each.get("metadata") if isinstance(each, dict) else None
        if not isinstance(meta, dict) or not isinstance(each.get("kind"), str) or "name" not in meta:
            raise BadInputError(
                where="rendered chart",
                problem=f"no Kubernetes object: {str(each)[:200]}",
                remedy="every document needs apiVersion, kind and metadata.name",
            )
    return Rendered(objects=tuple(objects))


def _unlisted(document: Any) -> list[Any]:
    if isinstance(document, dict) and document.get("kind") == "List":
        return list(document.get("items") or [])
    return [document]


def _named(thing: Mapping[str, Any]) -> str:
    return f"{thing['kind']} {thing['metadata']['name']}"


def _check_object(thing: Mapping[str, Any], namespace: str) -> None:
    version, kind = thing.get("apiVersion", ""), thing["kind"]
    if version in _REMOVED_APIS:
        raise BadInputError(
            where=_named(thing),
            problem=f"apiVersion {version}, which Kubernetes 1.22 and later do not serve",
            remedy="use a chart that was written for today's Kubernetes (meshproof's own is the default)",
        )
    foreign_crd = kind == "CustomResourceDefinition" and not _crd_group(thing).endswith(_SMI_GROUP)
    if foreign_crd or kind in _CLUSTER_SCOPED:
        raise BadInputError(
            where=_named(thing),
            problem="an object for the whole cluster that no mesh needs",
            remedy="switch it off in the values, or install it by hand where that is wanted",
        )
    own = thing["metadata"].get("namespace") or namespace
    if own not in {namespace, DNS_NAMESPACE}:
        raise BadInputError(
            where=f"{_named(thing)} in namespace {own}",
            problem=f"outside of the mesh's namespace {namespace} and of {DNS_NAMESPACE}",
            remedy="name the mesh's namespace in the values",
        )


def _crd_group(thing: Mapping[str, Any]) -> str:
    return str((thing.get("spec") or {}).get("group", ""))


def _containers(thing: Mapping[str, Any]) -> Iterator[RenderedContainer]:
    """Containers wherever a pod's specification sits: Pod, Deployment, CronJob, or a kind unknown here."""
    if thing["kind"] == "CustomResourceDefinition":
        return
    for spec in _pod_specs(thing.get("spec")):
        for each in (one for key in _POD_LISTS for one in spec.get(key) or []):
            words = [*(each.get("command") or []), *(each.get("args") or [])]
            yield RenderedContainer(
                where=f"{_named(thing)}, container {each.get('name')}",
                image=str(each.get("image") or ""),
                args=tuple(map(str, words)),
                env={one["name"]: str(one.get("value", "")) for one in each.get("env") or []},
            )


def _pod_specs(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, list):
        for each in node:
            yield from _pod_specs(each)
    elif isinstance(node, dict):
        held = node.get("containers")
        if isinstance(held, list) and all(isinstance(each, dict) for each in held):
            yield node
        for each in node.values():
            yield from _pod_specs(each)
