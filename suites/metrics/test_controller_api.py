"""What the controller says, against what the proxies do."""

from typing import Final

from fixtures.catalogue import requirement
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.configuration import routers, servers_by_service
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
