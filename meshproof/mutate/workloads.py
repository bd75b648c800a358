"""Mutants of the cluster around the mesh: pods and services that have it do what it should not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.engine.waiting import Look
from meshproof.judge.configuration import servers_by_service
from meshproof.model.mutant import MutantKind
from meshproof.mutate.edits import edited
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.rollouts import wait

__all__ = ["MUTANTS", "Pulling", "UnreadyPublished"]

_QUIET: Final = 15  # looks, three seconds: kubelet tells of a pod some time after it
_PULLING: Final = "meshproof-pulling"

# Nobody listens there, on any node: kubelet tries to pull, and nothing leaves the node.
_NOWHERE: Final = "localhost:1/meshproof/absent:0"


@dataclass(frozen=True, kw_only=True)
class UnreadyPublished:
    """A service tells the address of its pod that is not ready as if it were."""

    service: str
    kind: MutantKind = MutantKind.WORKLOAD

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """Every proxy has one server more inside the block, and as many as before after it."""
        name = f"{ground.namespace}-{self.service}-80"
        before = _servers(ground, name)

        def wait_until(what: str, *, more: int) -> None:
            def look() -> Look[None]:
                found = _servers(ground, name)
                met = {each: count + more for each, count in before.items()} == found
                return Look(met=met, value=None, seen=f"servers of {name}: {found}")

            wait(look, what=f"{self.service} has {what}")

        with edited(
            ground.kube,
            f"/api/v1/namespaces/{ground.namespace}/services/{self.service}",
            lambda service: service["spec"].update(publishNotReadyAddresses=True),
            broken=lambda: wait_until("one server more", more=1),
            whole=lambda: wait_until("its servers again", more=0),
        ):
            yield


def _servers(ground: Ground, service: str) -> dict[str, int]:
    """How many servers of a service each proxy has."""
    mesh = ground.mesh
    return {
        each.name: len(servers_by_service(mesh.proxy_configuration(each)).get(service, []))
        for each in mesh.proxies()
    }


@dataclass(frozen=True, kw_only=True)
class Pulling:
    """A pod of the run asks for an image that no node has."""

    kind: MutantKind = MutantKind.WORKLOAD

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """The cluster's events tell of a pull inside the block, and no more after it."""
        events = f"/api/v1/namespaces/{ground.namespace}/events"

        def told() -> list[dict[str, Any]]:
            of_the_pod = f"involvedObject.name={_PULLING}"
            return ground.kube.items(events, fieldSelector=of_the_pod)

        def is_pulling() -> Look[None]:
            reasons = [each.get("reason") for each in told()]
            return Look(met="Pulling" in reasons, value=None, seen=f"events of the pod: {reasons}")

        def is_silent() -> Look[None]:
            names = [each["metadata"]["name"] for each in told()]
            for name in names:
                ground.kube.delete(f"{events}/{name}")
            return Look(met=not names, value=None, seen=f"events of the pod: {names}")

        try:
            ground.kube.create(_pod(), namespace=ground.namespace)
            wait(is_pulling, what="kubelet pulls an image")
            yield
        finally:
            ground.kube.delete(f"/api/v1/namespaces/{ground.namespace}/pods/{_PULLING}", grace_s=0)
            wait(is_silent, what="nothing tells of a pull any more", successes=_QUIET)


def _pod() -> dict[str, Any]:
    container = {
        "name": "absent",
        "image": _NOWHERE,
        "imagePullPolicy": "Always",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _PULLING},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
        },
    }


MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="unready-included",
        breaks="A pod that is not ready is a server of its service.",
        change=UnreadyPublished(service="half-ready"),
    ),
    Mutant(
        name="image-pulled",
        breaks="An image is pulled from elsewhere.",
        change=Pulling(),
    ),
)
