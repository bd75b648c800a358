"""Mutants of the way to a pod: shadow services with other settings, nodes that route in another way."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.cluster.faults import Faults
from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.cluster.nodes import pod_ranges
from meshproof.engine.waiting import Look
from meshproof.model.mutant import MutantKind
from meshproof.mutate.edits import NothingChangedError
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.rollouts import LEARNED, wait

__all__ = ["MUTANTS", "BetweenNodes", "ShadowServices"]

_FOLLOWED: Final = 3 * LEARNED  # looks: kube-proxy gathers what changes, on each node for itself
_SHADOWS: Final = (
    "type=shadow"  # the controller's own label; it keeps all of a Service's settings but the ports
)


@dataclass(frozen=True, kw_only=True)
class ShadowServices:
    """One setting of every shadow service that there is has another value; ``usual`` is its own."""

    setting: str
    value: Any
    usual: Any
    kind: MutantKind = MutantKind.NETWORK

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """Every node's kube-proxy follows it inside the block, and again after it."""
        try:
            self._give(ground, self.value)
            yield
        finally:
            self._give(ground, self.usual)

    def _give(self, ground: Ground, value: Any) -> None:
        services = f"/api/v1/namespaces/{ground.mesh.settings.namespace}/services"

        def others() -> list[str]:
            listed = ground.kube.items(services, labelSelector=_SHADOWS)
            return [
                f"{services}/{each['metadata']['name']}"
                for each in listed
                if each["spec"].get(self.setting, self.usual) != value
            ]

        def given() -> Look[None]:
            for path in others():
                _merge_unless_gone(ground.kube, path, {"spec": {self.setting: value}})
            left = others()
            return Look(met=not left, value=None, seen=f"not yet: {', '.join(left)}")

        wait(given, what=f"every shadow service has {self.setting}={value}", successes=_FOLLOWED)


def _merge_unless_gone(kube: KubeApi, path: str, body: dict[str, Any]) -> None:
    """The controller takes a shadow service away soon after the service itself is gone."""
    try:
        kube.merge(path, body)
    except KubeError as error:
        if error.status != 404:
            raise


Fault = Callable[[Faults, tuple[str, str], tuple[str, str]], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class BetweenNodes:
    """The control plane and a worker are kept apart; ``fault`` is given name and pods' range of each."""

    fault: Fault
    kind: MutantKind = MutantKind.NETWORK

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """Broken inside the block; after it every proxy follows the shim again, whichever node it is on."""
        nodes = list(pod_ranges(ground.kube).items())
        if len(nodes) < 2:
            raise NothingChangedError("the cluster's one node")
        try:
            with self.fault(ground.faults, nodes[0], nodes[1]):
                yield
        finally:
            ground.shim.follow(ground.shim.order())


def _unreachable(
    faults: Faults, plane: tuple[str, str], worker: tuple[str, str]
) -> AbstractContextManager[None]:
    """From the worker's side: the API server, which is no pod, still reaches both nodes' pods."""
    return faults.unreachable(plane[1], node=worker[0])


def _masqueraded(
    faults: Faults, plane: tuple[str, str], worker: tuple[str, str]
) -> AbstractContextManager[None]:
    return faults.masqueraded(plane[1], to=worker[1], node=plane[0])


MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="shadow-service-local-only",
        breaks="A shadow service leads to the proxy of the client's own node alone.",
        change=ShadowServices(setting="internalTrafficPolicy", value="Local", usual="Cluster"),
        disturbs={"TM-ROUTE-08": "it looks at what each of the two proxies carried"},
    ),
    Mutant(
        name="shadow-service-publishes-not-ready",
        breaks="A shadow service leads to proxies that are not ready, too.",
        change=ShadowServices(setting="publishNotReadyAddresses", value=True, usual=False),
    ),
    Mutant(
        name="route-between-nodes-missing",
        breaks="A node has no route to the pods of the other one.",
        change=BetweenNodes(fault=_unreachable),
        disturbs={"TM-": "half of all ways cross from one node to the other"},
    ),
    Mutant(
        name="pods-masqueraded",
        breaks="Pods reach those of the other node under their node's address.",
        change=BetweenNodes(fault=_masqueraded),
    ),
)
