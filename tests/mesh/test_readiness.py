"""Waiting until the mesh works, and giving up when it cannot."""

from typing import Any

import pytest

from meshproof.mesh import readiness
from meshproof.mesh.adapter import MeshInstallError
from meshproof.mesh.control_api import ControlApi
from meshproof.mesh.evidence import Evidence
from meshproof.mesh.readiness import Readiness, missing_workloads
from tests.mesh.fake_kube import DAEMON_SETS, DEPLOYMENTS, DNS_CONFIG_MAPS, DNS_DEPLOYMENTS, NAMESPACE, PODS

EXPECTED = ["Deployment traefik-mesh-controller", "DaemonSet traefik-mesh-proxy"]


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_LOOK_EVERY_S", 0.001)


@pytest.fixture
def kube(build: Any) -> Any:
    """A cluster with a mesh that works."""
    made = build.kube()
    made.objects = {
        DEPLOYMENTS: [build.workload("traefik-mesh-controller")],
        DAEMON_SETS: [build.daemon_set("traefik-mesh-proxy")],
        DNS_DEPLOYMENTS: [build.workload("coredns"), build.workload("metrics-server", ready=0)],
        PODS: [build.pod("c", "controller"), build.pod("p", "maesh-mesh")],
    }
    made.answers = {
        "c:9000/api/status/readiness": "true",
        "p:8080/api/rawdata": '{"routers": {"readiness@http": {}}}',
    }
    return made


def _evidence(kube: Any) -> Evidence:
    return Evidence(kube=kube.as_kube, namespace=NAMESPACE, release=NAMESPACE)


def _wait(kube: Any, *, within: float = 0.02) -> None:
    Readiness(
        where="traefik-mesh",
        evidence=_evidence(kube),
        control=ControlApi(kube=kube.as_kube, namespace=NAMESPACE),
        expected=EXPECTED,
    ).wait(within=within, release_status=lambda: "deployed")


def test_a_mesh_that_works_is_ready(kube: Any) -> None:
    _wait(kube)


def test_a_rollout_that_lags_is_told(build: Any, kube: Any) -> None:
    kube.objects[DAEMON_SETS] = [build.daemon_set("traefik-mesh-proxy", ready=1)]

    with pytest.raises(MeshInstallError, match="last seen: DaemonSet traefik-mesh-proxy: 1 of 2 available"):
        _wait(kube)


def test_a_workload_that_was_never_made_is_told(kube: Any) -> None:
    kube.objects[DAEMON_SETS] = []

    with pytest.raises(MeshInstallError, match="DaemonSet traefik-mesh-proxy: not there"):
        _wait(kube)


def test_dns_must_be_back(build: Any, kube: Any) -> None:
    kube.objects[DNS_DEPLOYMENTS] = [build.workload("coredns", ready=0)]

    with pytest.raises(MeshInstallError) as caught:
        _wait(kube)

    assert caught.value.diagnosis.code == "dns-not-ready"


def test_the_controller_must_say_that_it_is_ready(kube: Any) -> None:
    kube.answers["c:9000/api/status/readiness"] = 500

    with pytest.raises(MeshInstallError, match="status/readiness"):
        _wait(kube)


@pytest.mark.parametrize("answer", ["{}", 503], ids=["not-polled", "not-reached"])
def test_every_proxy_must_have_a_configuration(kube: Any, answer: str | int) -> None:
    kube.answers["p:8080/api/rawdata"] = answer

    with pytest.raises(MeshInstallError, match="without a configuration: p"):
        _wait(kube)


def test_a_hopeless_install_is_given_up_at_once(build: Any, kube: Any) -> None:
    """The seed's failure: prepare fails for want of a DNS; no reason to wait for the time limit."""
    controller = build.pod("c", "controller", ready=False)
    controller["spec"]["initContainers"] = [{"name": "prepare", "image": "mesh:v1"}]
    controller["status"]["initContainerStatuses"] = [
        {"name": "prepare", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    ]
    kube.objects[PODS] = [controller]
    kube.objects[DEPLOYMENTS] = [build.workload("traefik-mesh-controller", ready=0)]
    kube.objects[DNS_DEPLOYMENTS] = []
    kube.logs["prepare"] = "no supported DNS service available for installing traefik mesh"

    with pytest.raises(MeshInstallError, match="neither a deployment coredns nor one kube-dns") as caught:
        _wait(kube, within=60.0)

    assert caught.value.diagnosis.code == "dns-missing"
    assert caught.value.code == "MESH-INSTALL"


def test_a_log_that_cannot_be_read_leaves_the_state_to_tell(build: Any, kube: Any) -> None:
    proxy = build.pod("p", "maesh-mesh", ready=False)
    proxy["status"]["containerStatuses"][0] |= {
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}
    }
    kube.objects[PODS] = [proxy]
    kube.objects[DAEMON_SETS] = [build.daemon_set("traefik-mesh-proxy", ready=0)]

    with pytest.raises(MeshInstallError, match="not in the node"):
        _wait(kube, within=60.0)


def test_missing_workloads_lists_in_order() -> None:
    assert missing_workloads((), EXPECTED) == [f"{name}: not there" for name in sorted(EXPECTED)]


@pytest.mark.parametrize(
    ("config_map", "corefile"),
    [("coredns", ".:53 {\n}\n"), ("rke2-coredns-rke2-coredns", "r")],
)
def test_the_corefile_is_read_to_the_letter(build: Any, config_map: str, corefile: str) -> None:
    kube = build.kube({DNS_CONFIG_MAPS: [build.config_map(config_map, Corefile=corefile)]})

    assert _evidence(kube).corefile() == corefile


def test_a_dns_without_a_configuration_of_ours_has_no_corefile(build: Any) -> None:
    assert _evidence(build.kube()).corefile() is None
