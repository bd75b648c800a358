"""The objects of a load experiment: one ConfigMap, one Locust master, N workers. Pure builders.

Workers get no CPU request and no limit: a throttled generator would measure its own quota. The programs come
from a ConfigMap, so no image is built to change them. Every pod ends by itself after its deadline, whatever
happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from meshproof.model.load import Profile

__all__ = ["LABEL", "MASTER", "SwarmPlan", "config_map", "master_pod", "worker_name", "worker_pod"]

LABEL: Final = "meshproof.dev/load"  # its value is the experiment's name
MASTER: Final = "master"  # the name of the containers, too: master or worker

_ROOT: Final = "/opt/load"  # programs are mounted below it as the package loadtests
_PORT: Final = 5557  # Locust's own default
_UID: Final = 65532


@dataclass(frozen=True, kw_only=True)
class SwarmPlan:
    """What all objects of one experiment share; ``name`` is no other experiment's."""

    name: str
    image: str
    labels: Mapping[str, str]
    profile: Profile
    targets: Mapping[str, str]  # arm -> base URL
    deadline_s: int


def config_map(swarm: SwarmPlan, programs: Mapping[str, str]) -> dict[str, Any]:
    """``programs``: file name -> text, all of loadtests/*.py."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": swarm.name, "labels": {**swarm.labels, LABEL: swarm.name}},
        "data": dict(programs),
    }


def master_pod(swarm: SwarmPlan) -> dict[str, Any]:
    """Binds on every address; spawns all users at once; its exit code is 0 unless the experiment failed."""
    arguments = [
        "--master",
        "--headless",
        "--only-summary",
        f"--master-bind-port={_PORT}",
        f"--expect-workers={swarm.profile.workers}",
        "--expect-workers-max-wait=120",
        f"--users={swarm.profile.users}",
        f"--spawn-rate={swarm.profile.users}",
        "--exit-code-on-error=0",  # errors of the arms are results, not a reason to fail
    ]
    return _pod(swarm, f"{swarm.name}-{MASTER}", MASTER, arguments)


def worker_pod(swarm: SwarmPlan, number: int, *, master_ip: str) -> dict[str, Any]:
    """``master_ip`` instead of a name: one look-up less that can fail, and no Service to remove."""
    arguments = ["--worker", f"--master-host={master_ip}", f"--master-port={_PORT}"]
    return _pod(swarm, worker_name(swarm.name, number), "worker", arguments)


def worker_name(name: str, number: int) -> str:
    """The pod of worker ``number``, from 0."""
    return f"{name}-worker-{number}"


def _pod(swarm: SwarmPlan, name: str, role: str, arguments: list[str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {**swarm.labels, "app": "load", LABEL: swarm.name}},
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": swarm.deadline_s,
            "terminationGracePeriodSeconds": 2,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [_container(swarm, role, arguments)],
            "volumes": [
                {"name": "programs", "configMap": {"name": swarm.name}},
                {"name": "scratch", "emptyDir": {}},
            ],
        },
    }


def _container(swarm: SwarmPlan, role: str, arguments: list[str]) -> dict[str, Any]:
    config = {"arms": dict(swarm.targets), "profile": msgspec.to_builtins(swarm.profile)}
    return {
        "name": role,
        "image": swarm.image,
        "imagePullPolicy": "Never",  # it is in the bundle; nothing is fetched behind the user's back
        "command": ["python3", "-m", "locust", "-f", "loadtests/locustfile.py", "--loglevel=WARNING"],
        "args": arguments,
        "workingDir": _ROOT,
        "env": [{"name": "MESHPROOF_LOAD", "value": msgspec.json.encode(config).decode()}],
        "volumeMounts": [
            {"name": "programs", "mountPath": f"{_ROOT}/loadtests", "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": _UID,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
