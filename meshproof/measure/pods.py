"""The objects of a load experiment: one ConfigMap, one Locust master, N workers, a sampler. Pure builders.

Workers get no CPU request and no limit: a throttled generator would measure its own quota. The programs come
from a ConfigMap, so no image is built to change them. Every pod ends by itself after its deadline, whatever
happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from meshproof.measure.placement import ANYWHERE, Placement, affinity
from meshproof.model.load import Profile

__all__ = [
    "LABEL",
    "MASTER",
    "SAMPLER",
    "SwarmPlan",
    "config_map",
    "master_pod",
    "sampler_pod",
    "worker_name",
    "worker_pod",
]

LABEL: Final = "meshproof.dev/load"  # its value is the experiment's name
MASTER: Final = "master"  # the name of the containers, too: master, worker or sampler
SAMPLER: Final = "sampler"

_ROOT: Final = "/opt/load"  # programs are mounted below it as the package loadtests
_BEGIN_FILE: Final = "/tmp/begin.json"  # noqa: S108 - in a volume of the pod's own
_LOCUST: Final = ("python3", "-m", "locust", "-f", "loadtests/locustfile.py", "--loglevel=WARNING")
_PORT: Final = 5557  # Locust's own default
_UID: Final = 65532


@dataclass(frozen=True, kw_only=True)
class SwarmPlan:
    """What all objects of one experiment share; ``name`` is no other experiment's.

    ``sampling`` is how a sampler beside the master asks the same arms; None: there is none.
    """

    name: str
    image: str
    labels: Mapping[str, str]
    profile: Profile
    targets: Mapping[str, str]  # arm -> base URL
    deadline_s: int
    placement: Placement = ANYWHERE
    sampling: Profile | None = None


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
    containers = [_locust(swarm, MASTER, arguments)]
    if swarm.sampling:
        containers[0]["env"].append({"name": "MESHPROOF_BEGIN_FILE", "value": _BEGIN_FILE})
        containers.append(_sampler(swarm, swarm.sampling, begin_file=_BEGIN_FILE))
    return _pod(swarm, f"{swarm.name}-{MASTER}", containers)


def worker_pod(swarm: SwarmPlan, number: int, *, master_ip: str) -> dict[str, Any]:
    """``master_ip`` instead of a name: one look-up less that can fail, and no Service to remove."""
    arguments = ["--worker", f"--master-host={master_ip}", f"--master-port={_PORT}"]
    return _pod(swarm, worker_name(swarm.name, number), [_locust(swarm, "worker", arguments)])


def worker_name(name: str, number: int) -> str:
    """The pod of worker ``number``, from 0."""
    return f"{name}-worker-{number}"


def sampler_pod(swarm: SwarmPlan) -> dict[str, Any]:
    """Samples by the plan's own profile, with no load beside it."""
    return _pod(swarm, f"{swarm.name}-{SAMPLER}", [_sampler(swarm, swarm.profile, begin_file=None)])


def _sampler(swarm: SwarmPlan, profile: Profile, *, begin_file: str | None) -> dict[str, Any]:
    """Never pinned: fortio is to run where there is room, not behind a worker."""
    config = {
        "arms": dict(swarm.targets),
        "profile": msgspec.to_builtins(profile),
        "begin_file": begin_file,
    }
    command = ["python3", "-m", "loadtests.sampler"]
    return _container(swarm, SAMPLER, command, {"MESHPROOF_SAMPLE": config})


def _locust(swarm: SwarmPlan, role: str, arguments: list[str]) -> dict[str, Any]:
    """Pinned by taskset before Locust starts: every thread of it then has these CPUs only."""
    cpus = ",".join(str(cpu) for cpu in swarm.placement.cpus)
    pinned = ["taskset", "--cpu-list", cpus] if cpus else []
    config = {"arms": dict(swarm.targets), "profile": msgspec.to_builtins(swarm.profile)}
    container = _container(swarm, role, [*pinned, *_LOCUST], {"MESHPROOF_LOAD": config})
    return container | {"args": arguments}


def _pod(swarm: SwarmPlan, name: str, containers: list[dict[str, Any]]) -> dict[str, Any]:
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
            **affinity(swarm.placement),
            "containers": containers,
            "volumes": [
                {"name": "programs", "configMap": {"name": swarm.name}},
                {"name": "scratch", "emptyDir": {}},
            ],
        },
    }


def _container(
    swarm: SwarmPlan, role: str, command: Sequence[str], config: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "name": role,
        "image": swarm.image,
        "imagePullPolicy": "Never",  # it is in the bundle; nothing is fetched behind the user's back
        "command": list(command),
        "workingDir": _ROOT,
        "env": [
            {"name": name, "value": msgspec.json.encode(value).decode()} for name, value in config.items()
        ],
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
