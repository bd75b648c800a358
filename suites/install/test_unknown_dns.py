"""Where the cluster's DNS is none that the mesh knows: what an install says, and that it works afterwards."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.lifecycle import Attempt, MeshCommand, attempted, reaches
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.under_test import mesh_on
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.dns import hide_coredns, switch_dns
from meshproof.cluster.kind import KindCluster
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.mesh.objects import deployments_path
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = [profile("lifecycle"), stage("removal")]


@pytest.fixture(scope="module")
def dns_of_another_name(kube: KubeApi, mesh: TraefikMesh) -> Iterator[None]:
    """CoreDNS serves on from a deployment of another name, as an operator's does; put back afterwards."""
    if mesh.leftovers():  # its own cleanup needs the DNS that it knows
        mesh.uninstall(graceful=False, namespace=False)
    try:
        hide_coredns(kube)
        yield
    finally:
        switch_dns(kube, to="coredns")


@pytest.fixture(scope="module")
def refused(session: Session, cluster: KindCluster, dns_of_another_name: None) -> Iterator[Attempt]:
    """The mesh whose install is to fail for want of a DNS that it knows."""
    del dns_of_another_name
    kube = cluster.kube()
    candidate = mesh_on(cluster, session.mesh_settings, kube)
    attempt = Attempt(mesh=candidate, error=None)
    try:
        attempt = attempted(candidate)
        yield attempt
    finally:
        if kube.find(f"{deployments_path('kube-system')}/coredns") is None:  # else the mesh is there again
            if attempt.error is None:  # it has something to clean up, and needs a DNS that it knows
                switch_dns(kube, to="coredns")
            candidate.uninstall(graceful=False)


@requirement("TM-INSTALL-008")
def test_install_without_supported_dns_is_diagnosed(refused: Attempt, evidence: Facts) -> None:
    """The install fails, and the diagnosis names the cause, the evidence and the remedy."""
    assert refused.error is not None, "it was installed where no DNS leads a name to it"
    found = refused.error.diagnosis
    evidence.record({"cause": found.cause, "remedy": found.remedy, "evidence": found.evidence})

    assert "no supported DNS service available" in found.evidence
    assert "coredns" in found.cause
    assert "kubedns=true" in found.remedy


@requirement("TM-INSTALL-014")
def test_refused_install_can_be_cleaned_up(refused: Attempt, mesh_command: MeshCommand) -> None:
    """The mesh's cleanup, which every uninstall runs first, ends well where there is nothing to do."""
    del refused

    ended = mesh_command("cleanup")

    assert ended.status == 0, ended.log


@requirement("TM-INSTALL-008")
@requirement("TM-INSTALL-019")
def test_mesh_comes_back_once_there_is_a_dns(
    client: Client, echo: Echo, mesh: TraefikMesh, kube: KubeApi, workloads: Workloads, evidence: Facts
) -> None:
    """After a removal, and once the DNS has its usual name, it works again, for a new service too."""
    switch_dns(kube, to="coredns")
    if mesh.leftovers():
        mesh.uninstall()

    seconds = mesh.install()

    evidence.record({"seconds": seconds})
    spec = {"selector": {"app": "server"}, "ports": [{"name": "web", "port": 80, "targetPort": "web"}]}
    late = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "late"}, "spec": spec}
    workloads.create(late)
    try:
        new = replace(echo, mesh_host=mesh.mesh_host("late", workloads.namespace))
        for service in (echo, new):
            exchange = reaches(client, service)
            assert went_around(exchange.seen_by_server, mesh.proxies()) is None
    finally:
        workloads.remove_service("late")
