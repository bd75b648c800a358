"""What the controller says, against what the proxies do."""

from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import proxies_have
from fixtures.crowd import service_of
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.configuration import routers, servers_by_service
from meshproof.judge.runtime_status import not_enabled
from meshproof.mesh.adapter import ProxyPod
from meshproof.mesh.control_api import CONTROLLER
from meshproof.mesh.objects import pods_in
from meshproof.mesh.traefik_mesh import TraefikMesh

FOLLOWS_S: Final = 15.0  # poll 1 s, throttle 2 s; five times that on a busy machine


@requirement("TM-API-001")
def test_controller_is_ready(mesh: TraefikMesh) -> None:
    """The readiness endpoint of the controller says so."""
    assert mesh.readiness()


@requirement("TM-API-002")
def test_proxies_have_what_the_controller_wants(
    mesh: TraefikMesh, routed: float, echo: Echo, evidence: Facts
) -> None:
    """Routers with their rules, and servers with their addresses, are the same at both ends."""
    del routed

    def same() -> Look[dict[str, str]]:
        wanted = mesh.configuration()
        both = routers(wanted), servers_by_service(wanted)
        has = {each.name: mesh.proxy_configuration(each) for each in mesh.proxies()}
        differing = [name for name, each in has.items() if (routers(each), servers_by_service(each)) != both]
        return Look(
            met=bool(has) and not differing, value=both[0], seen=f"{differing or 'none'} of {len(has)}"
        )

    converged = eventually(same, what="proxies as the controller wants them", within=FOLLOWS_S, successes=2)

    evidence.converged(converged.seconds)
    evidence.record({"routers": converged.value})
    assert echo.label.removesuffix("@http") in converged.value, "the controller does not know the server"


@requirement("TM-API-003")
def test_controller_names_every_proxy(mesh: TraefikMesh, evidence: Facts) -> None:
    """The controller's list of proxies is the cluster's."""
    said = mesh.status_nodes()
    evidence.record({"status_nodes": said})

    listed = {each.get("Name"): (each.get("IP"), each.get("Ready")) for each in said}

    assert listed == {each.name: (each.ip, True) for each in mesh.proxies()}


@requirement("TM-API-004")
def test_ignored_namespaces_are_left_out(
    mesh: TraefikMesh, routed: float, echo: Echo, evidence: Facts
) -> None:
    """Neither kube-system's services nor the mesh's own (its controller's, the shadow services) are in it."""
    del routed
    wanted = mesh.configuration()
    named = [name.rpartition(":")[2] for name in (*routers(wanted), *servers_by_service(wanted))]
    rules = " ".join(routers(wanted).values())
    evidence.record({"names": named})

    own = f"{mesh.settings.namespace}-{mesh.settings.release}-"
    assert [name for name in named if name.startswith(("kube-system-", own))] == []
    assert ".kube-system." not in rules
    assert echo.label.removesuffix("@http") in named, "the controller does not know the server"


@requirement("TM-API-005")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("api/nothing/here", id="path"),
        pytest.param("api/status/node/nobody/configuration", id="proxy"),
    ],
)
def test_unknown_is_not_found(mesh: TraefikMesh, kube: KubeApi, path: str) -> None:
    """A path or a proxy that the controller does not know is answered 404."""
    controller = pods_in(kube, mesh.settings.namespace, selector=CONTROLLER)[0]["metadata"]["name"]

    try:
        status, answer = 200, kube.pod_get(mesh.settings.namespace, controller, 9000, path)
    except KubeError as error:
        status, answer = error.status, error.problem

    assert status == 404, answer


@requirement("TM-API-006")
def test_controller_passes_on_a_proxys_configuration(
    mesh: TraefikMesh, routed: float, evidence: Facts
) -> None:
    """Asked for a proxy's configuration, the controller tells what the proxy itself does."""
    del routed
    for proxy in mesh.proxies():
        told, own = passed_on(mesh, proxy), mesh.proxy_configuration(proxy)
        evidence.record({"proxy": proxy.name, "routers": len(routers(own))})
        assert routers(told) == routers(own)
        assert servers_by_service(told) == servers_by_service(own)


@requirement("TM-API-006")
@stage("change")
def test_controller_passes_on_what_has_changed(
    mesh: TraefikMesh, workloads: Workloads, routed: float, evidence: Facts
) -> None:
    """Asked again once a proxy has taken up a new service, it tells that, and not what it told before."""
    del routed
    name = "passed-on"
    router = f"{workloads.namespace}-{name}-80"
    for proxy in mesh.proxies():
        assert router not in routers(passed_on(mesh, proxy))
    try:
        workloads.create(service_of("server", name))
        took = proxies_have(mesh, lambda own: router in routers(own), what="every proxy knows the service")
        late = [each.name for each in mesh.proxies() if router not in routers(passed_on(mesh, each))]
    finally:
        workloads.remove_service(name)

    evidence.record({"took_s": took, "told_as_before": late})
    assert not late


def passed_on(mesh: TraefikMesh, proxy: ProxyPod) -> dict[str, Any]:
    """What the controller tells of a proxy; that it tells nothing fails the check."""
    try:
        return mesh.node_configuration(proxy)
    except KubeError as error:
        raise AssertionError(f"the controller answered for {proxy.name}: {error.problem}") from error


@requirement("TM-API-007")
@profile("observed")  # under plain some services are broken on purpose
def test_proxies_could_use_all_of_it(mesh: TraefikMesh, routed: float, evidence: Facts) -> None:
    """No proxy reports a router, service or middleware that it could not put to use."""
    del routed
    for proxy in mesh.proxies():
        told = mesh.proxy_configuration(proxy)
        evidence.record({"proxy": proxy.name, "routers": len(told.get("routers") or {})})
        assert told.get("routers")
        assert not_enabled(told) == []
