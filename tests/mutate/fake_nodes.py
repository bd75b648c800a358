"""Two nodes, and a door to them that only writes down what it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from meshproof.cluster.faults import FaultError
from meshproof.cluster.nodes import CONTROL_PLANE


def node(name: str, pods: str, **labels: str) -> dict[str, Any]:
    """A node with its pods' range."""
    return {"metadata": {"name": name, "labels": labels}, "spec": {"podCIDR": pods}}


# By name the worker comes first: that is not the order that counts.
NODES = {
    "/api/v1/nodes/a-worker": node("a-worker", "10.244.1.0/24"),
    "/api/v1/nodes/plane": node("plane", "10.244.0.0/24", **{CONTROL_PLANE: ""}),
}


@dataclass
class FakeFaults:
    """Writes down what it was asked to do to nodes; ``fails`` is done half."""

    done: list[str] = field(default_factory=list)
    fails: bool = False

    @contextmanager
    def unreachable(self, pods: str, *, node: str) -> Iterator[None]:
        with self._done(f"{node} does not reach {pods}"):
            yield

    @contextmanager
    def masqueraded(self, pods: str, *, to: str, node: str) -> Iterator[None]:
        with self._done(f"{node} hides {pods} from {to}"):
            yield

    @contextmanager
    def _done(self, what: str) -> Iterator[None]:
        self.done.append(what)
        try:
            if self.fails:
                raise FaultError(where="node", problem="no", remedy="look")
            yield
        finally:
            self.done.append("taken back")
