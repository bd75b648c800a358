"""Names of the mesh, as an application's resolver sees them."""

from typing import Final

from fixtures.catalogue import requirement
from fixtures.mesh import Installation
from fixtures.probe import Client
from fixtures.verdicts import Facts
from meshproof.cluster.workloads import Workloads
from meshproof.judge.corefile import blocks
from meshproof.mesh.naming import OLD_DOMAIN
from meshproof.mesh.traefik_mesh import TraefikMesh

COLD_LOOKUP_MS: Final = 1000.0  # a healthy one takes 1 to 20 ms; a dead upstream server costs 2 s and more


@requirement("TM-DNS-001")
def test_mesh_name_resolves_to_the_shadow_service(
    client: Client, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """A service's mesh name leads to its shadow service and nowhere else."""
    name = mesh.mesh_host("server", workloads.namespace)

    found = client.resolve(name)[0]

    shadow = mesh.shadow_service("server", workloads.namespace)
    assert found.addresses == [workloads.service_address(shadow, namespace=mesh.settings.namespace)]


@requirement("TM-DNS-002")
def test_older_name_resolves_to_the_same_address(
    client: Client, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """The name from before the mesh was renamed leads to the same place."""
    older = f"server.{workloads.namespace}.{OLD_DOMAIN}"

    old, new = client.resolve(older, mesh.mesh_host("server", workloads.namespace))

    assert old.addresses, f"{older} does not resolve: {old.error}"
    assert old.addresses == new.addresses


@requirement("TM-DNS-003")
def test_name_without_a_service_does_not_resolve(
    client: Client, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """A name of the mesh's domain that no service stands behind is an error, at once."""
    absent = mesh.mesh_host("no-such-service", workloads.namespace)

    found, known = client.resolve(absent, mesh.mesh_host("server", workloads.namespace))

    assert known.addresses, f"the resolver answers nothing of the mesh's domain: {known.error}"
    assert found.addresses == []
    assert found.error is not None
    assert "not known" in found.error or "No address" in found.error, found.error


@requirement("TM-DNS-004")
def test_names_of_the_cluster_are_unharmed(client: Client, workloads: Workloads) -> None:
    """The cluster's own names lead where they always did."""
    own = {
        f"server.{workloads.namespace}.svc.cluster.local": workloads.service_address("server"),
        "kubernetes.default.svc.cluster.local": workloads.service_address("kubernetes", namespace="default"),
        "kubernetes.default": workloads.service_address("kubernetes", namespace="default"),
        "overhead": workloads.service_address("overhead"),
    }

    found = {each.name: each.addresses for each in client.resolve(*own)}

    assert found == {name: [address] for name, address in own.items()}


@requirement("TM-DNS-005")
def test_trailing_dot_changes_nothing(client: Client, mesh: TraefikMesh, workloads: Workloads) -> None:
    """An absolute mesh name resolves as the relative one."""
    name = mesh.mesh_host("server", workloads.namespace)

    relative, absolute = client.resolve(name, f"{name}.")

    assert absolute.addresses, f"{name}. does not resolve: {absolute.error}"
    assert absolute.addresses == relative.addresses


@requirement("TM-DNS-006")
def test_install_only_adds_to_the_dns_configuration(
    installation: Installation, mesh: TraefikMesh, evidence: Facts
) -> None:
    """CoreDNS's configuration of before is there to the letter; the mesh's blocks are all that is new."""
    before, after = installation.corefile_before, mesh.corefile() or ""
    evidence.record({"corefile_before": before, "corefile_after": after})

    kept, added = blocks(before), blocks(after)

    assert {zone: added.get(zone) for zone in kept} == kept
    assert sorted(added.keys() - kept.keys()) == ["maesh:53", "traefik.mesh:53"]


@requirement("TM-DNS-007")
def test_first_look_up_is_quick(client: Client, mesh: TraefikMesh, workloads: Workloads) -> None:
    """A name that nobody asked for before is answered at once, and so is one that does not exist."""
    never_asked = [mesh.mesh_host(name, workloads.namespace) for name in ("client", "never-asked-before")]

    found = client.resolve(*never_asked)

    assert found[0].addresses, f"{found[0].name} does not resolve: {found[0].error}"
    slow = {each.name: round(each.total_ms) for each in found if each.total_ms > COLD_LOOKUP_MS}
    assert not slow, f"look-ups of more than {COLD_LOOKUP_MS:g} ms: {slow}"
