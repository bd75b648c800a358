"""Mutants of how the mesh's pods start, become ready and stop: settings of their templates."""

from collections.abc import Mapping
from typing import Any, Final

from meshproof.cluster.nodes import CONTROL_PLANE
from meshproof.mutate.chart import Edit, Patched
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.rollouts import controller_path, proxies_path

__all__ = ["MUTANTS"]

_GRACE: Final = ".transport.lifeCycle.requestAcceptGraceTimeout="  # of each entry point


def _pod(document: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = document["spec"]["template"]["spec"]
    return pod


def _container(document: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = _pod(document)["containers"][0]
    return container


def _accept_nothing_more(document: dict[str, Any], _: Ground) -> None:
    container = _container(document)
    container["args"] = [each for each in container["args"] if _GRACE not in each]


def _killed_soon(document: dict[str, Any], _: Ground) -> None:
    """One second, of which a kubelet makes two; with none the pod would be gone before it is told."""
    _pod(document)["terminationGracePeriodSeconds"] = 1


def _ready_at_once(document: dict[str, Any], _: Ground) -> None:
    _container(document).pop("readinessProbe", None)


def _all_at_once(document: dict[str, Any], _: Ground) -> None:
    every = {"maxUnavailable": "100%", "maxSurge": 0}
    document["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": every}


def _on_the_control_plane(document: dict[str, Any], _: Ground) -> None:
    _pod(document)["nodeSelector"] = {CONTROL_PLANE: ""}


def _unprepared(document: dict[str, Any], _: Ground) -> None:
    _pod(document).pop("initContainers", None)


def _proxies(name: str, breaks: str, edit: Edit, disturbs: Mapping[str, str] | None = None) -> Mutant:
    change = Patched(path=lambda ground: proxies_path(ground.mesh), edit=edit, rollout=True)
    return Mutant(name=name, breaks=breaks, change=change, disturbs=disturbs or {})


MUTANTS: Final[tuple[Mutant, ...]] = (
    _proxies(
        "no-accept-grace",
        "A proxy that is told to stop accepts no connection from then on.",
        _accept_nothing_more,
    ),
    _proxies(
        "proxy-killed-not-stopped",
        "A proxy that is told to stop is killed before it has answered what it was asked.",
        _killed_soon,
    ),
    _proxies(
        "proxy-ready-too-early",
        "A proxy counts as ready before it has a configuration.",
        _ready_at_once,
    ),
    _proxies(
        "all-proxies-at-once",
        "All proxies are restarted at the same time.",
        _all_at_once,
    ),
    _proxies(
        "one-proxy-of-two",
        "Only the control plane's node has a proxy.",
        _on_the_control_plane,
        {"TM-ROUTE-08": "it looks at what each of two proxies does"},
    ),
    Mutant(
        name="prepare-skipped",
        breaks="A controller that starts does not look at the cluster's DNS.",
        change=Patched(path=lambda ground: controller_path(ground.mesh), edit=_unprepared, rollout=True),
    ),
)
