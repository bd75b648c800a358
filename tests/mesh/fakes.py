"""Objects as the API server gives them, and a helm that answers from a table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meshproof.engine.process import CommandFailedError, CommandTimedOutError, Completed
from meshproof.mesh.facts import ContainerFact, InstallFacts, PodFact, WorkloadFact

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
NEVER_ENDS = RuntimeError("never ends")
RELEASE_LABELS = {"app": "maesh", "release": "traefik-mesh"}


@dataclass
class FakeHelm:
    """Answers helm's subcommands by their name: text for success, an exception's stderr for failure.

    A subcommand answered with ``NEVER_ENDS`` is still running at its time limit.
    """

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
        if answer is NEVER_ENDS:
            raise CommandTimedOutError(argv, timeout, "", "creating 12 resource(s)")
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


def config_map(name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap of the API."""
    return thing(name) | {"data": data}


def workload(name: str, *, ready: int = 1, wanted: int = 1, **labels: str) -> dict[str, Any]:
    """A Deployment of the API, rolled out when ``ready`` is ``wanted``."""
    return {
        "metadata": {"name": name, "generation": 2, "labels": labels},
        "spec": {
            "replicas": wanted,
            "template": {"spec": {"containers": [{"name": name, "image": "a:v1"}]}},
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
