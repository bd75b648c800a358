"""The cluster's DNS fails, or loses what the mesh had put into it."""

import time
from collections.abc import Iterator
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.mesh import Installation, corefile_of
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.faults import Faults
from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.corefile import missing_blocks
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = [profile("two-nodes"), stage("change")]

CONFIG_MAP: Final = "/api/v1/namespaces/kube-system/configmaps/coredns"
ZONES: Final = ("traefik.mesh:53", "maesh:53")
RETURNS_S: Final = 15.0  # once CoreDNS is ready only the rules of every node's kube-proxy are missing
MENDED_S: Final = 30.0  # a controller's pod starts, prepare first: 2 to 4 s are usual


@requirement("TM-RES-009")
def test_mesh_names_come_back_with_dns(
    faults: Faults, client: Client, spread: Echo, mesh: TraefikMesh, evidence: Facts
) -> None:
    """Without CoreDNS a new connection fails for its name, one that is there serves on; then all is well."""
    url = spread.mesh_url("/?format=json")
    kept = client.request(url, fresh=False)
    proxies = {each.ip for each in mesh.proxies()}
    client.send([kept])

    with faults.scaled("coredns", 0):
        established, fresh = client.send([kept]), client.send([client.request(url)])
        back = time.monotonic()

    def answers() -> Look[None]:
        exchanges = client.look([client.request(url)] * 4)
        met = all(each.seen for each in exchanges)
        return Look(met=met, value=None, seen="\n".join(each.told() for each in exchanges))

    eventually(answers, what="mesh names resolve again", within=RETURNS_S, successes=3)
    evidence.converged(time.monotonic() - back)
    assert established[0].timing.connect_ms is None, "the connection was not kept"
    assert established[0].seen_by_server.remote_ip in proxies
    assert fresh[0].failure is not None, fresh[0].told()
    assert fresh[0].timing.connect_ms is None, fresh[0].told()  # refused names and silent servers alike


@pytest.fixture
def replaced(kube: KubeApi, faults: Faults, installation: Installation) -> Iterator[None]:
    """Somebody applied CoreDNS's configuration as it was before the mesh, from their own files.

    Where nobody puts it back, CoreDNS is restarted with it: by itself it may take minutes to see it.
    """
    kept = corefile_of(kube)
    try:
        kube.merge(CONFIG_MAP, {"data": {"Corefile": installation.corefile_before}})
        yield
    finally:
        if corefile_of(kube) != kept:
            kube.merge(CONFIG_MAP, {"data": {"Corefile": kept}})
            faults.restart("deployments", "coredns", namespace="kube-system", mark=str(time.time()))
            faults.wait_rolled_out("deployments", "coredns", namespace="kube-system")


@requirement("TM-RES-010")
def test_lost_dns_configuration_is_named_and_put_back(
    faults: Faults, kube: KubeApi, mesh: TraefikMesh, client: Client, replaced: None, evidence: Facts
) -> None:
    """The missing server blocks are named; a controller that starts puts them back."""
    del replaced, client
    lost = missing_blocks(corefile_of(kube), ZONES)
    controller, namespace = f"{mesh.settings.release}-controller", mesh.settings.namespace

    began = time.monotonic()
    faults.restart("deployments", controller, namespace=namespace, mark=str(time.time()))

    def mended() -> Look[None]:
        said = missing_blocks(corefile_of(kube), ZONES)
        return Look(met=said is None, value=None, seen=str(said))

    eventually(mended, what="the mesh's server blocks are back", within=MENDED_S)
    evidence.converged(time.monotonic() - began)
    faults.wait_rolled_out("deployments", controller, namespace=namespace)
    faults.wait_rolled_out("deployments", "coredns", namespace="kube-system")
    evidence.record({"said": lost})
    assert lost is not None
    assert all(zone in lost for zone in ZONES)
