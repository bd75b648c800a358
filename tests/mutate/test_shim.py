"""The shim: put before the controller, told what to serve, taken away whatever happens."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from meshproof.cluster.kube import KubeError
from meshproof.engine.waiting import WaitTimedOutError
from meshproof.mutate.interposer import SERVED
from meshproof.mutate.shim import Shim
from tests.mutate.fake_ground import CONTROLLER, MESH, SERVICE, workload
from tests.mutate.fake_nodes import NODES
from tests.mutate.fake_shim import Followers, ShimKube

OBJECTS = [f"{MESH}/{kind}/meshproof-shim" for kind in ("configmaps", "services", "pods")]
CONFIG_MAP, UPSTREAM, POD = OBJECTS
SELECTOR = {"app": "maesh", "component": "controller", "release": "traefik-mesh"}
ALL_IMPORTED = """
import pathlib, sys
here = pathlib.Path.cwd()
sys.path[:0] = [str(here)]
import interposer
files = [getattr(each, "__file__", None) for each in list(sys.modules.values())]
print(*[pathlib.Path(each).name for each in files if each and pathlib.Path(each).parent == here])
"""


@pytest.fixture
def kube() -> ShimKube:
    service = {
        "metadata": {"name": "traefik-mesh-controller", "resourceVersion": "1"},
        "spec": {"selector": dict(SELECTOR), "ports": [{"name": "api", "port": 9000, "targetPort": "api"}]},
    }
    return ShimKube(objects={CONTROLLER: workload("controller"), SERVICE: service, **NODES})


@pytest.fixture
def mesh() -> Followers:
    return Followers()


@pytest.fixture
def shim(kube: ShimKube, mesh: Followers, waits: list[tuple[str, int]]) -> Shim:
    del waits
    parts: dict[str, Any] = {"kube": kube, "mesh": mesh}
    return Shim(**parts)


def left_behind(kube: ShimKube) -> list[str]:
    return [path for path in OBJECTS if path in kube.objects]


def test_proxies_are_led_to_the_shim_and_back(shim: Shim, kube: ShimKube) -> None:
    before = copy.deepcopy(kube.objects[SERVICE]["spec"])

    with shim.interposed():
        assert kube.selector == kube.objects[POD]["metadata"]["labels"]
        assert kube.objects[SERVICE]["spec"] == before | {"selector": kube.selector}

    assert kube.objects[SERVICE]["spec"] == before
    assert left_behind(kube) == []


def test_service_that_selects_by_other_labels_is_given_them_back(shim: Shim, kube: ShimKube) -> None:
    kube.objects[SERVICE]["spec"]["selector"] = {"part": "controller"}

    with shim.interposed():
        assert kube.selector == {"app": "meshproof-shim"}

    assert kube.selector == {"part": "controller"}


def test_each_step_waits_for_the_one_before(shim: Shim, kube: ShimKube, waits: list[tuple[str, int]]) -> None:
    with shim.interposed():
        kube.done.append("the block")

    assert kube.done == [
        *(f"create {path}" for path in OBJECTS),
        "merge traefik-mesh-controller",
        "delete controller-1-0",
        "order 1",
        "the block",
        "merge traefik-mesh-controller",
        *(f"delete {path}" for path in (POD, UPSTREAM, CONFIG_MAP)),
    ]
    assert [what for what, _ in waits] == [
        "the shim is ready",
        "traefik-mesh-controller has rolled out",
        "the proxies follow the controller",
        "every proxy follows the shim's order 1",
    ]


def test_shim_asks_the_controller_by_a_service_of_its_own(shim: Shim, kube: ShimKube) -> None:
    with shim.interposed():
        upstream, pod = kube.objects[UPSTREAM], kube.objects[POD]

    assert upstream["spec"] == {"selector": SELECTOR, "ports": [{"port": SERVED}]}
    assert upstream["metadata"]["labels"] == {"app": "jaeger"}  # which the controller leaves alone
    assert {"name": "UPSTREAM", "value": f"http://meshproof-shim.traefik-mesh:{SERVED}"} in pod["spec"][
        "containers"
    ][0]["env"]


def test_shim_stands_on_the_node_that_stays_and_knows_the_nodes(shim: Shim, kube: ShimKube) -> None:
    with shim.interposed():
        spec = kube.objects[POD]["spec"]

    assert spec["nodeSelector"] == {"node-role.kubernetes.io/control-plane": ""}
    assert {"name": "NODES", "value": "10.244.0.0/24 10.244.1.0/24"} in spec["containers"][0]["env"]


def test_pod_runs_the_programs_of_the_config_map(shim: Shim, kube: ShimKube) -> None:
    with shim.interposed():
        spec = kube.objects[POD]["spec"]
    container = spec["containers"][0]

    assert spec["volumes"] == [{"name": "program", "configMap": {"name": "meshproof-shim"}}]
    assert container["volumeMounts"] == [{"name": "program", "mountPath": "/opt/shim", "readOnly": True}]
    assert container["command"] == ["python3", "/opt/shim/interposer.py"]
    assert {"name": "api", "containerPort": SERVED} in container["ports"]  # the Service's targetPort


def test_config_map_holds_what_the_shim_imports_and_no_more(
    shim: Shim, kube: ShimKube, tmp_path: Path
) -> None:
    with shim.interposed():
        files = kube.objects[CONFIG_MAP]["data"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALL_IMPORTED],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert {"interposer.py", "front.py", "served.py", "served_parts.py"} <= files.keys()
    assert set(told.stdout.split()) == files.keys()


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_shim_is_taken_away_after_an_error(shim: Shim, kube: ShimKube, error: type[BaseException]) -> None:
    with pytest.raises(error), shim.interposed():
        raise error

    assert (kube.selector, left_behind(kube)) == (SELECTOR, [])


def test_shim_that_never_becomes_ready_is_taken_away(shim: Shim, kube: ShimKube) -> None:
    kube.shim_ready = False

    with pytest.raises(WaitTimedOutError, match="the shim is ready"), shim.interposed():
        pytest.fail("the block ran")

    assert (kube.selector, left_behind(kube)) == (SELECTOR, [])
    assert kube.replaced == []


@pytest.mark.parametrize(
    "stuck",
    [pytest.param("proxies", id="proxies that do not follow"), pytest.param("controller", id="controller")],
)
def test_shim_that_is_not_taken_up_is_taken_away(
    shim: Shim, kube: ShimKube, mesh: Followers, stuck: str
) -> None:
    if stuck == "proxies":
        mesh.late = ("b",)
    else:
        kube.stuck = True

    with pytest.raises(WaitTimedOutError), shim.interposed():
        pytest.fail("the block ran")

    assert (kube.selector, left_behind(kube)) == (SELECTOR, [])


def test_shim_that_is_half_made_is_taken_away(
    shim: Shim, kube: ShimKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = kube.create

    def refused(document: dict[str, Any], *, namespace: str) -> dict[str, Any]:
        if document["kind"] == "Pod":
            raise KubeError(where="pods", status=403, problem="forbidden", evidence="")
        return create(document, namespace=namespace)

    monkeypatch.setattr(kube, "create", refused)

    with pytest.raises(KubeError), shim.interposed():
        pytest.fail("the block ran")

    assert (kube.selector, left_behind(kube)) == (SELECTOR, [])


def test_order_names_mutant_and_namespace(shim: Shim, kube: ShimKube) -> None:
    with shim.interposed():
        assert shim.order("backend-dropped", namespace="mp-run") == 2
        assert shim.order() == 3

    assert kube.orders[1] == {"name": ["backend-dropped"], "namespace": ["mp-run"]}
    assert kube.orders[0] == kube.orders[2] == {}


def test_order_that_the_shim_refuses_is_an_error(
    shim: Shim, kube: ShimKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> str:
        raise KubeError(where="shim", status=400, problem="the API server answered 400", evidence="no such")

    monkeypatch.setattr(kube, "pod_get", refused)

    with pytest.raises(KubeError, match="400"):
        shim.order("no-such")


def test_order_is_followed_once_its_marker_is_in_every_proxy(shim: Shim, mesh: Followers) -> None:
    mesh.order = 7

    shim.follow(7)


@pytest.mark.parametrize(
    ("late", "named"),
    [
        pytest.param(("b",), "not yet: b", id="one"),
        pytest.param(("a", "b"), "not yet: a, b", id="both"),
    ],
)
def test_late_proxies_are_named(shim: Shim, mesh: Followers, late: tuple[str, ...], named: str) -> None:
    mesh.order, mesh.late = 7, late

    with pytest.raises(WaitTimedOutError, match="order 7") as caught:
        shim.follow(7)

    assert caught.value.seen == named


def test_marker_of_a_longer_number_is_another_one(shim: Shim, mesh: Followers) -> None:
    mesh.order = 17

    with pytest.raises(WaitTimedOutError):
        shim.follow(1)


@pytest.mark.parametrize("none", [{}, {"middlewares": None}])
def test_proxy_without_middlewares_does_not_follow(
    shim: Shim, mesh: Followers, monkeypatch: pytest.MonkeyPatch, none: dict[str, Any]
) -> None:
    monkeypatch.setattr(mesh, "proxy_configuration", lambda _: none)

    with pytest.raises(WaitTimedOutError, match="not yet: a, b"):
        shim.follow(1)


def test_mesh_without_proxies_follows_nothing(
    shim: Shim, mesh: Followers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mesh, "proxies", tuple)

    with pytest.raises(WaitTimedOutError):
        shim.follow(1)
