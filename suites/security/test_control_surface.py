"""What any pod of the cluster can do with the mesh's own ports, without a credential."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pytest

from fixtures.catalogue import requirement
from fixtures.verdicts import Facts
from meshproof.cluster.kube import KubeApi
from meshproof.judge.configuration import routers
from meshproof.mesh.control_api import CONTROLLER
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Exchange, Request
from meshproof.probe.client import Probe

PROXY_PORT: Final = 8080
READINESS_PORT: Final = 1081
CONTROLLER_PORT: Final = 9000
WAIT_S: Final = 3.0  # an answer takes some milliseconds; a firewall that drops shows as no answer

PLANTED: Final = msgspec.json.encode(
    {
        "http": {
            "routers": {"planted": {"rule": "PathPrefix(`/`)", "service": "planted", "priority": 100_000}},
            "services": {"planted": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:1"}]}}},
        }
    }
)
WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
PROXYS_PATHS: Final = (
    "/api/rawdata",
    "/api/providers/rest",
    "/api/providers/http",
    "/api/http/routers/planted",
    "/api/entrypoints",
)
CONTROLLERS_PATHS: Final = ("/api/configuration/current", "/api/topology/current", "/api/status/readiness")
WHOLE: Final = (
    "/api/rawdata",
    "/api/http/routers",
    "/api/http/services",
    "/api/entrypoints",
    "/api/overview",
)
DEBUGGING: Final = (
    "/dashboard/",
    "/debug/vars",
    "/debug/pprof/",
    "/debug/pprof/profile?seconds=1",
    "/debug/pprof/heap",
)


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The mesh's own addresses, as the client pod can reach them."""

    probe: Probe
    proxies: list[str]
    controller: str

    def ask(self, urls: list[str], *, method: str = "GET", body: bytes = b"") -> list[Exchange]:
        """What each URL answers."""
        headers = [("Content-Type", "application/json")] if body else []
        return self.probe.send(
            [
                Request(id=str(number), url=url, method=method, headers=headers, body=body, timeout_s=WAIT_S)
                for number, url in enumerate(urls)
            ]
        )

    def proxys(self, *paths: str, port: int = PROXY_PORT) -> list[str]:
        """These paths at every proxy."""
        return [f"http://{ip}:{port}{path}" for ip in self.proxies for path in paths]

    def controllers(self, *paths: str) -> list[str]:
        """These paths at the controller."""
        return [f"http://{self.controller}:{CONTROLLER_PORT}{path}" for path in paths]


@pytest.fixture
def controller_pod(mesh: TraefikMesh, kube: KubeApi) -> dict[str, Any]:
    """The controller's pod, as the API has it."""
    pods = kube.items(f"/api/v1/namespaces/{mesh.settings.namespace}/pods", labelSelector=CONTROLLER)
    return next(each for each in pods if "deletionTimestamp" not in each["metadata"])


@pytest.fixture
def surface(probe: Probe, routed: float, mesh: TraefikMesh, controller_pod: dict[str, Any]) -> Surface:
    """The mesh's own ports, asked from the client pod, which holds no credential."""
    del routed
    return Surface(
        probe=probe,
        proxies=[each.ip for each in mesh.proxies()],
        controller=controller_pod["status"]["podIP"],
    )


@requirement("TM-SEC-019")
def test_no_pod_can_change_the_mesh(surface: Surface, mesh: TraefikMesh, evidence: Facts) -> None:
    """Whatever a pod writes to the proxies' and the controller's ports, no configuration takes it up."""
    before = routers(mesh.configuration())

    try:
        for method in WRITES:
            to_proxies = surface.ask(surface.proxys(*PROXYS_PATHS), method=method, body=PLANTED)
            to_controller = surface.ask(surface.controllers(*CONTROLLERS_PATHS), method=method, body=PLANTED)
            evidence.record({"writes": [each.told() for each in [*to_proxies, *to_controller]]})
            assert {each.status for each in to_proxies} <= {404, 405}

        assert routers(mesh.configuration()) == before
        assert not [each for each in mesh.proxies() if "planted" in str(mesh.proxy_configuration(each))]
    finally:  # where it was taken up, everything after this would fail
        surface.ask(surface.proxys("/api/providers/rest"), method="PUT", body=b"{}")


@requirement("TM-SEC-020")
def test_no_pod_can_read_the_whole_configuration(surface: Surface, evidence: Facts) -> None:
    """Without a credential neither a proxy nor the controller tells of every service of the cluster."""
    exchanges = surface.ask([*surface.proxys(*WHOLE), *surface.controllers(*CONTROLLERS_PATHS[:2])])

    told = [each.told() for each in exchanges if each.status == 200]
    evidence.record({"told": told})
    assert told == []


@requirement("TM-SEC-021")
def test_controllers_api_has_no_service(
    mesh: TraefikMesh, kube: KubeApi, controller_pod: dict[str, Any], evidence: Facts
) -> None:
    """No Service leads to the port of the controller's API."""
    namespace, labels = mesh.settings.namespace, controller_pod["metadata"]["labels"]
    leading = {
        each["metadata"]["name"]: [port["port"] for port in each["spec"]["ports"]]
        for each in kube.items(f"/api/v1/namespaces/{namespace}/services")
        if (selector := each["spec"].get("selector")) and selector.items() <= labels.items()
    }

    evidence.record({"services": leading})
    assert leading == {}


@requirement("TM-SEC-022")
def test_nothing_for_debugging_is_served(surface: Surface, evidence: Facts) -> None:
    """Neither proxy nor controller serves a dashboard, its variables or its profiles."""
    urls = [*surface.proxys(*DEBUGGING), *surface.controllers(*DEBUGGING)]

    exchanges = surface.ask(urls)

    evidence.record({"answers": [each.told() for each in exchanges]})
    assert {each.status for each in exchanges} == {404}


@requirement("TM-SEC-023")
def test_readiness_port_tells_readiness_alone(surface: Surface, evidence: Facts) -> None:
    """The port of the readiness check answers /ping, and leads to nothing else of the proxy.

    Another way to write that path may lead to it, too.
    """
    ping = surface.ask(surface.proxys("/ping", port=READINESS_PORT))
    others = surface.ask(
        surface.proxys(
            *WHOLE, "/metrics", "/ping/", "/ping%2f..%2fapi%2frawdata", "//ping", port=READINESS_PORT
        )
    )

    evidence.record({"answers": [each.told() for each in [*ping, *others]]})
    assert {each.status for each in ping} == {200}
    answer = {each.response.body for each in ping if each.response}
    led = [each for each in others if not (each.response and each.response.body in answer)]
    assert {each.status for each in led} == {404}


@requirement("TM-SEC-024")
def test_proxies_hold_no_credential(mesh: TraefikMesh, kube: KubeApi, evidence: Facts) -> None:
    """No token of the cluster and no Secret is mounted or put into the environment of a proxy."""
    proxies = mesh.proxies()
    assert proxies, "no proxy is alive"

    for proxy in proxies:
        spec = kube.get(f"/api/v1/namespaces/{mesh.settings.namespace}/pods/{proxy.name}")["spec"]
        held = credentials_of(spec)
        evidence.record({"proxy": proxy.name, "credentials": held})
        assert held == []


def credentials_of(spec: dict[str, Any]) -> list[str]:
    """Volumes and variables of a pod that come from a Secret or hold a service account's token."""
    found = []
    for volume in spec.get("volumes", []):
        sources = [volume, *volume.get("projected", {}).get("sources", [])]
        if any("secret" in each or "serviceAccountToken" in each for each in sources):
            found.append(f"volume {volume['name']}")
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        references = [each.get("valueFrom", {}) for each in container.get("env", [])]
        if any("secretKeyRef" in each for each in references):
            found.append(f"variable of {container['name']}")
        if any("secretRef" in each for each in container.get("envFrom", [])):
            found.append(f"variables of {container['name']}")
    return found
