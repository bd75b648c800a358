"""Which namespaces are in the mesh: all but those to be ignored, or those alone that are to be watched."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import proxies_have
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import RUN_LABEL, Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.configuration import routers
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh

FOLLOWS_S: Final = 15.0  # poll 1 s, throttle 2 s, DNS's negative cache of 5 s: 3 to 8 s are usual
IGNORED: Final = "mp-ignored"  # named in the values of the profile limits

OUTSIDE: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "outside"},
    "spec": {"ports": [{"name": "web", "port": 80}]},
}


def rules_of(mesh: TraefikMesh) -> list[str]:
    """The rules of the HTTP routers that the controller wants."""
    return [str(each["rule"]) for each in mesh.configuration()["http"]["routers"].values()]


@requirement("TM-ROUTE-069")
@profile("plain", "limits")
def test_clusters_own_services_are_not_in_the_mesh(
    client: Client, echo: Echo, mesh: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """The cluster's DNS and its API server have no mesh name, no shadow service and no route."""
    names = {"kube-system": "kube-dns", "default": "kubernetes"}
    hosts = [mesh.mesh_host(name, namespace) for namespace, name in names.items()]

    resolved = client.resolve(*hosts)
    asked = client.look([client.request(echo.mesh_url("/"), headers=[("Host", host)]) for host in hosts])
    shadows = [
        kube.find(
            f"/api/v1/namespaces/{mesh.settings.namespace}/services/{mesh.shadow_service(name, namespace)}"
        )
        for namespace, name in names.items()
    ]

    evidence.record({"rules": rules_of(mesh)})
    assert [each.addresses for each in resolved] == [[], []]
    assert [each.status for each in asked] == [404, 404]
    assert shadows == [None, None]
    assert [rule for rule in rules_of(mesh) if ".kube-system." in rule or "kubernetes.default." in rule] == []


@contextmanager
def namespaces_with_a_service(kube: KubeApi, workloads: Workloads, *names: str) -> Iterator[None]:
    """Namespaces with the Service ``outside`` in each; when the block ends they are told to go."""
    try:
        for name in names:
            other = Workloads(kube, namespace=name, run_id=workloads.labels[RUN_LABEL])
            other.create_namespace()
            other.create(OUTSIDE)
        yield
    finally:
        for name in names:
            kube.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def namespaces(kube: KubeApi, workloads: Workloads) -> Iterator[tuple[str, str]]:
    """One namespace that the profile tells the mesh to ignore, one that it does not."""
    names = (IGNORED, f"{workloads.namespace}-seen")
    with namespaces_with_a_service(kube, workloads, *names):
        yield names


@requirement("TM-ROUTE-067")
@profile("limits")
@stage("change")
def test_ignored_namespace_is_not_in_the_mesh(
    client: Client, mesh: TraefikMesh, kube: KubeApi, namespaces: tuple[str, str], evidence: Facts
) -> None:
    """Of two namespaces alike, the one that is to be ignored gets no route, no shadow service and no name."""
    ignored, seen = namespaces

    def taken_up() -> Look[list[str]]:
        rules = rules_of(mesh)
        return Look(met=any(f"outside.{seen}." in each for each in rules), value=rules, seen=str(rules))

    rules = eventually(taken_up, what=f"the mesh knows {seen}", within=FOLLOWS_S).value
    shadows = f"/api/v1/namespaces/{mesh.settings.namespace}/services"
    found = {name: kube.find(f"{shadows}/{mesh.shadow_service('outside', name)}") for name in namespaces}

    evidence.record({"rules": rules})
    assert found[seen] is not None
    assert found[ignored] is None
    assert [each for each in rules if f".{ignored}." in each] == []
    assert client.resolve(mesh.mesh_host("outside", ignored))[0].addresses == []


@pytest.fixture
def watching_one(mesh: TraefikMesh, kube: KubeApi, workloads: Workloads) -> Iterator[tuple[str, str]]:
    """The mesh told to watch the run's namespace alone; the namespace that it then leaves out."""
    other = f"{workloads.namespace}-left-out"
    with namespaces_with_a_service(kube, workloads, other):
        try:
            mesh.upgrade({"controller": {"watchNamespaces": [workloads.namespace]}})
            yield workloads.namespace, other
        finally:
            mesh.upgrade({"controller": {"watchNamespaces": []}})


@requirement("TM-ROUTE-068")
@profile("limits")
@stage("change")
def test_only_watched_namespaces_are_in_the_mesh(
    client: Client, echo: Echo, mesh: TraefikMesh, watching_one: tuple[str, str], evidence: Facts
) -> None:
    """Told to watch one namespace, the mesh serves that one and routes to nothing of another."""
    watched, left_out = watching_one
    stranger = [("Host", mesh.mesh_host("outside", left_out))]

    def served() -> Look[None]:
        exchange = client.look([client.request(echo.mesh_url("/?format=json"))])[0]
        return Look(met=exchange.seen is not None, value=None, seen=exchange.told())

    eventually(served, what=f"{echo.mesh_host} is reachable", within=FOLLOWS_S, successes=3)
    rules = rules_of(mesh)
    proxies_have(
        mesh,
        lambda configuration: not any(f".{left_out}." in each for each in routers(configuration).values()),
        what=f"no proxy has a route to {left_out}",
    )

    evidence.record({"rules": rules})
    assert [each for each in rules if "Host(" in each and f".{watched}." not in each] == []
    assert client.get(echo.mesh_url("/"), headers=stranger).status == 404
    assert went_around(client.get(echo.mesh_url("/?format=json")).seen_by_server, mesh.proxies()) is None
