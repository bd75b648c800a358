"""The cluster's DNS comes and goes; the mesh's names are part of it."""

from typing import Any, Final

from fixtures.catalogue import profile, requirement, stage
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.traefik_mesh import TraefikMesh

PODS: Final = "/api/v1/namespaces/kube-system/pods"
STEADY: Final = 10  # looks in a row, two seconds: kube-proxy has let go of the old pods' addresses
BACK_S: Final = 30.0  # pods whose image is in the node: 2 to 4 s, their first readiness probe another second
DEPLOYMENT: Final = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"


@requirement("TM-DNS-017")
@profile("lifecycle")
@stage("change")
def test_names_come_back_with_the_dns(
    client: Client,
    kube: KubeApi,
    echo: Echo,
    installed: TraefikMesh,
    workloads: Workloads,
    evidence: Facts,
) -> None:
    """When every DNS pod was killed, the new ones know the mesh's names: they are in the configuration."""
    shadow = installed.shadow_service("server", workloads.namespace)
    address = workloads.service_address(shadow, namespace=installed.settings.namespace)
    replicas = kube.get(DEPLOYMENT)["spec"]["replicas"]
    before = {each["metadata"]["name"] for each in dns_pods(kube)}  # more of them where one is still leaving

    for name in before:
        kube.delete(f"{PODS}/{name}", grace_s=0)

    def back() -> Look[list[str]]:
        others = [each for each in dns_pods(kube) if each["metadata"]["name"] not in before]
        found = client.resolve(echo.mesh_host)[0]
        all_ready = len(others) == replicas and all(is_ready(each) for each in others)
        met = all_ready and found.addresses == [address]
        return Look(
            met=met,
            value=found.addresses,
            seen=f"{len(others)} of {replicas} new pods; {found.error or found.addresses}",
        )

    converged = eventually(back, what="the mesh name resolves again", within=BACK_S, successes=STEADY)
    evidence.converged(converged.seconds)
    assert before
    assert converged.value == [address]


def dns_pods(kube: KubeApi) -> list[dict[str, Any]]:
    """The pods behind the cluster's DNS address."""
    return kube.items(PODS, labelSelector="k8s-app=kube-dns")


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether the pod's own readiness check has passed."""
    conditions = pod["status"].get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
