"""The workloads of a run: applied at once, waited for once, removed with their namespace."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.paths import PROJECT_ROOT

__all__ = ["NEVER_READY", "RUN_LABEL", "Pod", "Workloads", "predecessors_removed"]

RUN_LABEL: Final = "dev.meshproof/run"
NEVER_READY: Final = "dev.meshproof/never-ready"  # label of a deployment that is meant not to become ready

_WORKLOADS: Final = PROJECT_ROOT / "manifests" / "workloads"
_READY_S: Final = 90.0  # images are in the node: 3 to 6 s were measured
_GONE_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod as the API lists it; ``ready`` is its Ready condition."""

    name: str
    uid: str
    ip: str
    ready: bool


class Workloads:
    """The namespace of a run and what stands in it."""

    def __init__(self, kube: KubeApi, *, namespace: str, run_id: str) -> None:
        self.namespace = namespace
        self.labels = {RUN_LABEL: run_id}
        self._kube = kube
        self._deployments: list[str] = []  # those that are to become ready

    def create_namespace(self) -> None:
        """Make the run's namespace, once one of its name that was told to go is gone."""
        earlier = self._kube.find(f"/api/v1/namespaces/{self.namespace}")
        if earlier is not None and earlier["status"].get("phase") == "Terminating":
            _wait_gone(self._kube, [self.namespace])
        self._kube.create(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": self.namespace, "labels": self.labels},
            }
        )

    def give_files(self, name: str, files: Mapping[str, Path]) -> None:
        """Make a ConfigMap whose keys are files of the project."""
        data = {key: path.read_text() for key, path in files.items()}
        self.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})

    def give_secret(self, name: str, values: Mapping[str, str]) -> None:
        """Make a Secret."""
        self.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(values)}
        )

    def apply(self, *names: str) -> None:
        """Create everything in ``manifests/workloads/<name>.yaml``, in the run's namespace."""
        for name in names:
            for document in yaml.safe_load_all((_WORKLOADS / f"{name}.yaml").read_text()):
                self.create(document)

    def create(self, document: dict[str, Any]) -> None:
        """Create one object, with the run's label."""
        metadata = {
            **document["metadata"],
            "labels": {**document["metadata"].get("labels", {}), **self.labels},
        }
        self._kube.create({**document, "metadata": metadata}, namespace=self.namespace)
        if document["kind"] == "Deployment" and NEVER_READY not in metadata["labels"]:
            self._deployments.append(metadata["name"])

    def wait_ready(self, *deployments: str) -> float:
        """Wait until all replicas are ready, of all that was applied unless named; return the seconds."""
        names = deployments or tuple(self._deployments)
        return eventually(
            self._deployments_ready(names),
            what=f"deployments {', '.join(names)} in {self.namespace} are ready",
            within=_READY_S,
        ).seconds

    def scale(self, deployment: str, replicas: int) -> None:
        """Ask for a number of replicas; what comes of it is another question."""
        self._kube.merge(self._apps(f"deployments/{deployment}/scale"), {"spec": {"replicas": replicas}})

    def pods(self, app: str) -> list[Pod]:
        """The pods of a workload that are not on their way out, by name."""
        listed = self._kube.items(self._core("pods"), labelSelector=f"app={app}")
        found = [
            Pod(
                name=each["metadata"]["name"],
                uid=each["metadata"]["uid"],
                ip=each["status"].get("podIP", ""),
                ready=any(
                    c["type"] == "Ready" and c["status"] == "True"
                    for c in each["status"].get("conditions", [])
                ),
            )
            for each in listed
            if "deletionTimestamp" not in each["metadata"]
        ]
        return sorted(found, key=lambda pod: pod.name)

    def service_address(self, name: str, *, namespace: str | None = None) -> str:
        """A Service's cluster address. Raises KubeError with status 404 when there is no such Service."""
        service = self._kube.get(f"/api/v1/namespaces/{namespace or self.namespace}/services/{name}")
        return str(service["spec"]["clusterIP"])

    def touch_service(self, name: str) -> None:
        """Change a Service in nothing that matters: whoever watches Services looks again."""
        note = {"metadata": {"annotations": {"meshproof.dev/touched": str(time.time_ns())}}}
        self._kube.merge(self._core(f"services/{name}"), note)

    def remove_service(self, name: str) -> None:
        """Delete a Service of the run."""
        self._kube.delete(self._core(f"services/{name}"))

    def remove(self) -> None:
        """Delete the namespace and wait until it is gone."""
        self._kube.delete(f"/api/v1/namespaces/{self.namespace}")
        _wait_gone(self._kube, [self.namespace])

    def _core(self, path: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/{path}"

    def _apps(self, path: str) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/{path}"

    def _deployments_ready(self, names: tuple[str, ...]) -> Callable[[], Look[None]]:
        def look() -> Look[None]:
            listed = {each["metadata"]["name"]: each for each in self._kube.items(self._apps("deployments"))}
            missing = [said for name in names if (said := _shortfall(name, listed.get(name)))]
            return Look(met=not missing, value=None, seen="\n".join([*missing, *self._pod_troubles()]))

        return look

    def _pod_troubles(self) -> list[str]:
        lines: list[str] = []
        for pod in self._kube.items(self._core("pods")):
            name, status = pod["metadata"]["name"], pod["status"]
            states = [each["state"] for each in status.get("containerStatuses", [])]
            waiting = [each["waiting"] for each in states if "waiting" in each]
            lines += [f"{name}: {each.get('reason')}: {each.get('message', '')}" for each in waiting]
            if status.get("phase") == "Pending":
                lines += [f"{name}: {c['message']}" for c in status.get("conditions", []) if c.get("message")]
        return lines


@contextmanager
def predecessors_removed(kube: KubeApi) -> Iterator[list[str]]:
    """The namespaces that earlier runs left in a kept cluster: told to go, and gone when the block ends.

    Their pods are killed: Kubernetes would look at a namespace again only once these had had their time.
    """
    names = [each["metadata"]["name"] for each in kube.items("/api/v1/namespaces", labelSelector=RUN_LABEL)]
    for name in names:
        kube.delete(f"/api/v1/namespaces/{name}")
        for pod in kube.items(f"/api/v1/namespaces/{name}/pods"):
            kube.delete(f"/api/v1/namespaces/{name}/pods/{pod['metadata']['name']}", grace_s=0)
    yield names
    _wait_gone(kube, names)


def _wait_gone(kube: KubeApi, names: Sequence[str]) -> None:
    for name in names:
        eventually(_namespace_gone(kube, name), what=f"namespace {name} is gone", within=_GONE_S)


def _namespace_gone(kube: KubeApi, name: str) -> Callable[[], Look[None]]:
    def look() -> Look[None]:
        found = kube.find(f"/api/v1/namespaces/{name}")
        return Look(met=found is None, value=None, seen=str(found and found.get("status")))

    return look


def _shortfall(name: str, deployment: dict[str, Any] | None) -> str | None:
    """What a deployment lacks, in words; None when all its replicas are new and ready."""
    if deployment is None:
        return f"{name}: not there"
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")}
    if status.get("observedGeneration") == deployment["metadata"]["generation"] and counts == {wanted}:
        return None
    return f"{name}: {status.get('readyReplicas', 0)} of {wanted} ready"
