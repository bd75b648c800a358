"""Mutants of what the chart installed: pod settings, rights, annotations, definitions."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.engine.waiting import Look
from meshproof.mesh.objects import DEFINITIONS
from meshproof.model.mutant import MutantKind
from meshproof.mutate.edits import edited
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.rollouts import (
    controller_path,
    proxies_path,
    renew_controller,
    settle,
    wait,
)

__all__ = ["MUTANTS", "Edit", "Patched"]

_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"


Edit = Callable[[dict[str, Any], Ground], None]


@dataclass(frozen=True, kw_only=True)
class Patched:
    """One object of the API, at ``path``, is another.

    ``rollout``: it has a pod template, whose pods are replaced. ``holds`` is what is true once the change is
    in force, and not before or after it; without it the object alone tells.
    """

    path: Callable[[Ground], str]
    edit: Edit
    rollout: bool = False
    holds: Callable[[Ground], bool] | None = None
    kind: MutantKind = MutantKind.CHART

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """Broken inside the block, whole again after it."""
        path = self.path(ground)

        def wait_until(*, broken: bool) -> None:
            if self.rollout:
                settle(ground.kube, ground.mesh, path)
            if self.rollout and path == proxies_path(ground.mesh) and not broken:
                renew_controller(ground.kube, ground.mesh)
            if (holds := self.holds) is not None:
                what = f"{path} is {'changed' if broken else 'as before'}, by what it brings about"
                wait(
                    lambda: Look(met=holds(ground) is broken, value=None, seen=f"broken: {not broken}"),
                    what=what,
                )

        with edited(
            ground.kube,
            path,
            lambda document: self.edit(document, ground),
            broken=lambda: wait_until(broken=True),
            whole=lambda: wait_until(broken=False),
        ):
            yield


def _proxies(ground: Ground) -> str:
    return proxies_path(ground.mesh)


def _controller(ground: Ground) -> str:
    return controller_path(ground.mesh)


def _cluster_role(ground: Ground) -> str:
    return f"{_RBAC}/clusterroles/{ground.mesh.settings.release}-controller"


def _cluster_role_binding(ground: Ground) -> str:
    return f"{_RBAC}/clusterrolebindings/{ground.mesh.settings.release}-controller"


def _definition(_: Ground) -> str:
    return f"{DEFINITIONS}/trafficsplits.split.smi-spec.io"


def _in_pod(**settings: Any) -> Edit:
    """Lay settings over a template's pod; a mapping over what is there of it."""

    def edit(document: dict[str, Any], _: Ground) -> None:
        _lay(document["spec"]["template"]["spec"], settings)

    return edit


def _in_container(**settings: Any) -> Edit:
    """Lay settings over a template's first container; a mapping over what is there of it."""

    def edit(document: dict[str, Any], _: Ground) -> None:
        _lay(document["spec"]["template"]["spec"]["containers"][0], settings)

    return edit


def _annotated(name: str, value: str) -> Edit:
    def edit(document: dict[str, Any], _: Ground) -> None:
        document["spec"]["template"]["metadata"].setdefault("annotations", {})[name] = value

    return edit


def _without(resources: str, containers: str = "containers") -> Edit:
    """Take ``requests`` or ``limits`` from a template's first container, or init container."""

    def edit(document: dict[str, Any], _: Ground) -> None:
        document["spec"]["template"]["spec"][containers][0].get("resources", {}).pop(resources, None)

    return edit


def _on_a_port_of_the_node(document: dict[str, Any], _: Ground) -> None:
    ports = document["spec"]["template"]["spec"]["containers"][0]["ports"]
    ports[0]["hostPort"] = 30_000 + ports[0]["containerPort"]


def _allowed(groups: list[str], resources: list[str], verbs: list[str]) -> Edit:
    """Add a rule to a role."""

    def edit(document: dict[str, Any], _: Ground) -> None:
        document["rules"].append({"apiGroups": groups, "resources": resources, "verbs": verbs})

    return edit


def _bind_the_proxies(document: dict[str, Any], ground: Ground) -> None:
    settings = ground.mesh.settings
    subject = {"kind": "ServiceAccount", "name": f"{settings.release}-proxy", "namespace": settings.namespace}
    document["subjects"].append(subject)


def _serve_nothing(document: dict[str, Any], _: Ground) -> None:
    for version in document["spec"]["versions"]:
        version["served"] = False


def _serve_another_version(document: dict[str, Any], _: Ground) -> None:
    """The version that is stored stays: the objects do, too."""
    versions = document["spec"]["versions"]
    another = {**copy.deepcopy(versions[0]), "name": "v1beta1", "served": True, "storage": False}
    _serve_nothing(document, _)
    versions.append(another)


def _split_is_not_served(ground: Ground) -> bool:
    groups = ground.kube.get("/apis")["groups"]
    served = {each["groupVersion"] for group in groups for each in group["versions"]}
    return "split.smi-spec.io/v1alpha3" not in served


def _lay(there: dict[str, Any], settings: dict[str, Any]) -> None:
    for key, value in settings.items():
        there[key] = {**there.get(key, {}), **value} if isinstance(value, dict) else value


_CAPABILITIES: Final = {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
_SPLITS: Final = {
    "TM-SMI": "the API server does not serve TrafficSplits in the version that the checks write"
}
_SCRAPED: Final = {"TM-METRIC": "Prometheus does not find the proxies' metrics where the annotations lead"}

MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="container-as-root",
        breaks="The proxies run as root.",
        change=Patched(
            path=_proxies,
            edit=_in_pod(securityContext={"runAsUser": 0, "runAsGroup": 0, "runAsNonRoot": False}),
            rollout=True,
        ),
    ),
    Mutant(
        name="privilege-escalation-allowed",
        breaks="A program in a proxy's container may gain more privileges than the proxy has.",
        change=Patched(
            path=_proxies,
            edit=_in_container(securityContext={"allowPrivilegeEscalation": True}),
            rollout=True,
        ),
    ),
    Mutant(
        name="capability-added",
        breaks="The proxies hold the capability NET_BIND_SERVICE.",
        change=Patched(
            path=_proxies, edit=_in_container(securityContext={"capabilities": _CAPABILITIES}), rollout=True
        ),
    ),
    Mutant(
        name="host-network",
        breaks="The controller's pod is in its node's network namespace.",
        change=Patched(path=_controller, edit=_in_pod(hostNetwork=True), rollout=True),
    ),
    Mutant(
        name="host-port",
        breaks="A proxy takes a port of its node.",
        change=Patched(path=_proxies, edit=_on_a_port_of_the_node, rollout=True),
    ),
    Mutant(
        name="root-filesystem-writable",
        breaks="A proxy can write to its root file system.",
        change=Patched(
            path=_proxies,
            edit=_in_container(securityContext={"readOnlyRootFilesystem": False}),
            rollout=True,
        ),
    ),
    Mutant(
        name="requests-missing",
        breaks="The proxies request no CPU.",
        change=Patched(path=_proxies, edit=_without("requests"), rollout=True),
    ),
    Mutant(
        name="memory-limit-missing",
        breaks="The proxies have no memory limit.",
        change=Patched(path=_proxies, edit=_without("limits"), rollout=True),
    ),
    Mutant(
        name="init-container-unlimited",
        breaks="The init container of the controller has no memory limit.",
        change=Patched(path=_controller, edit=_without("limits", "initContainers"), rollout=True),
    ),
    Mutant(
        name="proxy-token-mounted",
        breaks="The proxies hold a token of the API server.",
        change=Patched(path=_proxies, edit=_in_pod(automountServiceAccountToken=True), rollout=True),
    ),
    Mutant(
        name="proxy-account-bound",
        breaks="The proxies' account has the rights of the controller's ClusterRole.",
        change=Patched(path=_cluster_role_binding, edit=_bind_the_proxies),
    ),
    Mutant(
        name="rbac-secrets-readable",
        breaks="The controller may read every Secret.",
        change=Patched(path=_cluster_role, edit=_allowed([""], ["secrets"], ["get", "list", "watch"])),
    ),
    Mutant(
        name="rbac-write-everywhere",
        breaks="The controller may write Services and endpoints in every namespace.",
        change=Patched(
            path=_cluster_role,
            edit=_allowed([""], ["services", "endpoints"], ["create", "update", "patch", "delete"]),
        ),
    ),
    Mutant(
        name="rbac-pod-exec",
        breaks="The controller may start a program in every pod.",
        change=Patched(path=_cluster_role, edit=_allowed([""], ["pods/exec"], ["create"])),
    ),
    Mutant(
        name="rbac-wildcard",
        breaks="The controller may do everything everywhere.",
        change=Patched(path=_cluster_role, edit=_allowed(["*"], ["*"], ["*"])),
    ),
    Mutant(
        name="scrape-annotation-wrong",
        breaks="The proxies' annotations tell a Prometheus to leave them alone.",
        change=Patched(path=_proxies, edit=_annotated("prometheus.io/scrape", "false"), rollout=True),
        disturbs=_SCRAPED,
    ),
    Mutant(
        name="annotation-port-wrong",
        breaks="The proxies' annotations lead a Prometheus to a port that nobody listens on.",
        change=Patched(path=_proxies, edit=_annotated("prometheus.io/port", "8081"), rollout=True),
        disturbs=_SCRAPED,
    ),
    Mutant(
        name="crd-missing",
        breaks="The API server serves no version of TrafficSplits.",
        change=Patched(path=_definition, edit=_serve_nothing, holds=_split_is_not_served),
        disturbs=_SPLITS,
    ),
    Mutant(
        name="crd-other-version",
        breaks="The API server serves TrafficSplits in another version than the mesh reads.",
        change=Patched(path=_definition, edit=_serve_another_version, holds=_split_is_not_served),
        disturbs=_SPLITS,
    ),
)
