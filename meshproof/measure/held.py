"""What an experiment makes in a namespace, under a name that no other has: looked at, and removed."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.engine.waiting import Look, eventually
from meshproof.measure.pods import LABEL
from meshproof.model.errors import HarnessError
from meshproof.paths import PROJECT_ROOT

__all__ = ["Held", "load_programs", "why_waiting"]

REMOVED_WITHIN_S: Final = 60.0  # the pods have a grace of 2 s
EVIDENCE_LINES: Final = 30


class Held:
    """The pods and the ConfigMap of one experiment."""

    def __init__(self, kube: KubeApi, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.core = f"/api/v1/namespaces/{namespace}"
        self.name = f"load-{secrets.token_hex(4)}"

    def create(self, document: dict[str, Any]) -> None:
        self.kube.create(document, namespace=self.namespace)

    def neighbours(self) -> list[dict[str, Any]]:
        """The namespace's other pods: what the load goes to, not what makes it."""
        return self.kube.items(f"{self.core}/pods", labelSelector=f"{LABEL}!={self.name}")

    def pods(self) -> list[dict[str, Any]]:
        return self.kube.items(f"{self.core}/pods", labelSelector=f"{LABEL}={self.name}")

    def log(self, pod: str, container: str, *, lines: int | None = None) -> str:
        return self.kube.log(self.namespace, pod, container, lines=lines)

    def phase(self, pod: str) -> str:
        """``Failed`` as soon as one of its containers did, whatever the others do."""
        try:
            found = self.kube.find(f"{self.core}/pods/{pod}")
        except KubeError as error:  # one missed look is no reason to throw an experiment away
            return f"unknown: {error.problem}"
        status = (found or {}).get("status") or {}
        for container in status.get("containerStatuses") or []:
            if ((container.get("state") or {}).get("terminated") or {}).get("exitCode"):
                return "Failed"
        return str(status.get("phase", "Failed"))

    def states(self) -> str:
        return "; ".join(
            f"{pod['metadata']['name']}: {why_waiting(pod.get('status') or {})}" for pod in self.pods()
        )

    def tail(self, pod: str, container: str) -> str:
        """The end of a log, or why it cannot be had."""
        try:
            return self.log(pod, container, lines=EVIDENCE_LINES)
        except KubeError as error:
            return str(error)

    def refuse(self, problem: str, tails: Mapping[str, str]) -> NoReturn:
        """Raise with the end of every log in ``tails``."""
        logs = [
            f"{pod}:\n" + "\n".join(line[:300] for line in text.splitlines()) for pod, text in tails.items()
        ]
        raise HarnessError(
            where=f"{self.namespace}/{self.name}",
            problem=problem,
            remedy="the logs' ends are below; measure again",
            evidence="\n".join(logs),
        )

    def remove(self) -> None:
        """Delete everything of this experiment and wait until its pods are gone."""
        for kind in ("pods", "configmaps"):
            for item in self.kube.items(f"{self.core}/{kind}", labelSelector=f"{LABEL}={self.name}"):
                self.kube.delete(f"{self.core}/{kind}/{item['metadata']['name']}")
        eventually(self._gone, what=f"{self.name}: its pods are gone", within=REMOVED_WITHIN_S)

    def _gone(self) -> Look[None]:
        names = [pod["metadata"]["name"] for pod in self.pods()]
        return Look(met=not names, value=None, seen=f"still there: {names}")


def load_programs() -> dict[str, str]:
    """File name -> text of everything in loadtests/ that runs in a pod."""
    return {path.name: path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "loadtests").glob("*.py")}


def why_waiting(status: Mapping[str, Any]) -> str:
    """A pod's phase, and the reason of the first container that waits."""
    containers: Sequence[Mapping[str, Any]] = status.get("containerStatuses") or []
    for container in containers:
        if waiting := (container.get("state") or {}).get("waiting"):
            return f"{status.get('phase')}, {waiting.get('reason')} {waiting.get('message', '')}".rstrip()
    return str(status.get("phase", "no status"))
