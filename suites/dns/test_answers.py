"""What the cluster's name server says about the mesh's names, to the packet."""

from typing import Final

import pytest

from fixtures.catalogue import requirement
from fixtures.dns import Nameserver
from fixtures.probe import Client
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.mesh.naming import DOMAIN, OLD_DOMAIN
from meshproof.mesh.traefik_mesh import TraefikMesh

LIVES_AT_MOST_S: Final = 30  # CoreDNS's cache in the mesh's zones; the answers themselves live for 5 s
AT_ONCE_MS: Final = (
    1000.0  # from the cluster's own data in 1 ms; what asks outside takes 2 s and more to fail
)


@pytest.fixture
def shadow_address(mesh: TraefikMesh, workloads: Workloads) -> str:
    """Where the mesh name of the session's server leads."""
    shadow = mesh.shadow_service("server", workloads.namespace)
    return workloads.service_address(shadow, namespace=mesh.settings.namespace)


@requirement("TM-DNS-011")
def test_case_of_a_name_does_not_matter(
    nameserver: Nameserver, client: Client, echo: Echo, shadow_address: str
) -> None:
    """A mesh name in capitals leads where the one in small letters does, for a resolver library too."""
    capitals = echo.mesh_host.upper()

    answer, found = nameserver.ask(capitals), client.resolve(capitals)[0]

    assert (answer.rcode, answer.addresses) == ("NOERROR", [shadow_address])
    assert found.addresses == [shadow_address], f"{capitals} does not resolve: {found.error}"


@requirement("TM-DNS-012")
def test_question_for_ipv6_is_answered_with_nothing(
    nameserver: Nameserver, echo: Echo, shadow_address: str
) -> None:
    """A mesh name that has an IPv4 address alone has no IPv6 address; that is no error."""
    ipv6, ipv4 = nameserver.ask(echo.mesh_host, "AAAA"), nameserver.ask(echo.mesh_host, "A")

    assert ipv4.addresses == [shadow_address]
    assert (ipv6.rcode, ipv6.answers) == ("NOERROR", ())


@requirement("TM-DNS-013")
def test_mesh_names_are_answered_over_tcp(nameserver: Nameserver, echo: Echo, shadow_address: str) -> None:
    """The same question has the same answer over TCP as over UDP."""
    over_udp, over_tcp = nameserver.ask(echo.mesh_host), nameserver.ask(echo.mesh_host, tcp=True)

    assert over_udp.addresses == [shadow_address]
    assert (over_tcp.rcode, over_tcp.addresses) == ("NOERROR", [shadow_address])


@requirement("TM-DNS-014")
@pytest.mark.parametrize("domain", [DOMAIN, OLD_DOMAIN])
def test_unknown_service_is_a_name_error(nameserver: Nameserver, workloads: Workloads, domain: str) -> None:
    """A service, or a namespace, that is not there is said not to exist; that is no failure."""
    names = [f"no-such-service.{workloads.namespace}.{domain}", f"server.no-such-namespace.{domain}"]

    said = {name: nameserver.ask(name).rcode for name in names}

    assert said == dict.fromkeys(names, "NXDOMAIN")


@requirement("TM-DNS-016")
def test_answers_do_not_outlive_a_change(nameserver: Nameserver, echo: Echo, workloads: Workloads) -> None:
    """What a resolver may keep, an address or that there is none, it may keep for half a minute at most."""
    there = nameserver.ask(echo.mesh_host)
    absent = nameserver.ask(f"no-such-service.{workloads.namespace}.{DOMAIN}")

    assert there.answers
    assert absent.authority, "a name error without the record that says how long it holds (RFC 2308)"
    lives = {each.owner: each.ttl for each in (*there.answers, *absent.authority)}
    assert {name: ttl for name, ttl in lives.items() if not 0 <= ttl <= LIVES_AT_MOST_S} == {}


@requirement("TM-DNS-019")
def test_mesh_domain_is_answered_from_the_cluster(nameserver: Nameserver, echo: Echo) -> None:
    """A name of the mesh's domain without a namespace in it is a name error, known in the cluster itself."""
    name = f"{echo.service}.{DOMAIN}"

    assert nameserver.ask(name).rcode == "NXDOMAIN"


@requirement("TM-DNS-023")
def test_longer_names_are_not_the_services(nameserver: Nameserver, echo: Echo, shadow_address: str) -> None:
    """Only service.namespace.traefik.mesh is a service's name: with another label before, it is none."""
    own, longer = nameserver.ask(echo.mesh_host), nameserver.ask(f"another.{echo.mesh_host}")

    assert own.addresses == [shadow_address]
    assert (longer.rcode, longer.answers) == ("NXDOMAIN", ())


@requirement("TM-DNS-008")
def test_search_list_leads_to_the_mesh_name_and_nowhere_else(
    nameserver: Nameserver, client: Client, echo: Echo, workloads: Workloads, shadow_address: str
) -> None:
    """A mesh name without a trailing dot is tried with each search domain first: all are name errors."""
    searched = [f"{workloads.namespace}.svc.cluster.local", "svc.cluster.local", "cluster.local"]
    tried = [f"{echo.mesh_host}.{domain}" for domain in searched]

    said = {name: nameserver.ask(name).rcode for name in tried}
    found = client.resolve(echo.mesh_host)[0]

    assert said == dict.fromkeys(tried, "NXDOMAIN")
    assert found.addresses == [shadow_address]
