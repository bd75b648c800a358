"""The controller or the API server is away: routes live on, and what came meanwhile is taken up later."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import proxies_have
from fixtures.faults import Constant, Stream
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.faults import Faults
from meshproof.cluster.workloads import Pod, Workloads
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.judge.configuration import routers
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Exchange, Request
from meshproof.probe.client import Probe

pytestmark = [profile("two-nodes"), stage("change")]

# A proxy whose polls fail waits 0.5 s, then half as long again each time, up to 13 s and half of that more by
# chance, and begins anew (Traefik v2.11, pkg/job). Then it polls, throttles for 2 s, and has what is new.
RETURNS_S: Final = 25.0
SILENT_S: Final = 4.0  # four polls of each proxy; Kubernetes' own leases last for ten
BACK_S: Final = 5.0  # what the kubelets could not tell meanwhile they tell now, and the kube-proxies follow
CROWD: Final = 60  # services at once; hundreds take minutes and behave alike
CROWD_S: Final = 30.0  # the controller makes one shadow service after another
LOOK: Final = 12  # with two replicas and two proxies each replica gets some: they take turns
DEAD_S: Final = 1.5  # an address that nobody has any more may answer nothing at all


def service(name: str, app: str) -> dict[str, Any]:
    """A Service of an app's pods."""
    spec = {"selector": {"app": app}, "ports": [{"name": "web", "port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


@dataclass(frozen=True, kw_only=True)
class Returned:
    """What was seen while there was no controller, and the seconds from when it was let back until ..."""

    traffic: Stream
    stayed: str
    stale: list[Exchange]
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def returned(
    faults: Faults,
    constant: Constant,
    probe: Probe,
    workloads: Workloads,
    mesh: TraefikMesh,
    spread: Echo,
    echo: Echo,
) -> Iterator[Returned]:
    """No controller; a replica of the server moves, a service comes; the controller is let back."""
    late = f"http://{mesh.mesh_host('late', workloads.namespace)}/?format=json"
    moved = echo.mesh_url("/?format=json")
    gone, stays = workloads.pods("server")
    controller, namespace = f"{mesh.settings.release}-controller", mesh.settings.namespace
    try:
        with constant(spread) as traffic:
            with faults.scaled(controller, 0, namespace=namespace):
                workloads.create(service("late", "spread"))
                faults.delete_pod(gone.name, uid=gone.uid, namespace=workloads.namespace, grace_s=0)
                replicas = replaced(workloads, gone)
                wait_until_dead(probe, gone)
                stale = look(probe, moved)
                back = time.monotonic()
            seconds = seconds_until(
                {
                    "a new service is reached": lambda: None not in hosts(look(probe, late)),
                    "only living replicas are asked": lambda: hosts(look(probe, moved)) == replicas,
                },
                since=back,
            )
        yield Returned(traffic=traffic, stayed=stays.name, stale=stale, seconds=seconds)
    finally:
        workloads.remove_service("late")


def replaced(workloads: Workloads, gone: Pod) -> set[str]:
    """The names of the server's replicas, once there are two again without ``gone``."""

    def two() -> Look[set[str]]:
        ready = {each.name for each in workloads.pods("server") if each.ready and each.uid != gone.uid}
        return Look(met=len(ready) == 2, value=ready, seen=str(ready))

    return eventually(two, what="the server has two replicas again", within=RETURNS_S).value


def wait_until_dead(probe: Probe, gone: Pod) -> None:
    """A pod that was deleted by force serves on until its kubelet has ended it, some two seconds later."""

    def dead() -> Look[None]:
        met = hosts(look(probe, f"http://{gone.ip}:8080/?format=json")) == {None}
        return Look(met=met, value=None, seen=f"{gone.name} answers at {gone.ip}")

    eventually(dead, what=f"{gone.name} is dead", within=RETURNS_S)


def look(probe: Probe, url: str) -> list[Exchange]:
    """A few requests at once, each on a connection of its own."""
    return probe.send([Request(id=str(index), url=url, timeout_s=DEAD_S) for index in range(LOOK)])


def hosts(exchanges: list[Exchange]) -> set[str | None]:
    """The servers that answered, None for those that did not."""
    return {each.seen.hostname if each.seen else None for each in exchanges}


def seconds_until(awaited: Mapping[str, Callable[[], bool]], *, since: float) -> dict[str, float]:
    """Seconds from ``since`` until each was so; what never was, in RETURNS_S, is left out."""
    found: dict[str, float] = {}

    def looked() -> Look[None]:
        for name, met in awaited.items():
            if name not in found and met():
                found[name] = time.monotonic() - since
        return Look(met=found.keys() == awaited.keys(), value=None, seen=str(found))

    with suppress(WaitTimedOutError):
        eventually(looked, what="recovery", within=max(0.0, RETURNS_S - (time.monotonic() - since)))
    return found


@requirement("TM-RES-001")
def test_routes_outlive_the_controller(returned: Returned, evidence: Facts) -> None:
    """While there is no controller, and when it comes back, no request on an existing route is lost."""
    assert returned.traffic.outage(evidence).lost == 0


@requirement("TM-RES-002")
def test_service_made_without_a_controller_is_reached_once_it_is_back(
    returned: Returned, evidence: Facts
) -> None:
    """What was created meanwhile is a route within the time that the proxies' polls take to come back."""
    evidence.record({"seconds": returned.seconds})
    assert "a new service is reached" in returned.seconds

    evidence.converged(returned.seconds["a new service is reached"])


@requirement("TM-RES-003")
def test_replica_that_moved_without_a_controller_is_found_once_it_is_back(
    returned: Returned, evidence: Facts
) -> None:
    """Until then the replica that stayed serves on; what is sent to the old address is not misrouted."""
    evidence.record({"while_stale": [each.told() for each in returned.stale], "seconds": returned.seconds})
    assert hosts(returned.stale) == {None, returned.stayed}
    assert "only living replicas are asked" in returned.seconds

    evidence.converged(returned.seconds["only living replicas are asked"])


@requirement("TM-RES-012")
def test_traffic_flows_without_an_api_server(
    faults: Faults, constant: Constant, client: Client, spread: Echo, evidence: Facts
) -> None:
    """While the API server answers nothing, and when it has caught up, no request is lost."""
    del client
    with constant(spread) as traffic:
        with faults.silent_api_server():
            faults.last(SILENT_S)
        faults.last(BACK_S)
        evidence.record({"seconds": round(time.time() - traffic.began, 1)})

    assert traffic.outage(evidence).lost == 0


@pytest.fixture
def crowd(workloads: Workloads) -> Iterator[list[str]]:
    """Many Services of the spread server, all made at once; their names."""
    names = [f"crowd-{index}" for index in range(CROWD)]
    try:
        for name in names:
            workloads.create(service(name, "spread"))
        yield names
    finally:
        for name in names:
            workloads.remove_service(name)


@requirement("TM-RES-013")
def test_many_services_at_once_disturb_nobody(
    constant: Constant,
    request: pytest.FixtureRequest,
    client: Client,
    spread: Echo,
    mesh: TraefikMesh,
    workloads: Workloads,
    evidence: Facts,
) -> None:
    """Many services come, all become routes of every proxy, and go: no other request is lost meanwhile."""
    with constant(spread) as traffic:
        names = request.getfixturevalue("crowd")
        wanted = {f"{workloads.namespace}-{name}-80" for name in names}
        came = proxies_have(
            mesh, lambda has: wanted <= routers(has).keys(), what="every service is a route", within=CROWD_S
        )
        urls = [f"http://{mesh.mesh_host(name, workloads.namespace)}/?format=json" for name in names]

        def reached() -> Look[None]:
            missed = [
                each.told()
                for each in client.look([client.request(each) for each in urls])
                if each.seen is None
            ]
            return Look(met=not missed, value=None, seen="\n".join(missed))

        # The proxies may be quicker than the shadow services and their names.
        eventually(reached, what="every service is reached", within=CROWD_S - max(came.values()))
        for name in names:
            workloads.remove_service(name)
        went = proxies_have(
            mesh,
            lambda has: not wanted & routers(has).keys(),
            what="none is a route any more",
            within=CROWD_S,
        )

    evidence.record({"services": CROWD, "came_s": came, "went_s": went})
    evidence.converged(max(*came.values(), *went.values()))
    assert traffic.outage(evidence).lost == 0
