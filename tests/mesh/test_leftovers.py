"""What an uninstall has left."""

from typing import Any

import pytest

from meshproof.mesh.leftovers import is_ours, leftovers
from tests.mesh.fake_kube import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    DEFINITIONS,
    DNS_CONFIG_MAPS,
    DNS_ROLE_BINDINGS,
    DNS_ROLES,
    NAMESPACES,
    PODS,
    SERVICES,
)

LABELS = {"app": "maesh", "release": "traefik-mesh"}
OURS = {"dev.meshproof": "mesh"}


def _left(kube: Any) -> tuple[str, ...]:
    return leftovers(kube.as_kube, namespace="traefik-mesh", release="traefik-mesh")


def test_a_cluster_without_the_mesh_has_none(build: Any) -> None:
    kube = build.kube({DNS_CONFIG_MAPS: [build.config_map("coredns", Corefile=".:53 {}")]})

    assert _left(kube) == ()


def test_a_namespace_that_was_there_before_is_not_ours(build: Any) -> None:
    assert _left(build.kube({NAMESPACES: [build.thing("traefik-mesh")]})) == ()
    assert not is_ours(None)


def test_everything_of_the_mesh_is_named(build: Any) -> None:
    kube = build.kube()
    kube.objects = {
        NAMESPACES: [build.thing("traefik-mesh", labels=OURS)],
        SERVICES: [build.thing("traefik-mesh-a", labels={"app": "maesh", "type": "shadow"})],
        PODS: [build.pod("p", "maesh-mesh")],
        CLUSTER_ROLES: [build.thing("cr", labels=LABELS), build.thing("other", labels={"app": "x"})],
        CLUSTER_ROLE_BINDINGS: [build.thing("crb", labels=LABELS)],
        DNS_ROLES: [build.thing("r", labels=LABELS)],
        DNS_ROLE_BINDINGS: [build.thing("rb", labels=LABELS)],
        DEFINITIONS: [build.thing("a.smi-spec.io", labels=OURS), build.thing("b.smi-spec.io")],
    }

    assert [line.split(":")[0] for line in _left(kube)] == [
        "Service traefik-mesh/traefik-mesh-a",
        "Pod traefik-mesh/p",
        "Namespace traefik-mesh",
        "ClusterRole cr",
        "ClusterRoleBinding crb",
        "Role kube-system/r",
        "RoleBinding kube-system/rb",
        "CustomResourceDefinition a.smi-spec.io",
    ]


@pytest.mark.parametrize(
    ("config_map", "data"),
    [
        pytest.param("coredns", {"Corefile": ".:53 {}\n#### Begin Traefik Mesh Block\n"}, id="corefile"),
        pytest.param("coredns", {"Corefile": "#### Begin Maesh Block\n"}, id="old-domain"),
        pytest.param(
            "coredns-custom", {"traefik.mesh.server": "#### Begin Traefik Mesh Block\n"}, id="custom"
        ),
        pytest.param("kube-dns", {"stubDomains": '{"traefik.mesh":["10.0.0.1"]}'}, id="stub-domain"),
    ],
)
def test_dns_configuration_of_the_mesh_is_named(build: Any, config_map: str, data: dict[str, str]) -> None:
    (line,) = _left(build.kube({DNS_CONFIG_MAPS: [build.config_map(config_map, **data)]}))

    assert line.startswith(f"ConfigMap kube-system/{config_map}: has the mesh's")
