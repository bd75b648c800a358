"""The end of the mesh: it goes without a trace; and without a DNS that it knows it does not come."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from fixtures.catalogue import requirement, stage
from fixtures.mesh import Installation, corefile_of, footprint
from fixtures.session import Session, mesh_on
from fixtures.verdicts import Facts
from meshproof.cluster.kind import KindCluster
from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.corefile import blocks
from meshproof.mesh.adapter import MeshInstallError
from meshproof.mesh.traefik_mesh import TraefikMesh

DNS_MOVES_S: Final = 60.0  # a deployment of two pods that are in the node
HIDDEN_AS: Final = "some-other-dns"  # as where an operator deploys CoreDNS under a name of its own
DEPLOYMENTS: Final = "/apis/apps/v1/namespaces/kube-system/deployments"


@requirement("TM-INSTALL-007")
@stage("removal")
def test_uninstall_leaves_nothing(
    installation: Installation, mesh: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """After the mesh's own cleanup the cluster is as it was before."""
    assert mesh.leftovers(), "the mesh is not there: nothing can be said of its removal"

    seconds = mesh.uninstall()

    left = mesh.leftovers()
    more = sorted(footprint(kube) - installation.footprint_before)
    evidence.record({"seconds": seconds, "left": list(left), "more_than_before": more})
    assert not left
    assert not more
    assert blocks(corefile_of(kube)) == blocks(installation.corefile_before)


@requirement("TM-INSTALL-009")
@stage("removal")
def test_uninstall_restores_the_dns_configuration_to_the_letter(
    installation: Installation, mesh: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """After the mesh's own cleanup CoreDNS's configuration is byte for byte what it was."""
    if mesh.leftovers():
        mesh.uninstall()

    before, after = installation.corefile_before, corefile_of(kube)

    evidence.record({"corefile_before": before, "corefile_after": after})
    assert after == before


@pytest.fixture
def dns_under_another_name(kube: KubeApi, mesh: TraefikMesh) -> Iterator[None]:
    """CoreDNS serves on, but its deployment is called something else; put back afterwards."""
    if mesh.leftovers():  # its own cleanup needs the DNS that it knows
        mesh.uninstall()
    original = kube.get(f"{DEPLOYMENTS}/coredns")
    try:
        move_deployment(kube, original, to=HIDDEN_AS)
        yield
    finally:
        if kube.find(f"{DEPLOYMENTS}/coredns") is None:
            move_deployment(kube, original, to="coredns", away=HIDDEN_AS)


@requirement("TM-INSTALL-008")
@stage("removal")
def test_install_without_supported_dns_is_diagnosed(
    cluster: KindCluster, session: Session, dns_under_another_name: None, evidence: Facts
) -> None:
    """The install fails, and the diagnosis names the cause, the evidence and the remedy."""
    del dns_under_another_name
    candidate = mesh_on(cluster, session.mesh_settings, cluster.kube())

    try:
        with pytest.raises(MeshInstallError) as caught:
            candidate.install()
    finally:
        candidate.uninstall()

    found = caught.value.diagnosis
    evidence.record({"cause": found.cause, "remedy": found.remedy, "evidence": found.evidence})
    assert "no supported DNS service available" in found.evidence
    assert "coredns" in found.cause
    assert "kubedns=true" in found.remedy


@requirement("TM-INSTALL-008")
@stage("removal")
def test_install_works_once_dns_is_back(
    cluster: KindCluster, session: Session, mesh: TraefikMesh, evidence: Facts
) -> None:
    """With the deployment under its usual name again, the same install succeeds."""
    if mesh.leftovers():
        mesh.uninstall()
    candidate = mesh_on(cluster, session.mesh_settings, cluster.kube())

    try:
        seconds = candidate.install()
        evidence.record({"seconds": seconds})

        assert candidate.readiness()
    finally:
        candidate.uninstall()


def move_deployment(kube: KubeApi, original: dict[str, Any], *, to: str, away: str = "coredns") -> None:
    """Delete a deployment and create it again under another name, with the same pods."""
    kube.delete(f"{DEPLOYMENTS}/{away}")
    metadata = {"name": to, "namespace": "kube-system", "labels": original["metadata"].get("labels", {})}
    kube.create(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": original["spec"]},
        namespace="kube-system",
    )

    def available() -> Look[None]:
        status = kube.get(f"{DEPLOYMENTS}/{to}")["status"]
        met = status.get("availableReplicas") == original["spec"]["replicas"]
        return Look(met=met, value=None, seen=str(status))

    eventually(available, what=f"deployment {to} is available", within=DNS_MOVES_S)
