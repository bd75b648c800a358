"""Where the cluster's DNS is kube-dns, whose place a stand-in takes: what comes, and what goes again."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.dns import STUB_DOMAINS, stub_domains
from fixtures.lifecycle import MeshLike
from fixtures.mesh import Installation, corefile_of
from fixtures.verdicts import Facts
from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.corefile import blocks
from meshproof.mesh.adapter import MeshInstallError
from meshproof.mesh.naming import DOMAIN, OLD_DOMAIN
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = profile("kubedns")

USERS_OWN: Final = {"corp.example": ["192.0.2.53"]}  # RFC 5737: nobody's address
PROMISED_S: Final = 120.0  # as TM-INSTALL-001
SAID_BY_PREPARE_S: Final = 12.0  # it looks every ten seconds
SAID_WITHIN_S: Final = 30.0  # it is plain after a second; a slow machine gets thirty


@requirement("TM-INSTALL-024")
def test_install_beside_kube_dns_works(
    installation: Installation,
    installed: TraefikMesh,
    kube: KubeApi,
    workloads: Workloads,
    evidence: Facts,
) -> None:
    """With kubedns=true it brings a CoreDNS of its own, and gives the stand-in stub domains for it."""
    namespace = installed.settings.namespace
    evidence.record({"seconds": installation.seconds, "stub_domains": stub_domains(kube)})

    assert installation.error is None, str(installation.error)
    assert installation.seconds <= PROMISED_S
    own = kube.get(f"/api/v1/namespaces/{namespace}/configmaps/coredns")
    assert {"traefik.mesh:53", "maesh:53"} <= blocks(own["data"]["Corefile"]).keys()
    address = workloads.service_address("coredns", namespace=namespace)
    assert stub_domains(kube) == {DOMAIN: [address], OLD_DOMAIN: [address]}
    assert corefile_of(kube) == installation.corefile_before


@requirement("TM-INSTALL-025")
@stage("removal")
def test_uninstall_takes_the_stub_domains_back(
    installed: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """After the mesh's own cleanup the stand-in asks nobody for the mesh's domains; no mesh is left."""
    assert stub_domains(kube).keys() >= {DOMAIN, OLD_DOMAIN}, "nothing can be said of their removal"

    seconds = installed.uninstall()

    evidence.record({"seconds": seconds, "stub_domains": stub_domains(kube)})
    assert installed.leftovers() == ()
    assert stub_domains(kube).keys().isdisjoint({DOMAIN, OLD_DOMAIN})


@requirement("TM-INSTALL-028")
@stage("removal")
def test_uninstall_removes_the_configuration_that_it_made(
    mesh: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """kube-dns (the stand-in) ran without a ConfigMap before the mesh came, and does again after it went."""
    if mesh.leftovers():
        mesh.uninstall()
    found = kube.find(STUB_DOMAINS)

    evidence.record({"config_map": found and found.get("data")})
    assert found is None


@pytest.fixture(scope="module")
def users_stub_domains(kube: KubeApi, mesh: TraefikMesh) -> Iterator[dict[str, Any]]:
    """The user's own stub domains, there before the mesh is."""
    if mesh.leftovers():
        mesh.uninstall(graceful=False, namespace=False)
    kube.delete(STUB_DOMAINS)
    data = {"stubDomains": json.dumps(USERS_OWN)}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-dns"}, "data": data}
    kube.create(config, namespace="kube-system")
    try:
        yield USERS_OWN
    finally:
        if mesh.leftovers():
            mesh.uninstall(graceful=False)
        kube.delete(STUB_DOMAINS)


@requirement("TM-INSTALL-026")
@stage("removal")
def test_kube_dns_needs_a_value_and_the_install_says_so(
    mesh_like: MeshLike, users_stub_domains: dict[str, Any], kube: KubeApi, evidence: Facts
) -> None:
    """Without kubedns=true the install is soon refused, with cause and remedy; kube-dns is left alone."""
    candidate = mesh_like({"kubedns": False})
    begun = time.monotonic()

    with pytest.raises(MeshInstallError) as caught:
        candidate.install()

    found, seconds = caught.value.diagnosis, time.monotonic() - begun
    evidence.record({"seconds": seconds, "cause": found.cause, "remedy": found.remedy})
    assert "kube-dns" in found.cause
    assert "kubedns=true" in found.remedy
    assert seconds <= SAID_WITHIN_S
    assert stub_domains(kube) == users_stub_domains


@requirement("TM-INSTALL-030")
@stage("removal")
def test_prepare_says_what_it_waits_for(
    mesh_like: MeshLike, users_stub_domains: dict[str, Any], kube: KubeApi
) -> None:
    """Whoever looks at the log of the mesh's prepare meanwhile reads that its CoreDNS is missing."""
    del users_stub_domains
    candidate = mesh_like({"kubedns": False})
    if not candidate.leftovers():
        with pytest.raises(MeshInstallError):
            candidate.install()
    namespace = candidate.settings.namespace

    def told() -> Look[str]:
        pods = kube.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector="component=controller")
        container = f"{candidate.settings.release}-prepare"
        logs = [log_of(kube, namespace, each["metadata"]["name"], container) for each in pods]
        log = "".join(logs)
        return Look(met="coredns" in log.lower(), value=log, seen=log or "nothing is logged")

    eventually(told, what="prepare says what it waits for", within=SAID_BY_PREPARE_S)


def log_of(kube: KubeApi, namespace: str, pod: str, container: str) -> str:
    """What a container has said; nothing before it has started."""
    try:
        return kube.log(namespace, pod, container)
    except KubeError:
        return ""


@requirement("TM-INSTALL-029")
@stage("removal")
def test_users_own_stub_domains_are_kept(
    mesh: TraefikMesh, users_stub_domains: dict[str, Any], kube: KubeApi, evidence: Facts
) -> None:
    """The remedy works, the mesh's stub domains stand beside the user's, and only those go with it."""
    mesh.stop_controller()  # a prepare that waits for a DNS it knows
    try:
        mesh.install()
        beside = stub_domains(kube)
    finally:
        mesh.uninstall()

    evidence.record({"beside": beside, "after": stub_domains(kube)})
    assert beside.keys() == {*users_stub_domains, DOMAIN, OLD_DOMAIN}
    assert {name: beside[name] for name in users_stub_domains} == users_stub_domains
    assert stub_domains(kube) == users_stub_domains
