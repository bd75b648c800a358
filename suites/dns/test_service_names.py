"""Which names a service may have, and in which namespace, to be found under its mesh name."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from fixtures.catalogue import requirement, stage
from fixtures.dns import Nameserver
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = stage("change")

FOLLOWED_S: Final = (
    10.0  # the controller makes the shadow service at once; a name asked for too early is cached 5 s
)
NUMBERS: Final = itertools.count()  # a namespace that was told to go keeps its name for a while
LABEL_CHARS: Final = 63  # RFC 1035, section 2.3.4
SPELLED: Final = (
    "a1",
    "web-2-blue",
    "x--y",
    "z9-0",
)  # digits, hyphens, two in a row; Kubernetes wants a letter first


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Services in a namespace of their own, whose name begins with a digit; none has a pod."""

    namespace: str
    longest: str  # the longest name whose shadow service can exist
    too_long: str  # one character more


@pytest.fixture(scope="module")
def neighbours(kube: KubeApi, mesh: TraefikMesh, workloads: Workloads) -> Iterator[Neighbours]:
    """All of them made at once, the over-long one first; gone afterwards."""
    namespace = f"{next(NUMBERS)}-{workloads.namespace}"
    room = LABEL_CHARS - len(mesh.shadow_service("", namespace))
    found = Neighbours(namespace=namespace, longest="l" * room, too_long="t" * (room + 1))
    try:
        kube.create(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": namespace, "labels": workloads.labels},
            }
        )
        for name in (found.too_long, *SPELLED, found.longest):
            kube.create(service(name), namespace=namespace)
        kube.create(service("headless", clusterIP="None"), namespace=namespace)
        external = service("external", type="ExternalName", externalName="server.example")
        kube.create(external, namespace=namespace)
        yield found
    finally:
        kube.delete(f"/api/v1/namespaces/{namespace}")


def service(name: str, **spec: Any) -> dict[str, Any]:
    """A Service with one port, of any kind."""
    ports = [{"name": "web", "port": 80}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": ports, **spec},
    }


def shadow_addresses(kube: KubeApi, mesh: TraefikMesh, namespace: str, *services: str) -> dict[str, str]:
    """Service -> the address of its shadow service, once all have one. Raises WaitTimedOutError."""
    names = {mesh.shadow_service(each, namespace): each for each in services}

    def made() -> Look[dict[str, str]]:
        listed = kube.items(f"/api/v1/namespaces/{mesh.settings.namespace}/services")
        found = {
            names[each["metadata"]["name"]]: each["spec"]["clusterIP"]
            for each in listed
            if each["metadata"]["name"] in names
        }
        missing = sorted(set(services) - found.keys())
        return Look(met=not missing, value=found, seen=f"without a shadow service: {', '.join(missing)}")

    return eventually(made, what="the mesh takes the new services in", within=FOLLOWED_S).value


def resolved(
    client: Client, mesh: TraefikMesh, namespace: str, expected: dict[str, str]
) -> dict[str, list[str]]:
    """Service -> what its mesh name resolves to, once that is what was expected."""
    hosts = {mesh.mesh_host(each, namespace): each for each in expected}

    def right() -> Look[dict[str, list[str]]]:
        found = {hosts[each.name]: each.addresses for each in client.resolve(*hosts)}
        met = found == {name: [address] for name, address in expected.items()}
        return Look(met=met, value=found, seen=str(found))

    return eventually(right, what="the mesh names of the new services resolve", within=FOLLOWED_S).value


@requirement("TM-DNS-009")
def test_any_name_of_a_service_resolves(
    client: Client, mesh: TraefikMesh, kube: KubeApi, neighbours: Neighbours
) -> None:
    """Services with digits and hyphens in their names are found, in a namespace that begins with a digit."""
    shadows = shadow_addresses(kube, mesh, neighbours.namespace, *SPELLED)

    found = resolved(client, mesh, neighbours.namespace, shadows)

    assert found == {name: [address] for name, address in shadows.items()}


@requirement("TM-DNS-018")
def test_too_long_a_name_harms_no_other_service(
    client: Client, mesh: TraefikMesh, kube: KubeApi, neighbours: Neighbours, echo: Echo
) -> None:
    """Beside it, a service whose shadow's name has just 63 characters is found, and traffic flows."""
    shadows = shadow_addresses(kube, mesh, neighbours.namespace, neighbours.longest)

    found = resolved(client, mesh, neighbours.namespace, shadows)

    assert len(mesh.shadow_service(neighbours.longest, neighbours.namespace)) == LABEL_CHARS
    assert found == {neighbours.longest: [shadows[neighbours.longest]]}
    assert client.get(echo.mesh_url("/?format=json")).seen is not None


@requirement("TM-DNS-010")
def test_every_service_has_a_mesh_name(
    nameserver: Nameserver, mesh: TraefikMesh, kube: KubeApi, neighbours: Neighbours, evidence: Facts
) -> None:
    """A service whose name Kubernetes accepts is found under its mesh name, however long it is."""
    shadow_addresses(kube, mesh, neighbours.namespace, neighbours.longest)  # made after it: its turn has come
    evidence.record({"shadow_service": mesh.shadow_service(neighbours.too_long, neighbours.namespace)})

    answer = nameserver.ask(mesh.mesh_host(neighbours.too_long, neighbours.namespace))

    assert answer.rcode == "NOERROR"
    assert answer.addresses


@requirement("TM-DNS-015")
def test_headless_service_has_a_mesh_name_and_an_external_one_has_none(
    client: Client, nameserver: Nameserver, mesh: TraefikMesh, kube: KubeApi, neighbours: Neighbours
) -> None:
    """A service without an address of its own gets its shadow's; one outside the cluster has none."""
    shadows = shadow_addresses(kube, mesh, neighbours.namespace, "headless")

    found = resolved(client, mesh, neighbours.namespace, shadows)
    external = nameserver.ask(mesh.mesh_host("external", neighbours.namespace))

    assert found == {"headless": [shadows["headless"]]}
    assert external.rcode == "NXDOMAIN"
