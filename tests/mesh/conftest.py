"""Shared fixtures: the factories, and an adapter over a helm and a cluster that answer from tables."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from meshproof.mesh import helm, readiness, traefik_mesh
from meshproof.mesh.adapter import MeshAccess, MeshSettings
from meshproof.mesh.traefik_mesh import TraefikMesh
from tests.mesh import fakes
from tests.mesh.fakes import NAMESPACE, NOT_FOUND, RENDERED, FakeHelm

IMAGES = frozenset({"docker.io/traefik/mesh:v1.4.8", "docker.io/library/traefik:v2.11.14"})


@dataclass(frozen=True)
class Build:
    """The factories above, for tests to ask for as one fixture."""

    thing = staticmethod(fakes.thing)
    workload = staticmethod(fakes.workload)
    daemon_set = staticmethod(fakes.daemon_set)
    pod = staticmethod(fakes.pod)
    container = staticmethod(fakes.container)
    facts = staticmethod(fakes.facts)
    kube = fakes.FakeKube


@pytest.fixture
def build() -> Build:
    return Build()


@pytest.fixture
def fake_helm(monkeypatch: pytest.MonkeyPatch) -> FakeHelm:
    """Takes the place of every call that ``meshproof.mesh.helm`` makes."""
    fake = FakeHelm()
    monkeypatch.setattr(helm, "run", fake.run)
    return fake


@pytest.fixture
def working(build: Any) -> Any:
    """A cluster in which the mesh works as soon as it is installed."""
    made = build.kube()
    made.objects = {
        f"deployments {NAMESPACE}": [build.workload("traefik-mesh-controller")],
        "daemon sets": [build.daemon_set("traefik-mesh-proxy")],
        "deployments kube-system": [build.workload("coredns")],
        "pods": [build.pod("c", "controller"), build.pod("p", "maesh-mesh")],
        "crds": [build.thing("trafficsplits.split.smi-spec.io")],
    }
    made.answers = {
        "c:9000/api/status/readiness": "true",
        "c:9000/api/configuration/current": '{"http": {}}',
        "c:9000/api/status/nodes": "[]",
        "c:9000/api/status/node/p/configuration": "{}",
        "p:8080/api/rawdata": '{"routers": {"readiness@http": {}}}',
        "p:8080/metrics": "text",
    }
    made.config_maps = {("kube-system", "coredns"): {"Corefile": ".:53 {}"}}
    return made


@pytest.fixture
def make_mesh(working: Any, fake_helm: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TraefikMesh]:
    """An adapter with these settings, over the fakes."""
    monkeypatch.setattr(traefik_mesh, "Kube", lambda _api: working)
    monkeypatch.setattr(readiness, "_LOOK_EVERY_S", 0.001)
    fake_helm.answers |= {"template": RENDERED, "status": NOT_FOUND}
    access = MeshAccess(
        kubeconfig=Path("/kc"), helm=Path("/bin/helm"), kubectl=Path("/bin/kubectl"), locked_images=IMAGES
    )
    api = ApiClient(Configuration(host="http://127.0.0.1:9"))

    def make(**settings: Any) -> TraefikMesh:
        return TraefikMesh(access, api, MeshSettings(**settings))

    return make
