"""The mesh follows the cluster: services and replicas that come and go, while traffic goes on."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import pytest

from fixtures.catalogue import requirement, stage
from fixtures.convergence import FOLLOWS_S, Refusals, proxies_have
from fixtures.crowd import CROWD, Crowd, serves, service_of
from fixtures.probe import Client, Metered
from fixtures.services import ServiceNamed
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.judge.crossing import backends, evenness, went_around
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Exchange

CALM: Final = 20  # requests that must all be right once the mesh has followed
TAKEN_UP_S: Final = 5.0  # a new service is in the controller's configuration within a second

Scale = Callable[[int], list[str]]


def noted(crowd: Crowd, evidence: Facts, *exchanges: Exchange) -> None:
    """What happened, as a check's evidence; a mesh that never followed broke its claim."""
    evidence.record({"came_s": crowd.came_s, "went_s": crowd.went_s, "reloads": crowd.reloads})
    for each in exchanges:
        evidence.record_exchange(each.facts())
    assert not crowd.errors, "\n".join(crowd.errors)


@requirement("TM-ROUTE-016")
@stage("change")
def test_new_service_becomes_reachable(
    client: Client, evidence: Facts, mesh: TraefikMesh, crowd: Crowd
) -> None:
    """A service that is created now is reached by every request once its name and address are known."""
    del client
    noted(crowd, evidence, *crowd.reached)
    evidence.converged(max(crowd.came_s.values()))

    assert not [said for each in crowd.reached if (said := went_around(each.seen_by_server, mesh.proxies()))]


@requirement("TM-ROUTE-049")
@stage("change")
def test_every_proxy_follows(evidence: Facts, mesh: TraefikMesh, crowd: Crowd) -> None:
    """Each proxy takes up what comes and drops what goes, within the bound."""
    noted(crowd, evidence)
    evidence.converged(max(*crowd.came_s.values(), *crowd.went_s.values()))

    assert set(crowd.came_s) == set(crowd.went_s) == {each.name for each in mesh.proxies()}


@requirement("TM-ROUTE-047")
@stage("change")
def test_deleted_service_is_gone(
    client: Client, evidence: Facts, mesh: TraefikMesh, workloads: Workloads, kube: KubeApi, crowd: Crowd
) -> None:
    """Neither router, nor shadow service, nor name is left of a service that was deleted."""
    noted(crowd, evidence, *crowd.deserted)
    hosts = [mesh.mesh_host(each, workloads.namespace) for each in CROWD]
    shadows = {mesh.shadow_service(each, workloads.namespace) for each in CROWD}
    services = kube.items(f"/api/v1/namespaces/{mesh.settings.namespace}/services")

    def unknown() -> Look[None]:
        known = [each.name for each in client.resolve(*hosts) if each.error is None]
        return Look(met=not known, value=None, seen=f"still resolved: {known}")

    # What a name server has told it may tell again for the seconds that the answer is good for.
    evidence.converged(eventually(unknown, what="the names are gone", within=FOLLOWS_S).seconds)
    assert [each.status for each in crowd.deserted] == [404] * len(CROWD)
    assert not shadows & {each["metadata"]["name"] for each in services}


@requirement("TM-ROUTE-048")
@stage("change")
def test_nobody_is_hurt_by_changes_elsewhere(client: Client, evidence: Facts, crowd: Crowd) -> None:
    """While services come and go not one request to another service fails."""
    del client
    noted(crowd, evidence)
    evidence.record(crowd.traffic.facts())

    assert crowd.reloads > 0, "no proxy reloaded: nothing was shown"
    assert crowd.traffic.sent > 0
    assert crowd.traffic.lost == 0, crowd.traffic.told()


@requirement("TM-ROUTE-052")
@stage("change")
def test_connection_outlives_changes(client: Client, evidence: Facts, crowd: Crowd) -> None:
    """A connection to a proxy stays open over many requests, and while the proxy takes up changes."""
    del client
    noted(crowd, evidence, *crowd.kept)

    connected = [index for index, each in enumerate(crowd.kept) if each.timing.connect_ms is not None]
    assert crowd.reloads > 0, "no proxy reloaded: nothing was shown"
    assert [each.status for each in crowd.kept] == [200] * len(crowd.kept)
    assert connected in ([], [0]), "the connection was not kept: the proxy closed it"


@requirement("TM-ROUTE-051")
@stage("change")
def test_namesakes_do_not_mix(
    client: Client, evidence: Facts, workloads: Workloads, twin: Workloads, crowd: Crowd
) -> None:
    """Two services of one name in two namespaces each get their own requests, and no other."""
    del client
    noted(crowd, evidence, *crowd.twins)

    here = {each.name for each in workloads.pods("server")}
    there = {each.name for each in twin.pods("server")}
    half = len(crowd.twins) // 2
    assert set(backends(crowd.twins[:half])) == here
    assert set(backends(crowd.twins[half:])) == there


@requirement("TM-ROUTE-059")
@stage("change")
def test_service_without_selector_is_reached(
    client: Client, evidence: Facts, mesh: TraefikMesh, crowd: Crowd
) -> None:
    """Endpoints that were written by hand are reached through the mesh as they are without it."""
    del client
    noted(crowd, evidence, *crowd.by_hand)
    direct, meshed = crowd.by_hand

    assert direct.seen is not None, "it does not work without the mesh either"
    assert went_around(meshed.seen_by_server, mesh.proxies()) is None


@requirement("TM-ROUTE-090")
@stage("change")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_idle_service_stops_nobody(
    client: Client, kube: KubeApi, mesh: TraefikMesh, workloads: Workloads, evidence: Facts, protocol: str
) -> None:
    """While a TCP or UDP service has no pod that is ready, the proxies go on following all others."""
    del client
    said = Refusals(kube, mesh)
    idle = service_of("nobody", "idle")
    idle["metadata"]["annotations"] = {"mesh.traefik.io/traffic-type": protocol}
    idle["spec"]["ports"] = [{"name": "idle", "port": 9100, "protocol": protocol.upper()}]
    servers = sorted(f"http://{each.ip}:8080" for each in workloads.pods("server"))
    passing = f"passing-{protocol}"
    follows = serves(passing, workloads.namespace, servers)
    try:
        workloads.create(idle)
        wait_until_wanted(mesh, protocol, f"{workloads.namespace}-idle-9100")
        workloads.create(service_of("server", passing))
        refused = said.instead_of(follows, what="the proxies know the new service")
    finally:
        workloads.remove_service("idle")
        took = proxies_have(mesh, follows, what="the proxies follow again")
        workloads.remove_service(passing)

    evidence.record({"refused": refused, "followed_again_s": took})
    assert not refused, refused[0]


def wait_until_wanted(mesh: TraefikMesh, protocol: str, service: str) -> None:
    """Give the controller time to take a service up; one that leaves it out may do so."""

    def wanted() -> Look[None]:
        known = mesh.configuration().get(protocol, {}).get("services", {})
        return Look(met=service in known, value=None, seen=", ".join(known))

    with suppress(WaitTimedOutError):
        eventually(wanted, what=f"the controller wants {service}", within=TAKEN_UP_S)


@pytest.fixture(scope="module")
def scale(workloads: Workloads) -> Iterator[Scale]:
    """Give `growing` this many replicas, wait until they are ready, return their addresses as servers."""

    def scale(replicas: int) -> list[str]:
        workloads.scale("growing", replicas)
        workloads.wait_ready("growing")
        return sorted(f"http://{each.ip}:8080" for each in workloads.pods("growing"))

    yield scale
    workloads.scale("growing", 0)


@pytest.fixture
def growing(
    mesh: TraefikMesh, service_named: ServiceNamed, evidence: Facts, scale: Scale
) -> Callable[[int], Echo]:
    """The service once it has this many replicas and every proxy knows them; the seconds are a result."""

    def grown(replicas: int) -> Echo:
        service, servers = service_named("growing"), scale(replicas)
        holds = serves("growing", service.namespace, servers or [])
        key = f"{service.namespace}-growing-80"
        took = proxies_have(mesh, holds, what=f"every proxy has {replicas} replicas", service=key)
        evidence.converged(max(took.values()))
        return service

    return grown


@requirement("TM-ROUTE-046")
@stage("change")
def test_service_works_once_it_has_pods(
    client: Client, workloads: Workloads, mesh: TraefikMesh, growing: Callable[[int], Echo]
) -> None:
    """A service that was there before its pods is answered 503 until then, and by its pod from then on."""
    before = client.get(growing(0).mesh_url("/?format=json"))
    url = growing(1).mesh_url("/?format=json")
    exchanges = client.send([client.request(url) for _ in range(CALM)])

    assert before.status == 503
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]
    assert dict(backends(exchanges)) == {workloads.pods("growing")[0].name: CALM}


@requirement("TM-ROUTE-043")
@stage("change")
def test_added_replica_gets_its_share(
    metered: Metered, client: Client, workloads: Workloads, mesh: TraefikMesh, growing: Callable[[int], Echo]
) -> None:
    """Once the proxies have followed, a new replica takes turns with the ones before it."""
    growing(1)
    service = growing(2)
    requests = [client.request(service.mesh_url("/?format=json")) for _ in range(CALM)]

    exchanges, _ = metered.send(requests, service=service.label, expected=CALM)

    replicas = [each.name for each in workloads.pods("growing")]
    assert len(replicas) == 2
    assert evenness(backends(exchanges), replicas, proxies=len(mesh.proxies())) is None


@requirement("TM-ROUTE-017")
@stage("change")
def test_removed_replica_gets_nothing(
    client: Client, workloads: Workloads, mesh: TraefikMesh, growing: Callable[[int], Echo]
) -> None:
    """Once the proxies have followed, every request reaches the replica that is left."""
    growing(2)
    service = growing(1)

    exchanges = client.send([client.request(service.mesh_url("/?format=json")) for _ in range(CALM)])

    assert dict(backends(exchanges)) == {workloads.pods("growing")[0].name: CALM}
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]
