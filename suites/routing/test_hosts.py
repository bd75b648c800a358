"""The host that a client names: which of them lead to a service, and what the server sees of them."""

import pytest

from fixtures.catalogue import requirement
from fixtures.probe import Client, Metered
from fixtures.wire import Wire
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh


@requirement("TM-ROUTE-004")
def test_host_is_preserved(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """The server sees the name that the client asked for, as it was written: in capitals, with the port."""
    host = mesh.mesh_host(echo.service, echo.namespace)
    written = [host.upper(), f"{host}:80"]
    url = echo.mesh_url("/?format=json")
    requests = [client.request(url), *(client.request(url, headers=[("Host", each)]) for each in written)]

    seen = [each.seen_by_server for each in client.send(requests)]

    assert not [said for each in seen if (said := went_around(each, mesh.proxies()))]
    assert [each.host for each in seen] == [host, *written]


@requirement("TM-ROUTE-011")
def test_unknown_host_is_not_found(metered: Metered, client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """A proxy that has no router for the host answers 404 itself; the server never sees the request.

    Neither is a name a service's that has a service's name in it.
    """
    url = echo.mesh_url("/?format=json")
    hosts = [
        f"stranger.{echo.namespace}.traefik.mesh",
        f"stranger.{echo.mesh_host}",
        f"{echo.mesh_host}.example",
        f"x{echo.mesh_host}",
        f"{echo.mesh_host}x",
    ]
    strangers = [client.request(url, headers=[("Host", each)]) for each in hosts]

    exchanges, movement = metered.send([*strangers, client.request(url)], service=echo.label, expected=1)

    assert [each.status for each in exchanges[:-1]] == [404] * len(hosts)
    assert not [each.told() for each in exchanges[:-1] if each.seen]
    assert went_around(exchanges[-1].seen_by_server, mesh.proxies()) is None
    assert movement.total == 1


@requirement("TM-ROUTE-054")
@pytest.mark.parametrize("host", ["proxy", "shadow-service", "service-alone", "service-and-namespace"])
def test_host_that_names_no_mesh_service_is_not_found(
    client: Client, echo: Echo, mesh: TraefikMesh, workloads: Workloads, host: str
) -> None:
    """At a proxy's own address, an address or a name without the mesh's domain is answered 404."""
    proxy = mesh.proxies()[0]
    shadow = mesh.shadow_service(echo.service, echo.namespace)
    named = {
        "proxy": proxy.ip,
        "shadow-service": workloads.service_address(shadow, namespace=mesh.settings.namespace),
        "service-alone": echo.service,
        "service-and-namespace": f"{echo.service}.{echo.namespace}",
    }
    at_proxy = f"http://{proxy.ip}:5000/?format=json"

    wrong, right = client.send(
        [client.request(at_proxy, headers=[("Host", each)]) for each in (named[host], echo.mesh_host)]
    )

    assert (wrong.status, wrong.seen) == (404, None)
    assert went_around(right.seen_by_server, mesh.proxies()) is None


@requirement("TM-ROUTE-058")
@pytest.mark.parametrize("form", ["upper-case", "trailing-dot", "with-port", "absolute"])
def test_host_matches_in_every_form(
    client: Client, echo: Echo, workloads: Workloads, mesh: TraefikMesh, form: str
) -> None:
    """A name is the same in capitals, with its root's dot, with a port, and as part of an absolute target."""
    target = f"http://{echo.mesh_host}/?format=json" if form == "absolute" else "/?format=json"
    host = {
        "upper-case": echo.mesh_host.upper(),
        "trailing-dot": f"{echo.mesh_host}.",
        "with-port": f"{echo.mesh_host}:80",
        "absolute": echo.mesh_host,
    }[form]

    answers = Wire(client, echo, workloads).get(target, host=host)

    assert [each.status for each in answers] == [200]
    seen = answers[0].seen
    assert seen is not None, "the answer is not the server's own"
    assert went_around(seen, mesh.proxies()) is None
