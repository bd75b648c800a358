"""What the controller and the proxies say about themselves."""

from typing import Any

import pytest

from meshproof.cluster.kube import KubeError
from meshproof.mesh.adapter import ProxyPod
from meshproof.mesh.control_api import ControlApi, has_configuration
from meshproof.model.errors import HarnessError
from tests.mesh.fake_kube import PODS


@pytest.fixture
def kube(build: Any) -> Any:
    made = build.kube()
    made.objects[PODS] = [
        build.pod("controller-old", "controller", creationTimestamp="2026-01-01T00:00:00Z"),
        build.pod("controller-new", "controller", creationTimestamp="2026-01-02T00:00:00Z"),
        build.pod("proxy-b", "maesh-mesh"),
        build.pod("proxy-a", "maesh-mesh", ready=False),
        build.pod("proxy-going", "maesh-mesh", deletionTimestamp="2026-01-02T00:00:00Z"),
    ]
    return made


@pytest.fixture
def control(kube: Any) -> ControlApi:
    return ControlApi(kube=kube.as_kube, namespace="traefik-mesh")


def test_proxies_are_the_live_ones_by_name(control: ControlApi) -> None:
    assert control.proxies() == (
        ProxyPod(name="proxy-a", uid="uid-proxy-a", ip="10.0.0.7", node="node-1", ready=False),
        ProxyPod(name="proxy-b", uid="uid-proxy-b", ip="10.0.0.7", node="node-1", ready=True),
    )


def test_a_proxy_without_a_node_has_empty_fields(kube: Any, control: ControlApi) -> None:
    kube.objects[PODS] = [
        {"metadata": {"name": "p", "uid": "u", "labels": {"component": "maesh-mesh"}}, "status": {}}
    ]

    assert control.proxies() == (ProxyPod(name="p", uid="u", ip="", node="", ready=False),)


def test_a_pod_that_has_failed_is_no_proxy(build: Any, kube: Any, control: ControlApi) -> None:
    evicted = build.pod("p", "maesh-mesh")
    evicted["status"]["phase"] = "Failed"
    kube.objects[PODS] = [evicted]

    assert control.proxies() == ()


def test_the_newest_controller_is_asked(kube: Any, control: ControlApi) -> None:
    kube.answers = {
        "controller-new:9000/api/configuration/current": '{"http": {"routers": {}}}',
        "controller-new:9000/api/status/nodes": '[{"Name": "proxy-a"}]',
        "controller-new:9000/api/status/node/proxy-a/configuration": '{"routers": {}}',
    }

    assert control.configuration() == {"http": {"routers": {}}}
    assert control.status_nodes() == [{"Name": "proxy-a"}]
    assert control.node_configuration("proxy-a") == {"routers": {}}


def test_proxies_are_asked_themselves(kube: Any, control: ControlApi) -> None:
    kube.answers = {
        "proxy-a:8080/api/rawdata": '{"routers": {"readiness@http": {}}}',
        "proxy-a:8080/metrics": "# HELP x\n",
    }
    proxy = control.proxies()[0]

    assert has_configuration(control.proxy_configuration(proxy))
    assert control.proxy_metrics(proxy) == "# HELP x\n"


@pytest.mark.parametrize("rawdata", [{}, {"routers": None}, {"routers": {"ping@internal": {}}}])
def test_a_proxy_that_has_not_polled_yet_has_no_configuration(rawdata: dict[str, Any]) -> None:
    assert not has_configuration(rawdata)


@pytest.mark.parametrize(
    ("answer", "ready"), [("true\n", True), ("false", False), (500, False), (503, False), (0, False)]
)
def test_readiness_is_what_the_controller_says(
    kube: Any, control: ControlApi, answer: str | int, *, ready: bool
) -> None:
    kube.answers["controller-new:9000/api/status/readiness"] = answer

    assert control.readiness() is ready


def test_readiness_does_not_hide_a_missing_right(kube: Any, control: ControlApi) -> None:
    kube.answers["controller-new:9000/api/status/readiness"] = 403

    with pytest.raises(KubeError):
        control.readiness()


def test_without_a_controller_nothing_is_ready_and_asking_is_an_error(kube: Any, control: ControlApi) -> None:
    kube.objects[PODS] = []

    assert not control.readiness()
    with pytest.raises(HarnessError, match="no controller pod"):
        control.configuration()


@pytest.mark.parametrize(("text", "words"), [("<html>", "not JSON"), ("[]", "not a JSON object")])
def test_an_answer_of_another_kind_is_shown(kube: Any, control: ControlApi, text: str, words: str) -> None:
    kube.answers["controller-new:9000/api/configuration/current"] = text

    with pytest.raises(HarnessError, match=words) as caught:
        control.configuration()

    assert caught.value.evidence == text


def test_nodes_must_be_a_list(kube: Any, control: ControlApi) -> None:
    kube.answers["controller-new:9000/api/status/nodes"] = "{}"

    with pytest.raises(HarnessError, match="JSON array"):
        control.status_nodes()
