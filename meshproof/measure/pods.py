"""The objects of a load experiment: one ConfigMap, one Locust master, N workers. Pure builders.

Workers get no CPU request and no limit: a throttled generator would measure its own quota. The programs come
from a ConfigMap, so no image is built to change them. Every pod ends by itself after its deadline, whatever
happens.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from meshproof.model.load import Profile

__all__ = ["LABEL", "MASTER", "config_map", "master_pod", "worker_name", "worker_pod"]

LABEL: Final = "meshproof.dev/load"  # its value is the experiment's name
MASTER: Final = "master"  # the name of the containers, too: master or worker

_ROOT: Final = "/opt/load"  # programs are mounted below it as the package loadtests
_PORT: Final = 5557  # Locust's own default
_UID: Final = 65532


def config_map(name: str, labels: Mapping[str, str], programs: Mapping[str, str]) -> dict[str, Any]:
    """``programs``: file name -> text, all of loadtests/*.py."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {**labels, LABEL: name}},
        "data": dict(programs),
    }


def master_pod(
    name: str,
    *,
    image: str,
    labels: Mapping[str, str],
    profile: Profile,
    targets: Mapping[str, str],
    deadline_s: int,
) -> dict[str, Any]:
    """Binds on every address; spawns all users at once; its exit code is 0 unless the experiment failed."""
    users = str(profile.users)
    arguments = [
        "--master",
        "--headless",
        "--only-summary",
        f"--master-bind-port={_PORT}",
        f"--expect-workers={profile.workers}",
        "--expect-workers-max-wait=120",
        f"--users={users}",
        f"--spawn-rate={users}",
        "--exit-code-on-error=0",  # errors of the arms are results, not a reason to fail
    ]
    return _pod(name, f"{name}-{MASTER}", MASTER, arguments, image, labels, profile, targets, deadline_s)


def worker_pod(
    name: str,
    number: int,
    *,
    master_ip: str,
    image: str,
    labels: Mapping[str, str],
    profile: Profile,
    targets: Mapping[str, str],
    deadline_s: int,
) -> dict[str, Any]:
    """``master_ip`` instead of a name: one look-up less that can fail, and no Service to remove."""
    arguments = ["--worker", f"--master-host={master_ip}", f"--master-port={_PORT}"]
    pod_name = worker_name(name, number)
    return _pod(name, pod_name, "worker", arguments, image, labels, profile, targets, deadline_s)


def worker_name(name: str, number: int) -> str:
    """The pod of worker ``number``, from 0."""
    return f"{name}-worker-{number}"


def _pod(  # noqa: PLR0913, PLR0917 - one call each for two kinds of pod that differ in little
    name: str,
    pod_name: str,
    role: str,
    arguments: Sequence[str],
    image: str,
    labels: Mapping[str, str],
    profile: Profile,
    targets: Mapping[str, str],
    deadline_s: int,
) -> dict[str, Any]:
    config = msgspec.json.encode({"arms": dict(targets), "profile": msgspec.to_builtins(profile)}).decode()
    container = {
        "name": role,
        "image": image,
        "imagePullPolicy": "Never",  # it is in the bundle; nothing is fetched behind the user's back
        "command": ["python3", "-m", "locust", "-f", "loadtests/locustfile.py", "--loglevel=WARNING"],
        "args": list(arguments),
        "workingDir": _ROOT,
        "env": [{"name": "MESHPROOF_LOAD", "value": config}],
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
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod_name, "labels": {**labels, "app": "load", LABEL: name}},
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": deadline_s,
            "terminationGracePeriodSeconds": 2,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [container],
            "volumes": [
                {"name": "programs", "configMap": {"name": name}},
                {"name": "scratch", "emptyDir": {}},
            ],
        },
    }
