"""The end of the mesh: it goes without a trace."""

from typing import Final

from fixtures.catalogue import profile, requirement, stage
from fixtures.lifecycle import MeshLike
from fixtures.mesh import KUBERNETES_OWN, Installation, corefile_of, footprint
from fixtures.verdicts import Facts
from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.corefile import blocks
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = stage("removal")

COREDNS: Final = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
RESTART_MARK: Final = "traefik-mesh-hash"  # prepare and cleanup restart CoreDNS by changing this annotation

USERS_OWN: Final = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "users-own"}}
WITHIN: Final = (
    *(f"/api/v1/namespaces/users-own/{kind}" for kind in ("configmaps", "pods", "secrets", "services")),
    "/api/v1/namespaces/users-own/serviceaccounts",
    *(f"/apis/apps/v1/namespaces/users-own/{kind}" for kind in ("daemonsets", "deployments")),
    "/apis/batch/v1/namespaces/users-own/jobs",
    *(
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/users-own/{kind}"
        for kind in ("roles", "rolebindings")
    ),
)
GONE_S: Final = 60.0  # an empty namespace: five seconds


@requirement("TM-INSTALL-007")
@profile("plain", campaigns="lifecycle")
def test_uninstall_leaves_nothing(
    installation: Installation, installed: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """After the mesh's own cleanup the cluster is as it was before."""
    seconds = installed.uninstall()

    left = installed.leftovers()
    more = sorted(footprint(kube) - installation.footprint_before)
    evidence.record({"seconds": seconds, "left": list(left), "more_than_before": more})
    assert not left
    assert not more
    assert blocks(corefile_of(kube)) == blocks(installation.corefile_before)


@requirement("TM-INSTALL-032")
@profile("lifecycle")
def test_uninstall_leaves_nothing_in_a_namespace_that_was_there(
    mesh_like: MeshLike, removed: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """Where the mesh's namespace is the user's own, it stays, and nothing of the mesh's is in it."""
    del removed
    candidate = mesh_like(namespace="users-own")
    kube.create(USERS_OWN)
    try:
        candidate.install()
        candidate.uninstall()
        left = sorted(within(kube))
        evidence.record({"left": left, "leftovers": list(candidate.leftovers())})
        assert candidate.leftovers() == ()
        assert left == []
        assert kube.find("/api/v1/namespaces/users-own") is not None
    finally:
        if candidate.leftovers():
            candidate.uninstall()
        kube.delete("/api/v1/namespaces/users-own")

        def gone() -> Look[None]:
            found = kube.find("/api/v1/namespaces/users-own")
            return Look(met=found is None, value=None, seen=str(found and found.get("status")))

        eventually(gone, what="the user's namespace is gone", within=GONE_S)


def within(kube: KubeApi) -> set[str]:
    """What is in the user's namespace, but for Kubernetes' own."""
    return {
        f"{path.rpartition('/')[2]} {each['metadata']['name']}"
        for path in WITHIN
        for each in kube.items(path)
        if each["metadata"]["name"] not in KUBERNETES_OWN
    }


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
