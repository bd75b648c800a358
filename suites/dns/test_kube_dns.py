"""Where the cluster's DNS is kube-dns, whose place a stand-in takes: the mesh's domains are stub domains."""

import json

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.dns import Nameserver
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.mesh.naming import DOMAIN, OLD_DOMAIN
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = profile("kubedns")


@requirement("TM-DNS-020")
@pytest.mark.parametrize("domain", [DOMAIN, OLD_DOMAIN])
def test_mesh_names_resolve_through_the_stub_domain(
    nameserver: Nameserver,
    kube: KubeApi,
    mesh: TraefikMesh,
    workloads: Workloads,
    domain: str,
    evidence: Facts,
) -> None:
    """kube-dns (the stand-in) is told to ask the mesh's CoreDNS, which knows the shadow service's address."""
    config = kube.get("/api/v1/namespaces/kube-system/configmaps/kube-dns")["data"]
    evidence.record({"kube-dns": config})
    shadow = mesh.shadow_service("server", workloads.namespace)
    own_dns = workloads.service_address("coredns", namespace=mesh.settings.namespace)

    answer = nameserver.ask(f"server.{workloads.namespace}.{domain}")

    assert json.loads(config["stubDomains"])[domain] == [own_dns]
    assert answer.addresses == [workloads.service_address(shadow, namespace=mesh.settings.namespace)]


@requirement("TM-DNS-021")
def test_other_names_stay_with_kube_dns(
    nameserver: Nameserver, mesh: TraefikMesh, workloads: Workloads
) -> None:
    """The cluster's own names are answered as before, unknown ones are name errors, in either domain."""
    own = {
        f"server.{workloads.namespace}.svc.cluster.local": workloads.service_address("server"),
        "kubernetes.default.svc.cluster.local": workloads.service_address("kubernetes", namespace="default"),
    }
    unknown = [
        f"no-such-service.{workloads.namespace}.svc.cluster.local",
        mesh.mesh_host("no-such-service", workloads.namespace),
    ]

    found = {name: nameserver.ask(name).addresses for name in own}
    said = {name: nameserver.ask(name).rcode for name in unknown}

    assert found == {name: [address] for name, address in own.items()}
    assert said == dict.fromkeys(unknown, "NXDOMAIN")


@requirement("TM-DNS-022")
def test_traffic_reaches_the_mesh_behind_kube_dns(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """A request to a mesh name crosses a proxy, and one to the plain name does not."""
    through, direct = client.get(echo.mesh_url("/?format=json")), client.get(echo.direct_url("/?format=json"))

    assert went_around(through.seen_by_server, mesh.proxies()) is None
    assert direct.seen_by_server.header("X-Forwarded-Server") is None
