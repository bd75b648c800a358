"""The end of the mesh: it goes without a trace."""

from typing import Final

from fixtures.catalogue import requirement, stage
from fixtures.mesh import Installation, corefile_of, footprint
from fixtures.verdicts import Facts
from meshproof.cluster.kube import KubeApi
from meshproof.judge.corefile import blocks
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = stage("removal")

COREDNS: Final = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
RESTART_MARK: Final = "traefik-mesh-hash"  # prepare and cleanup restart CoreDNS by changing this annotation


@requirement("TM-INSTALL-007")
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
def test_uninstall_restores_the_dns_configuration_to_the_letter(
    installation: Installation, mesh: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """After the mesh's own cleanup CoreDNS's configuration is byte for byte what it was."""
    if mesh.leftovers():
        mesh.uninstall()

    before, after = installation.corefile_before, corefile_of(kube)

    evidence.record({"corefile_before": before, "corefile_after": after})
    assert after == before


@requirement("TM-INSTALL-020")
def test_uninstall_takes_its_mark_off_the_dns(mesh: TraefikMesh, kube: KubeApi, evidence: Facts) -> None:
    """After the mesh's own cleanup CoreDNS's pods carry no annotation of the mesh's."""
    if mesh.leftovers():
        mesh.uninstall()

    annotations = kube.get(COREDNS)["spec"]["template"]["metadata"].get("annotations", {})

    evidence.record({"annotations": annotations})
    assert RESTART_MARK not in annotations
