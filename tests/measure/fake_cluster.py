"""An API server as far as a load experiment needs one: pods that start, print, and end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from meshproof.cluster.kube import KubeError
from meshproof.measure.pods import LABEL


def _no_change(_: str, status: dict[str, Any]) -> dict[str, Any]:
    return status


@dataclass(kw_only=True)
class FakeCluster:
    """What the pods do is given beforehand.

    ``logs`` is what the master has printed by its n-th reading; ``status`` may spoil a pod's status; the
    look number ``hiccup_at`` at a pod goes unanswered.
    """

    logs: list[str]
    status: Callable[[str, dict[str, Any]], dict[str, Any]] = _no_change
    create_error: str = ""
    ends_at: int = 6  # the look at which the master has ended
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    maps: dict[str, dict[str, Any]] = field(default_factory=dict)
    ever: list[dict[str, Any]] = field(default_factory=list)
    reads: int = 0
    looks: int = 0
    hiccup_at: int = 0
    lost: bool = False  # the master's log can no longer be had
    sampled: str = ""  # the log of a sampler

    def create(self, document: dict[str, Any], *, namespace: str | None = None) -> dict[str, Any]:
        name = document["metadata"]["name"]
        if self.create_error and self.create_error in name:
            raise KubeError(where=name, status=403, problem="forbidden", evidence="quota")
        self.ever.append(document | {"namespace": namespace})
        (self.pods if document["kind"] == "Pod" else self.maps)[name] = document
        return document

    def find(self, path: str) -> dict[str, Any] | None:
        name = path.rsplit("/", 1)[-1]
        self.looks += 1
        if self.looks == self.hiccup_at:
            raise KubeError(where=path, status=0, problem="no answer", evidence="")
        return self._with_status(name) if name in self.pods else None

    def get(self, path: str) -> dict[str, Any]:
        found = self.find(path)
        if found is None:
            raise KubeError(where=path, status=404, problem="not found", evidence="")
        return found

    def items(self, path: str, labelSelector: str) -> list[dict[str, Any]]:  # noqa: N803 - the API's own name
        kind = self.pods if path.endswith("/pods") else self.maps
        if "!=" in labelSelector:
            return []
        wanted = labelSelector.removeprefix(f"{LABEL}=")
        return [
            self._with_status(name) if kind is self.pods else item
            for name, item in kind.items()
            if item["metadata"]["labels"][LABEL] == wanted
        ]

    def delete(self, path: str) -> None:
        kind, name = path.rsplit("/", 2)[1:]
        (self.pods if kind == "pods" else self.maps).pop(name, None)

    def log(self, _: str, pod: str, container: str, *, lines: int | None = None) -> str:
        if container == "sampler":
            return self.sampled
        if container != "master":
            return f"worker log of {pod}"
        if self.lost:
            raise KubeError(where=pod, status=404, problem="no such log", evidence="")
        if lines is None:
            self.reads += 1
        text = self.logs[min(self.reads, len(self.logs)) - 1] if self.reads else self.logs[0]
        if text == "creating":
            raise KubeError(where=pod, status=400, problem="container is being created", evidence="")
        return text

    def _with_status(self, name: str) -> dict[str, Any]:
        last = self.sampled if name.endswith("sampler") else self.logs[-1]
        ended = "end" in last and self.looks >= self.ends_at
        phase = "Succeeded" if ended and name.endswith(("master", "sampler")) else "Running"
        status = {"phase": phase, "podIP": "10.0.0.7"}
        return self.pods[name] | {"status": self.status(name, status)}
