"""Shared fixtures: the factories, and an adapter over a helm and a cluster that answer from tables."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from meshproof.mesh import helm, readiness
from meshproof.mesh.adapter import MeshAccess, MeshSettings
from meshproof.mesh.traefik_mesh import TraefikMesh
from tests.mesh import fakes
from tests.mesh.fake_kube import (
    DAEMON_SETS,
    DEFINITIONS,
    DEPLOYMENTS,
    DNS_CONFIG_MAPS,
    DNS_DEPLOYMENTS,
    PODS,
    FakeKube,
)
from tests.mesh.fakes import NOT_FOUND, RENDERED, FakeHelm

IMAGES = frozenset({"docker.io/traefik/mesh:v1.4.8", "docker.io/library/traefik:v2.11.14"})


@dataclass(frozen=True)
class Build:
    """The factories above, for tests to ask for as one fixture."""

    thing = staticmethod(fakes.thing)
    config_map = staticmethod(fakes.config_map)
    workload = staticmethod(fakes.workload)
    daemon_set = staticmethod(fakes.daemon_set)
    pod = staticmethod(fakes.pod)
    container = staticmethod(fakes.container)
    facts = staticmethod(fakes.facts)
    kube = FakeKube


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
        DEPLOYMENTS: [build.workload("traefik-mesh-controller", component="controller")],
        DAEMON_SETS: [build.daemon_set("traefik-mesh-proxy")],
        DNS_CONFIG_MAPS: [build.config_map("coredns", Corefile=".:53 {}")],
        DNS_DEPLOYMENTS: [build.workload("coredns")],
        PODS: [build.pod("c", "controller"), build.pod("p", "maesh-mesh")],
        DEFINITIONS: [build.thing("trafficsplits.split.smi-spec.io")],
    }
    made.answers = {
        "c:9000/api/status/readiness": "true",
        "c:9000/api/configuration/current": '{"http": {}}',
        "c:9000/api/status/nodes": "[]",
        "c:9000/api/status/node/p/configuration": "{}",
        "p:8080/api/rawdata": '{"routers": {"readiness@http": {}}}',
        "p:8080/metrics": "text",
    }
    return made


@pytest.fixture
def make_mesh(working: Any, fake_helm: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TraefikMesh]:
    """An adapter with these settings, over the fakes."""
    monkeypatch.setattr(readiness, "_LOOK_EVERY_S", 0.001)
    fake_helm.answers |= {"template": RENDERED, "status": NOT_FOUND}
    access = MeshAccess(
        kubeconfig=Path("/kc"), context="kind-demo", helm=Path("/bin/helm"), locked_images=IMAGES
    )

    def make(**settings: Any) -> TraefikMesh:
        return TraefikMesh(access, working.as_kube, MeshSettings(**settings))

    return make
