"""A cluster that answers from a table, and a helm that does too: no test here needs the real ones."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from meshproof.engine.process import CommandFailedError, Completed
from meshproof.mesh.facts import ContainerFact, InstallFacts, PodFact, WorkloadFact
from meshproof.mesh.kube import Kube, KubeError

NAMESPACE = "traefik-mesh"
RENDERED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: traefik-mesh-controller}
spec:
  template:
    metadata: {labels: {component: controller}}
    spec: {containers: [{name: c, image: "docker.io/traefik/mesh:v1.4.8"}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: traefik-mesh-proxy}
spec:
  template:
    metadata: {labels: {component: maesh-mesh}}
    spec:
      containers:
        - {name: p, image: "docker.io/library/traefik:v2.11.14", args: [--tracing.jaeger=true]}
"""
STATUS = '{"info": {"status": "deployed"}}'
NOT_FOUND = RuntimeError("Error: release: not found")
RELEASE_LABELS = {"app": "maesh", "release": "traefik-mesh"}


@dataclass
class FakeKube:
    """What ``Kube`` answers, by kind; what is changed through it is written down and takes effect here."""

    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    config_maps: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: dict[str, str | int] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def _all(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        wanted = dict(each.split("=") for each in selector.split(",") if each)
        return [
            each
            for each in self.objects.get(kind, [])
            if wanted.items() <= (each["metadata"].get("labels") or {}).items()
        ]

    def pods(self, _namespace: str, *, selector: str = "") -> list[dict[str, Any]]:
        return self._all("pods", selector)

    def events(self, _namespace: str) -> list[dict[str, Any]]:
        return self._all("events")

    def services(self, _namespace: str, *, selector: str) -> list[dict[str, Any]]:
        return self._all("services", selector)

    def deployments(self, namespace: str) -> list[dict[str, Any]]:
        return self._all(f"deployments {namespace}")

    def daemon_sets(self, _namespace: str) -> list[dict[str, Any]]:
        return self._all("daemon sets")

    def cluster_roles(self, *, selector: str) -> list[dict[str, Any]]:
        return self._all("cluster roles", selector)

    def cluster_role_bindings(self, *, selector: str) -> list[dict[str, Any]]:
        return self._all("cluster role bindings", selector)

    def roles(self, _namespace: str, *, selector: str) -> list[dict[str, Any]]:
        return self._all("roles", selector)

    def role_bindings(self, _namespace: str, *, selector: str) -> list[dict[str, Any]]:
        return self._all("role bindings", selector)

    def jobs(self, _namespace: str, *, selector: str = "") -> list[dict[str, Any]]:
        return self._all("jobs", selector)

    def crds(self, *, selector: str = "") -> list[dict[str, Any]]:
        return self._all("crds", selector)

    def config_map(self, namespace: str, name: str) -> dict[str, Any] | None:
        data = self.config_maps.get((namespace, name))
        return None if data is None else {"metadata": {"name": name}, "data": data}

    def namespace(self, name: str) -> dict[str, Any] | None:
        labels = self.namespaces.get(name)
        return None if labels is None else thing(name, labels=labels, annotations=self.notes.get(name))

    def log(self, _namespace: str, pod: str, container: str) -> str:
        if container not in self.logs:
            raise KubeError(where=pod, status=400, problem="waiting to start", evidence="")
        return self.logs[container]

    def pod_get(self, _namespace: str, pod: str, port: int, path: str) -> str:
        answer = self.answers.get(f"{pod}:{port}/{path}", 503)
        if isinstance(answer, int):
            raise KubeError(where=pod, status=answer, problem="no", evidence="")
        return answer

    def create_namespace(self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        self.done.append(f"create namespace {name}")
        self.namespaces[name] = dict(labels)
        self.notes[name] = dict(annotations)

    def delete_namespace(self, name: str, *, uid: str) -> None:
        self.done.append(f"delete namespace {name} {uid}")
        del self.namespaces[name]
        self.objects["pods"] = []

    def label_crd(self, name: str, labels: Mapping[str, str]) -> None:
        self.done.append(f"label crd {name}")
        for each in self.objects["crds"]:
            if each["metadata"]["name"] == name:
                each["metadata"]["labels"] = dict(labels)

    def delete_crd(self, name: str, *, uid: str) -> None:
        self.done.append(f"delete crd {name} {uid}")
        self.objects["crds"] = [each for each in self.objects["crds"] if each["metadata"]["name"] != name]

    def delete_job(self, namespace: str, name: str, *, uid: str) -> None:
        self.done.append(f"delete job {namespace}/{name} {uid}")

    @property
    def as_kube(self) -> Kube:
        return cast("Kube", self)


@dataclass
class FakeHelm:
    """Answers helm's subcommands by their name: text for success, an exception's stderr for failure."""

    answers: dict[str, str | Exception | Callable[[], str]] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def run(self, argv: list[str], *, timeout: float, env: Mapping[str, str], check: bool) -> Completed:
        assert timeout > 0
        assert set(env) == {"HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"}
        self.calls.append(argv)
        files = [Path(argv[at + 1]) for at, word in enumerate(argv) if word == "--values"]
        self.values.append([json.loads(each.read_text()) for each in files if each.name == "overrides.yaml"])
        answer = self.answers.get(argv[1], "")
        if callable(answer):
            answer = answer()
        failed = isinstance(answer, Exception)
        completed = Completed(
            argv=tuple(argv),
            returncode=1 if failed else 0,
            stdout="" if failed else str(answer),
            stderr=str(answer) if failed else "",
            seconds=0.1,
        )
        if failed and check:
            raise CommandFailedError(completed)
        return completed

    @property
    def verbs(self) -> list[str]:
        return [each[1] for each in self.calls]


def thing(name: str, **meta: Any) -> dict[str, Any]:
    """An object of the API with nothing but metadata."""
    return {"metadata": {"name": name, "uid": f"uid-{name}", **meta}}


def workload(name: str, *, ready: int = 1, wanted: int = 1, image: str = "a:v1") -> dict[str, Any]:
    """A Deployment of the API, rolled out when ``ready`` is ``wanted``."""
    return {
        "metadata": {"name": name, "generation": 2},
        "spec": {
            "replicas": wanted,
            "template": {"spec": {"containers": [{"name": name, "image": image}]}},
        },
        "status": {
            "observedGeneration": 2,
            "replicas": wanted,
            "updatedReplicas": wanted,
            "availableReplicas": ready,
        },
    }


def daemon_set(name: str, *, ready: int = 2, wanted: int = 2) -> dict[str, Any]:
    """A DaemonSet of the API."""
    return {
        "metadata": {"name": name, "generation": 1},
        "spec": {"template": {"spec": {"containers": [{"name": name, "image": "b:v2"}]}}},
        "status": {
            "observedGeneration": 1,
            "desiredNumberScheduled": wanted,
            "currentNumberScheduled": wanted,
            "updatedNumberScheduled": wanted,
            "numberAvailable": ready,
        },
    }


def pod(name: str, component: str, *, ready: bool = True, **meta: Any) -> dict[str, Any]:
    """A running pod of the mesh."""
    labels = {**RELEASE_LABELS, "component": component}
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels, **meta},
        "spec": {"nodeName": "node-1", "containers": [{"name": component, "image": "a:v1"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [
                {"name": component, "ready": ready, "restartCount": 0, "state": {"running": {}}}
            ],
        },
    }


def container(**given: Any) -> ContainerFact:
    """A container that ended in error once, unless told otherwise."""
    usual = {
        "name": "traefik-mesh-prepare",
        "init": True,
        "image": "docker.io/traefik/mesh:v1.4.8",
        "state": "waiting",
        "reason": "CrashLoopBackOff",
        "message": "",
        "exit_code": 1,
        "restarts": 2,
        "ready": False,
        "log": "",
    }
    return ContainerFact(**{**usual, **given})


def facts(*containers: ContainerFact, **given: Any) -> InstallFacts:
    """The facts of an install whose one pod has these containers, with a sound CoreDNS beside it."""
    one = PodFact(
        name="traefik-mesh-controller-1",
        phase="Pending",
        ready=False,
        unschedulable="",
        containers=containers,
    )
    coredns = WorkloadFact(
        kind="Deployment",
        name="coredns",
        images={"coredns": "registry.k8s.io/coredns/coredns:v1.12.1"},
        observed=True,
        wanted=2,
        updated=2,
        available=2,
        total=2,
    )
    usual: dict[str, Any] = {
        "namespace": "traefik-mesh",
        "release": "traefik-mesh",
        "release_status": "deployed",
        "helm_output": "",
        "pods": (one,) if containers else (),
        "warnings": (),
        "workloads": (),
        "dns": (coredns,),
    }
    return InstallFacts(**{**usual, **given})
