"""Mutants of how the mesh is installed again, changed and removed: applied without the shim.

What the mesh's own commands do is done, and then something more, or less.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.engine.waiting import Look
from meshproof.mesh.facts import DNS_NAMESPACE
from meshproof.model.mutant import MutantKind
from meshproof.mutate.lies import Method, answered_by
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.rollouts import proxies_path, settle, wait
from meshproof.mutate.told import Told

__all__ = ["MUTANTS", "LeftBehind", "ReplacedByInstall"]

_MARK: Final = "dev.meshproof/mutant"  # an annotation of the proxies' template: new pods
_COREFILE: Final = f"/api/v1/namespaces/{DNS_NAMESPACE}/configmaps/coredns"
_SHADOW: Final = "app=maesh,type=shadow"

Undo = Callable[[], None]
PutBack = Callable[[], Undo]


@dataclass(frozen=True, kw_only=True)
class LeftBehind:
    """An uninstall leaves something.

    ``keep`` notes it before the uninstall; what it returns puts it back, and returns in turn what takes it
    away for good.
    """

    keep: Callable[[Ground], PutBack]
    kind: MutantKind = MutantKind.CHART

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """The mesh is there on entry. Nothing of what was left is there any more after the block."""
        if not ground.mesh.leftovers():
            ground.mesh.install()
        with ExitStack() as undo:

            def uninstall() -> float:
                put_back = self.keep(ground)
                seconds = truly()
                undo.callback(put_back())
                return seconds

            truly = ground.mesh.uninstall
            with answered_by(ground.mesh, "uninstall", uninstall):
                yield


def _role(ground: Ground) -> PutBack:
    name = f"{ground.mesh.settings.release}-controller"
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}"
    kept = ground.kube.get(path)
    metadata = {key: kept["metadata"][key] for key in ("name", "labels")}

    def put_back() -> Undo:
        ground.kube.create({**kept, "metadata": metadata})
        return lambda: ground.kube.delete(path)

    return put_back


def _zones(ground: Ground) -> PutBack:
    kept = ground.kube.get(_COREFILE)["data"]

    def put_back() -> Undo:
        cleaned = ground.kube.get(_COREFILE)["data"]
        ground.kube.merge(_COREFILE, {"data": kept})
        return lambda: ground.kube.merge(_COREFILE, {"data": cleaned})

    return put_back


def _shadow_services(ground: Ground) -> PutBack:
    """One of them, in a namespace of the mesh's name."""
    namespace = ground.mesh.settings.namespace
    path = f"/api/v1/namespaces/{namespace}"
    first = ground.kube.items(f"{path}/services", labelSelector=_SHADOW)[0]
    kept = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {key: first["metadata"][key] for key in ("name", "labels")},
        "spec": {"ports": first["spec"]["ports"], "selector": first["spec"]["selector"]},
    }

    def is_gone() -> Look[None]:
        found = ground.kube.find(path)
        return Look(met=found is None, value=None, seen=str(found and found.get("status")))

    def remove() -> None:
        ground.kube.delete(path)
        wait(is_gone, what=f"namespace {namespace} is gone")

    def put_back() -> Undo:
        ground.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        ground.kube.create(kept, namespace=namespace)
        return remove

    return put_back


@dataclass(frozen=True, kw_only=True)
class ReplacedByInstall:
    """An install over a running mesh replaces its proxies."""

    kind: MutantKind = MutantKind.CHART

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """The proxies are as the chart has them after the block."""
        path, truly = proxies_path(ground.mesh), ground.mesh.install

        def mark(value: str | None) -> None:
            metadata: dict[str, Any] = {"annotations": {_MARK: value}}
            ground.kube.merge(path, {"spec": {"template": {"metadata": metadata}}})

        def install() -> float:
            mark(str(time.monotonic_ns()))
            seconds = truly()
            settle(ground.kube, ground.mesh, path)
            return seconds

        try:
            with answered_by(ground.mesh, "install", install):
                yield
        finally:
            mark(None)
            settle(ground.kube, ground.mesh, path)


def _watching_all(upgrade: Method, _: Ground) -> Method:
    def told(overrides: Mapping[str, Any]) -> float:
        controller = {key: each for key, each in overrides["controller"].items() if key != "watchNamespaces"}
        seconds: float = upgrade({**overrides, "controller": controller})
        return seconds

    return told


MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="chart-not-repeatable",
        breaks="Installing over a running mesh replaces its proxies.",
        change=ReplacedByInstall(),
    ),
    Mutant(
        name="watched-namespaces-ignored",
        breaks="The controller is not told which namespaces to watch: it watches all.",
        change=Told(lies={"upgrade": _watching_all}),
    ),
    Mutant(
        name="role-left",
        breaks="An uninstall leaves the controller's ClusterRole.",
        change=LeftBehind(keep=_role),
    ),
    Mutant(
        name="corefile-not-restored",
        breaks="An uninstall leaves the mesh's zones in CoreDNS's configuration.",
        change=LeftBehind(keep=_zones),
    ),
    Mutant(
        name="shadow-services-kept",
        breaks="An uninstall leaves a shadow service, and the namespace that it is in.",
        change=LeftBehind(keep=_shadow_services),
    ),
)
