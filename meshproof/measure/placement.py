"""Where the load generator runs: which nodes, which CPUs of theirs. Pure; refused with the reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from meshproof.model.errors import BadInputError, nearest
from meshproof.model.load import Profile

__all__ = ["ANYWHERE", "APART", "Placement", "affinity", "place"]

APART: Final = "apart"  # a node that runs neither the server nor anything of the mesh


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The nodes that the generator's pods may go to, none: any; and the CPUs of its workers, none: all."""

    nodes: tuple[str, ...] = ()
    cpus: tuple[int, ...] = ()


ANYWHERE: Final = Placement()


@dataclass(frozen=True, kw_only=True)
class _Node:
    name: str
    labels: Mapping[str, str]
    cpus: int


def place(
    profile: Profile, nodes: Sequence[dict[str, Any]], loaded: Iterable[dict[str, Any]], *, where: str
) -> Placement:
    """What ``profile`` asks for, in this cluster; ``loaded`` are the pods that it is to stay apart from.

    Raises BadInputError where no node is as asked for, or one lacks a CPU.
    """
    known = [_node(each) for each in nodes]
    chosen = _chosen(profile.node, known, list(loaded), where) if profile.node else known
    for node in chosen:
        if missing := [cpu for cpu in profile.cpus if cpu >= node.cpus]:
            raise BadInputError(
                where=f"{where}/cpus",
                problem=f"got {missing[0]}, expected a CPU of {node.name}, which has 0 to {node.cpus - 1}",
                remedy=f"give {node.cpus - 1}, or another node",
            )
    return Placement(
        nodes=tuple(node.name for node in chosen) if profile.node else (), cpus=tuple(profile.cpus)
    )


def affinity(placement: Placement) -> dict[str, Any]:
    """The part of a pod's ``spec`` that brings it there, tainted nodes too; empty where any node will do."""
    if not placement.nodes:
        return {}
    terms = [  # joined by "or"; a term takes one name
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}
        for name in placement.nodes
    ]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"affinity": {"nodeAffinity": required}, "tolerations": [{"operator": "Exists"}]}


def _chosen(wanted: str, nodes: list[_Node], loaded: list[dict[str, Any]], where: str) -> list[_Node]:
    if wanted == APART:
        return _apart(nodes, loaded, where)
    label, equals, value = wanted.partition("=")
    if equals:
        found = [node for node in nodes if node.labels.get(label) == value]
        known = sorted({f"{name}={text}" for node in nodes for name, text in node.labels.items()})
        problem = f"got {wanted!r}, and no node has that label"
    else:
        found = [node for node in nodes if node.name == wanted]
        known = [APART, *(node.name for node in nodes)]
        problem = f"got {wanted!r}, and no node has that name"
    if not found:
        raise BadInputError(where=f"{where}/node", problem=problem, remedy=nearest(wanted, known))
    return found


def _apart(nodes: list[_Node], loaded: list[dict[str, Any]], where: str) -> list[_Node]:
    on: dict[str, str] = {}
    for pod in loaded:
        on.setdefault(str((pod.get("spec") or {}).get("nodeName", "")), str(pod["metadata"]["name"]))
    if found := [node for node in nodes if node.name not in on]:
        return found
    raise BadInputError(
        where=f"{where}/node",
        problem="got 'apart', but every node runs the server or a part of the mesh: "
        + ", ".join(f"{on[node.name]} on {node.name}" for node in nodes),
        remedy="keep a node free of them (the proxies are on every node unless the chart's values say"
        " otherwise), or name a node",
    )


def _node(document: dict[str, Any]) -> _Node:
    capacity = (document.get("status") or {}).get("capacity") or {}
    return _Node(
        name=document["metadata"]["name"],
        labels=document["metadata"].get("labels") or {},
        cpus=int(capacity.get("cpu", 0)),
    )
