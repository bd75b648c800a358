"""Templates by which pods start, become ready and stop in another way."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from meshproof.cluster.nodes import CONTROL_PLANE
from meshproof.mutate.lifecycle import MUTANTS
from meshproof.mutate.mutant import Ground, Mutant
from tests.mutate.fake_ground import CONTROLLER, PROXIES, FakeKube, workload

NAMED = {each.name: each for each in MUTANTS}
GRACE = "--entryPoints.http-5000.transport.lifeCycle.requestAcceptGraceTimeout=5s"
Spec = dict[str, Any]


@pytest.fixture
def kube() -> FakeKube:
    """What the chart installed."""
    proxies, controller = workload("proxy", "--ping=true", GRACE), workload("controller")
    pod = proxies["spec"]["template"]["spec"]
    pod["containers"][0]["readinessProbe"] = {"httpGet": {"path": "/ping", "port": "readiness"}}
    pod["terminationGracePeriodSeconds"] = 30
    proxies["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
    controller["spec"]["template"]["spec"]["initContainers"] = [{"name": "prepare"}]
    return FakeKube(objects={PROXIES: proxies, CONTROLLER: controller})


def pod(spec: Spec) -> Spec:
    found: Spec = spec["template"]["spec"]
    return found


def container(spec: Spec) -> Spec:
    found: Spec = pod(spec)["containers"][0]
    return found


EFFECTS: dict[str, Callable[[Spec], bool]] = {
    "no-accept-grace": lambda spec: container(spec)["args"] == ["--ping=true"],
    "proxy-killed-not-stopped": lambda spec: pod(spec)["terminationGracePeriodSeconds"] == 1,
    "proxy-ready-too-early": lambda spec: "readinessProbe" not in container(spec),
    "all-proxies-at-once": lambda spec: (
        spec["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": "100%", "maxSurge": 0}
    ),
    "one-proxy-of-two": lambda spec: pod(spec)["nodeSelector"] == {CONTROL_PLANE: ""},
    "prepare-skipped": lambda spec: "initContainers" not in pod(spec),
}


def test_every_mutant_is_looked_at() -> None:
    assert EFFECTS.keys() == NAMED.keys()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_template_is_changed_and_put_back(ready: Ground, kube: FakeKube, mutant: Mutant) -> None:
    path = CONTROLLER if mutant.name == "prepare-skipped" else PROXIES
    before = {each: copy.deepcopy(found["spec"]) for each, found in kube.objects.items()}

    with mutant.change.applied(ready):
        during = {each: copy.deepcopy(found["spec"]) for each, found in kube.objects.items()}

    assert EFFECTS[mutant.name](during[path])
    assert {each for each in before if during[each] != before[each]} == {path}
    assert {each: found["spec"] for each, found in kube.objects.items()} == before
