"""Arguments of the mesh's programs: changed, in force, put back."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from meshproof.engine.waiting import WaitTimedOutError
from meshproof.mesh.adapter import ProxyPod
from meshproof.model.errors import HarnessError
from meshproof.mutate.edits import NothingChangedError
from meshproof.mutate.flags import MUTANTS, ControllerFlags, ProxyFlags, with_arguments
from meshproof.mutate.mutant import Ground
from meshproof.mutate.rollouts import renew_controller, settle
from tests.mutate.fake_ground import CONTROLLER, NAMESPACE, PROXIES, FakeKube, FakeMesh, workload

PROXY_ARGS = (
    "--entryPoints.http-5000.address=:5000",
    "--entryPoints.http-5002.address=:5002",
    "--providers.http.pollInterval=1s",
    "--api.dashboard=false",
    "--log.level=INFO",
    "--tracing.serviceName=traefik-mesh",
    "--tracing.jaeger=true",
    "--tracing.jaeger.localAgentHostPort=jaeger-agent.traefik-mesh.svc:6831",
    "--tracing.jaeger.samplingParam=1",
    "--metrics.prometheus=true",
    "--metrics.prometheus.addEntryPointsLabels=true",
    "--metrics.prometheus.addServicesLabels=true",
    "--metrics.prometheus.buckets=0.1,5",
)
CONTROLLER_ARGS = (
    "--logLevel=error",
    "--defaultMode=tcp",
    "--acl",
    "--limitHTTPPort=3",
    "--ignoreNamespaces=mp-ignored",
)
CHANGE = ProxyFlags(drop=("--tracing.",), add=("--api.debug=true",))


@pytest.fixture(autouse=True)
def installed(kube: FakeKube) -> dict[str, dict[str, Any]]:
    """The objects before any mutant."""
    kube.objects |= {
        PROXIES: workload("proxy", *PROXY_ARGS),
        CONTROLLER: workload("controller", *CONTROLLER_ARGS),
    }
    kube.listed["/api/v1/namespaces/traefik-mesh/pods?app=jaeger"] = [{"status": {"podIP": "10.0.0.7"}}]
    return copy.deepcopy(kube.objects)


def specs(kube: FakeKube) -> list[Any]:
    return [kube.objects[each]["spec"] for each in (PROXIES, CONTROLLER)]


@pytest.mark.parametrize(
    ("drop", "add", "expected"),
    [
        pytest.param(["-b"], [], ["-a=1", "-c"], id="dropped by its beginning"),
        pytest.param([], ["-d"], ["-a=1", "-b=2", "-c", "-d"], id="added at the end"),
        pytest.param(["-a="], ["-a=3"], ["-b=2", "-c", "-a=3"], id="another value"),
        pytest.param(["-a="], ["-a=1"], ["-a=1", "-b=2", "-c"], id="the value that it has"),
    ],
)
def test_arguments(drop: list[str], add: list[str], expected: list[str]) -> None:
    assert with_arguments(["-a=1", "-b=2", "-c"], drop=drop, add=add) == expected


def test_proxies_run_with_other_arguments_and_then_with_their_own(
    ready: Ground, kube: FakeKube, installed: dict[str, dict[str, Any]]
) -> None:
    with CHANGE.applied(ready):
        assert not [each for each in kube.args(PROXIES) if "tracing" in each]
        assert "--api.debug=true" in kube.args(PROXIES)

    assert specs(kube) == [installed[PROXIES]["spec"], installed[CONTROLLER]["spec"]]
    assert kube.objects[PROXIES]["metadata"]["labels"] == {"a": "b"}


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_arguments_are_put_back_after_an_error(
    ready: Ground, kube: FakeKube, error: type[BaseException]
) -> None:
    with pytest.raises(error), CHANGE.applied(ready):
        raise error

    assert kube.args(PROXIES) == list(PROXY_ARGS)


def test_arguments_that_do_not_take_hold_are_put_back(ready: Ground, kube: FakeKube) -> None:
    kube.stuck = True

    with pytest.raises(WaitTimedOutError, match="rolled out"), CHANGE.applied(ready):
        pytest.fail("the block ran")

    assert kube.args(PROXIES) == list(PROXY_ARGS)


def test_change_that_changes_nothing_is_refused(ready: Ground, kube: FakeKube) -> None:
    same = ProxyFlags(drop=("--log.level=",), add=("--log.level=INFO",))

    with pytest.raises(NothingChangedError), same.applied(ready):
        pytest.fail("the block ran")

    assert kube.done == []


def test_write_that_meets_another_one_is_tried_again(ready: Ground, kube: FakeKube) -> None:
    kube.conflicts = 2

    with CHANGE.applied(ready):
        assert "--api.debug=true" in kube.args(PROXIES)


ROUTERS: dict[str, Any] = {"readiness@http": {}, f"{NAMESPACE}-server-80@http": {}}


@pytest.mark.parametrize(
    "routers",
    [
        pytest.param({"readiness@http": {}}, id="fewer"),
        pytest.param({"readiness@http": {}, "mp-before-server-80@http": {}}, id="as many, but others"),
        pytest.param({**ROUTERS, "mp-before-server-80@http": {}}, id="more"),
        pytest.param({}, id="none"),
    ],
)
def test_proxy_with_other_routers_than_the_controller_wants_has_not_taken_it_up(
    ready: Ground, mesh: FakeMesh, kube: FakeKube, monkeypatch: pytest.MonkeyPatch, routers: dict[str, Any]
) -> None:
    def told(proxy: ProxyPod) -> dict[str, Any]:
        return {"routers": routers if proxy.name == "b" else ROUTERS}

    monkeypatch.setattr(mesh, "proxy_configuration", told)

    with pytest.raises(WaitTimedOutError, match=r"with other routers: b$"), CHANGE.applied(ready):
        pytest.fail("the block ran")

    assert kube.args(PROXIES) == list(PROXY_ARGS)


def test_routers_that_traefik_makes_itself_do_not_count(
    ready: Ground, mesh: FakeMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mesh, "proxy_configuration", lambda _: {"routers": {**ROUTERS, "api@internal": {}}})

    with CHANGE.applied(ready):
        pass


def test_proxy_that_is_not_ready_has_not_taken_it_up(
    ready: Ground, mesh: FakeMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = [replace(each, ready=each.name == "b") for each in mesh.proxies()]
    monkeypatch.setattr(mesh, "proxies", lambda: tuple(proxies))

    with pytest.raises(WaitTimedOutError, match=r"with other routers: a$"), CHANGE.applied(ready):
        pytest.fail("the block ran")


def test_mesh_without_a_proxy_has_not_taken_it_up(
    ready: Ground, mesh: FakeMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mesh, "proxies", tuple)

    with pytest.raises(WaitTimedOutError, match="follow the controller"), CHANGE.applied(ready):
        pytest.fail("the block ran")


def test_controller_that_does_not_answer_is_waited_for(
    ready: Ground, mesh: FakeMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> dict[str, Any]:
        raise HarnessError(where="controller", problem="no answer", remedy="wait")

    monkeypatch.setattr(mesh, "configuration", silent)

    with pytest.raises(WaitTimedOutError, match="controller: no answer"), CHANGE.applied(ready):
        pytest.fail("the block ran")


def test_controller_is_followed_by_its_proxies(
    ready: Ground, mesh: FakeMesh, kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mesh, "readiness", lambda: False)

    with (
        pytest.raises(WaitTimedOutError, match="follow the controller"),
        ControllerFlags(drop=("--acl",)).applied(ready),
    ):
        pytest.fail("the block ran")

    assert kube.args(CONTROLLER) == list(CONTROLLER_ARGS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_applied_and_put_back(ready: Ground, kube: FakeKube, mutant: Any) -> None:
    with mutant.change.applied(ready):
        changed = kube.args(PROXIES) + kube.args(CONTROLLER)

    assert changed != [*PROXY_ARGS, *CONTROLLER_ARGS]
    assert kube.args(PROXIES) + kube.args(CONTROLLER) == [*PROXY_ARGS, *CONTROLLER_ARGS]


def test_collector_is_known_by_its_present_address(ready: Ground, kube: FakeKube) -> None:
    change = next(each.change for each in MUTANTS if each.name == "collector-looked-up-once")

    with change.applied(ready):
        assert "--tracing.jaeger.localAgentHostPort=10.0.0.7:6831" in kube.args(PROXIES)


def test_new_controller_must_keep_its_routers_for_longer_than_new_proxies_theirs(
    ready: Ground, waits: list[tuple[str, int]]
) -> None:
    looks = {}
    for change in (CHANGE, ControllerFlags(drop=("--acl",))):
        waits.clear()
        with change.applied(ready):
            looks[type(change)] = [number for what, number in waits if "follow the controller" in what]

    assert [min(looks[ProxyFlags]) > 1, min(looks[ControllerFlags]) > max(looks[ProxyFlags])] == [True, True]


def test_controller_is_renewed_once_the_proxies_have_their_arguments_back(
    ready: Ground, kube: FakeKube
) -> None:
    with CHANGE.applied(ready):
        assert kube.done == ["put traefik-mesh-proxy"]

    assert kube.done == ["put traefik-mesh-proxy", "put traefik-mesh-proxy", "delete controller-1-0"]


def test_controller_is_renewed_after_an_error(ready: Ground, kube: FakeKube) -> None:
    with pytest.raises(AssertionError), CHANGE.applied(ready):
        raise AssertionError

    assert kube.replaced == ["controller"]


def test_controller_with_its_arguments_back_is_a_new_one_already(ready: Ground, kube: FakeKube) -> None:
    with ControllerFlags(drop=("--acl",)).applied(ready):
        pass

    assert kube.replaced == []


def test_controller_without_a_successor_is_missed(ready: Ground, kube: FakeKube) -> None:
    kube.stuck = True

    with pytest.raises(WaitTimedOutError, match=r"traefik-mesh-controller has rolled out[\s\S]*pods none"):
        renew_controller(ready.kube, ready.mesh)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"deletionTimestamp": "2026-01-01T00:00:00Z"}, id="on its way out"),
        pytest.param({"ready": "False"}, id="not ready"),
    ],
)
def test_workload_with_such_a_pod_has_not_rolled_out(
    ready: Ground, kube: FakeKube, monkeypatch: pytest.MonkeyPatch, state: dict[str, str]
) -> None:
    conditions = [{"type": "Ready", "status": state.pop("ready", "True")}]
    pod = {"metadata": {"name": "proxy-9", **state}, "status": {"conditions": conditions}}
    monkeypatch.setattr(kube, "items", lambda *_, **__: [pod])

    with pytest.raises(WaitTimedOutError, match=r"traefik-mesh-proxy has rolled out[\s\S]*pods proxy-9"):
        settle(ready.kube, ready.mesh, PROXIES)


def test_workload_with_a_pod_too_many_has_not_rolled_out(
    ready: Ground, kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods = [*kube.items("/api/v1/namespaces/traefik-mesh/pods", labelSelector="component=proxy")] * 2
    monkeypatch.setattr(kube, "items", lambda *_, **__: pods)

    with pytest.raises(WaitTimedOutError, match="rolled out"):
        settle(ready.kube, ready.mesh, PROXIES)
