"""The way to a pod: shadow services with another setting, nodes kept apart; and as it was."""

from typing import Any

import pytest

from meshproof.cluster.faults import FaultError
from meshproof.cluster.kube import KubeError
from meshproof.engine.waiting import WaitTimedOutError
from meshproof.mutate.edits import NothingChangedError
from meshproof.mutate.mutant import Ground
from meshproof.mutate.network import MUTANTS, BetweenNodes
from tests.mutate.fake_ground import MESH, SERVICE, FakeKube, FakeMesh, FakeShim, ground
from tests.mutate.fake_nodes import NODES, FakeFaults

NAMED = {each.name: each for each in MUTANTS}
SHADOWS = [f"{MESH}/services/traefik-mesh-{each}-6d61657368-mp-run" for each in ("server", "spread")]
SETTINGS = {
    "shadow-service-local-only": ("internalTrafficPolicy", "Local", "Cluster"),
    "shadow-service-publishes-not-ready": ("publishNotReadyAddresses", True, False),
}


def a_service(**labels: str) -> dict[str, Any]:
    spec = {"internalTrafficPolicy": "Cluster", "ports": [{"port": 80}]}
    return {"metadata": {"name": "s", "labels": labels, "resourceVersion": "1"}, "spec": spec}


@pytest.fixture
def kube() -> FakeKube:
    shadows = {path: a_service(app="maesh", type="shadow") for path in SHADOWS}
    for path, each in shadows.items():
        each["metadata"]["name"] = path.rpartition("/")[2]
    return FakeKube(objects={**NODES, SERVICE: a_service(app="maesh"), **shadows})


def settings(kube: FakeKube, name: str) -> list[Any]:
    return [kube.objects[path]["spec"].get(name) for path in SHADOWS]


@pytest.mark.parametrize("name", SETTINGS)
def test_every_shadow_service_has_the_setting_and_then_its_own(
    ready: Ground, kube: FakeKube, name: str
) -> None:
    setting, value, usual = SETTINGS[name]

    with NAMED[name].change.applied(ready):
        assert settings(kube, setting) == [value, value]
        assert kube.objects[SERVICE] == a_service(app="maesh")

    assert settings(kube, setting) == [usual, usual]
    assert {kube.objects[path]["spec"]["ports"][0]["port"] for path in SHADOWS} == {80}


def test_kube_proxies_are_given_time_to_learn_of_it(ready: Ground, waits: list[tuple[str, int]]) -> None:
    with NAMED["shadow-service-local-only"].change.applied(ready):
        pass

    assert waits == [
        ("every shadow service has internalTrafficPolicy=Local", 15),
        ("every shadow service has internalTrafficPolicy=Cluster", 15),
    ]


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_setting_is_taken_back_after_an_error(
    ready: Ground, kube: FakeKube, error: type[BaseException]
) -> None:
    with pytest.raises(error), NAMED["shadow-service-local-only"].change.applied(ready):
        raise error

    assert settings(kube, "internalTrafficPolicy") == ["Cluster", "Cluster"]


def test_setting_that_somebody_undoes_is_no_mutant(
    ready: Ground, kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube, "merge", lambda *_: None)

    with (
        pytest.raises(WaitTimedOutError, match="internalTrafficPolicy=Local"),
        NAMED["shadow-service-local-only"].change.applied(ready),
    ):
        pytest.fail("the block ran")


@pytest.mark.parametrize("status", [404, 403])
def test_shadow_service_that_goes_meanwhile_is_left_out(
    ready: Ground, kube: FakeKube, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    plain = kube.merge

    def merge(path: str, body: dict[str, Any]) -> None:
        if path == SHADOWS[0]:
            kube.objects.pop(path, None)
            raise KubeError(where=path, status=status, problem="no", evidence="")
        plain(path, body)

    monkeypatch.setattr(kube, "merge", merge)
    change = NAMED["shadow-service-local-only"].change

    if status == 404:
        with change.applied(ready):
            assert kube.objects[SHADOWS[1]]["spec"]["internalTrafficPolicy"] == "Local"
    else:
        with pytest.raises(KubeError), change.applied(ready):
            pytest.fail("the block ran")


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("route-between-nodes-missing", "a-worker does not reach 10.244.0.0/24"),
        ("pods-masqueraded", "plane hides 10.244.0.0/24 from 10.244.1.0/24"),
    ],
)
def test_nodes_are_kept_apart_and_proxies_follow_after_that(kube: FakeKube, name: str, done: str) -> None:
    shim, faults = FakeShim(), FakeFaults()

    with NAMED[name].change.applied(ground(kube, FakeMesh(), shim, faults=faults)):
        assert (faults.done, shim.orders) == ([done], [])

    assert (faults.done, shim.orders) == ([done, "taken back"], [""])


def test_fault_that_does_not_take_hold_is_taken_back(kube: FakeKube) -> None:
    shim, faults = FakeShim(), FakeFaults(fails=True)

    with (
        pytest.raises(FaultError),
        NAMED["pods-masqueraded"].change.applied(ground(kube, FakeMesh(), shim, faults=faults)),
    ):
        pytest.fail("the block ran")

    assert (faults.done[1:], shim.orders) == (["taken back"], [""])


def test_one_node_cannot_be_kept_apart(kube: FakeKube) -> None:
    faults = FakeFaults()
    del kube.objects["/api/v1/nodes/a-worker"]
    change = NAMED["pods-masqueraded"].change
    assert isinstance(change, BetweenNodes)

    with pytest.raises(NothingChangedError), change.applied(ground(kube, FakeMesh(), faults=faults)):
        pytest.fail("the block ran")

    assert faults.done == []
