"""What the controller says, against what the proxies do."""

from fixtures.catalogue import requirement
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.judge.configuration import routers, servers_by_service
from meshproof.mesh.traefik_mesh import TraefikMesh


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
    wanted = mesh.configuration()
    assert echo.label.removesuffix("@http") in routers(wanted), "the controller does not know the server"

    for proxy in mesh.proxies():
        has = mesh.proxy_configuration(proxy)
        evidence.record({"proxy": proxy.name, "routers": routers(has), "servers": servers_by_service(has)})
        assert routers(has) == routers(wanted)
        assert servers_by_service(has) == servers_by_service(wanted)


@requirement("TM-API-003")
def test_controller_names_every_proxy(mesh: TraefikMesh, evidence: Facts) -> None:
    """The controller's list of proxies is the cluster's."""
    said = mesh.status_nodes()
    evidence.record({"status_nodes": said})

    listed = {each["Name"]: (each["IP"], each["Ready"]) for each in said}

    assert listed == {each.name: (each.ip, True) for each in mesh.proxies()}
