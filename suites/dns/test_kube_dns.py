"""Where the cluster's DNS is kube-dns, whose place a stand-in takes: the mesh's domains are stub domains."""

from typing import Final

import pytest

from fixtures.catalogue import judges_the_direct_path, profile, requirement, stage
from fixtures.dns import Nameserver, stub_domains
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.crossing import went_around
from meshproof.mesh.naming import DOMAIN, OLD_DOMAIN
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = profile("kubedns")

STOPS_S: Final = 30.0  # CoreDNS goes on serving for some seconds when it is told to stop
SERVES_S: Final = (
    30.0  # kube-proxy needs one second, and a name server that was silent is tried again after some
)


@requirement("TM-DNS-020")
@pytest.mark.parametrize("domain", [DOMAIN, OLD_DOMAIN])
def test_mesh_names_resolve_through_the_stub_domain(
    nameserver: Nameserver,
    kube: KubeApi,
    installed: TraefikMesh,
    workloads: Workloads,
    domain: str,
    evidence: Facts,
) -> None:
    """kube-dns (the stand-in) is told to ask the mesh's CoreDNS, which knows the shadow service's address."""
    namespace = installed.settings.namespace
    told = stub_domains(kube)
    evidence.record({"stub_domains": told})
    shadow = installed.shadow_service("server", workloads.namespace)
    own_dns = workloads.service_address("coredns", namespace=namespace)

    answer = nameserver.ask(f"server.{workloads.namespace}.{domain}")

    assert told.get(domain) == [own_dns]
    assert answer.addresses == [workloads.service_address(shadow, namespace=namespace)]


@requirement("TM-DNS-021")
@judges_the_direct_path()
def test_other_names_stay_with_kube_dns(
    nameserver: Nameserver, installed: TraefikMesh, workloads: Workloads
) -> None:
    """The cluster's own names are answered as before, unknown ones are name errors, in either domain."""
    own = {
        f"server.{workloads.namespace}.svc.cluster.local": workloads.service_address("server"),
        "kubernetes.default.svc.cluster.local": workloads.service_address("kubernetes", namespace="default"),
    }
    unknown = [
        f"no-such-service.{workloads.namespace}.svc.cluster.local",
        installed.mesh_host("no-such-service", workloads.namespace),
    ]

    found = {name: nameserver.ask(name).addresses for name in own}
    said = {name: nameserver.ask(name).rcode for name in unknown}

    assert found == {name: [address] for name, address in own.items()}
    assert said == dict.fromkeys(unknown, "NXDOMAIN")


@requirement("TM-DNS-021")
@judges_the_direct_path()
@stage("change")
def test_other_names_do_not_hang_on_the_meshs_dns(
    nameserver: Nameserver, kube: KubeApi, installed: TraefikMesh
) -> None:
    """While the mesh's CoreDNS is away kube-dns (the stand-in) knows the cluster's own names all the same."""
    asked = "kube-dns.kube-system.svc.cluster.local"  # that no other check asks for: no cache knows it
    dns = f"/apis/apps/v1/namespaces/{installed.settings.namespace}/deployments/coredns"
    scale(kube, dns, 0)
    try:
        found = nameserver.ask(asked).addresses
        rcode = nameserver.ask(f"no-{asked}").rcode
    finally:
        scale(kube, dns, 1)
        serves_again(nameserver)

    assert found == [nameserver.address]
    assert rcode == "NXDOMAIN"


def scale(kube: KubeApi, deployment: str, replicas: int) -> None:
    """Let so many pods serve, and no other."""
    kube.merge(deployment, {"spec": {"replicas": replicas}})
    pods = f"{deployment.replace('/apis/apps/v1/', '/api/v1/').partition('/deployments')[0]}/pods"

    def look() -> Look[None]:
        status = kube.get(deployment).get("status", {})
        there = len(kube.items(pods, labelSelector="component=coredns"))
        met = there == status.get("availableReplicas", 0) == replicas
        return Look(met=met, value=None, seen=f"{there} pods; {status}")

    eventually(look, what=f"{replicas} pods of the mesh's CoreDNS serve", within=STOPS_S)


def serves_again(nameserver: Nameserver) -> None:
    """Wait until kube-dns reaches the mesh's CoreDNS: it has taken it for dead."""

    def look() -> Look[None]:
        try:
            rcode = nameserver.ask(f"no-such-service.nowhere.{DOMAIN}").rcode
        except AssertionError as silence:
            return Look(met=False, value=None, seen=str(silence))
        return Look(met=rcode == "NXDOMAIN", value=None, seen=rcode)

    eventually(look, what="the mesh's domain is answered for again", within=SERVES_S)


@requirement("TM-DNS-022")
def test_traffic_reaches_the_mesh_behind_kube_dns(client: Client, echo: Echo, installed: TraefikMesh) -> None:
    """A request to a mesh name crosses a proxy, and one to the plain name does not."""
    through, direct = client.get(echo.mesh_url("/?format=json")), client.get(echo.direct_url("/?format=json"))

    assert went_around(through.seen_by_server, installed.proxies()) is None
    assert direct.seen_by_server.header("X-Forwarded-Server") is None
