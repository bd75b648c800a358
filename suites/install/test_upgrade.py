"""The mesh is changed while it works: other values, another cluster domain, a pinned CoreDNS."""

from collections.abc import Iterator
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.dns import Nameserver
from fixtures.lifecycle import MeshCommand, MeshLike
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.corefile import blocks
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = [profile("lifecycle"), stage("change")]

COREDNS: Final = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
ROLLED_OUT_S: Final = 60.0  # two pods whose image is in the node, one after the other: 5 to 15 s
LEAST_MEANWHILE: Final = 100  # requests: fewer would have missed a gap of a second
RATE: Final = 50  # requests per second: one every 20 ms finds a gap of a proxy's restart, which takes 1 s

OTHER_DOMAIN: Final = "cluster.example"

# A digest as any other: its first character is a letter, as in six of sixteen.
PINNED: Final = "@sha256:a3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@requirement("TM-INSTALL-011")
def test_upgrade_fails_no_request(
    client: Client,
    echo: Echo,
    installed: TraefikMesh,
    mesh_like: MeshLike,
    workloads: Workloads,
    evidence: Facts,
) -> None:
    """Other values replace controller and proxies, the old ones again; every request is answered."""
    first = {each.uid for each in installed.proxies()}
    shadow = installed.shadow_service("server", workloads.namespace)
    address = workloads.service_address(shadow, namespace=installed.settings.namespace)
    url = (
        f"http://{address}/?format=json"  # where the mesh name leads, each time with a connection of its own
    )

    with client.steady(url, headers=[("Host", echo.mesh_host)], rate=RATE, fresh=True) as traffic:
        try:
            there = mesh_like({"logLevel": "debug"}).install()
            second = {each.uid for each in installed.proxies()}
        finally:
            back = installed.install()

    evidence.record({"seconds": there, "seconds_back": back})
    assert first.isdisjoint(second), "the proxies were not replaced: nothing can be said of an upgrade"
    assert second.isdisjoint(each.uid for each in installed.proxies())
    assert traffic.result.sent >= LEAST_MEANWHILE
    assert traffic.result.lost == 0, traffic.result.told()
    exchange = client.get(echo.mesh_url("/?format=json"))
    assert went_around(exchange.seen_by_server, installed.proxies()) is None


@pytest.fixture
def coredns_pinned(installed: TraefikMesh, kube: KubeApi) -> Iterator[str]:
    """CoreDNS's image is named by tag and digest; its rollout is held, so that its pods serve on."""
    del installed
    found = kube.get(COREDNS)["spec"]["template"]["spec"]["containers"]
    index = next(number for number, each in enumerate(found) if each["name"] == "coredns")
    image = found[index]["image"]
    path = f"/spec/template/spec/containers/{index}/image"
    try:
        patch(kube, ("add", "/spec/paused", True), ("replace", path, f"{image}{PINNED}"))
        yield f"{image}{PINNED}"
    finally:
        patch(kube, ("replace", path, image))
        patch(kube, ("remove", "/spec/paused", None))
        rolled_out(kube)


def patch(kube: KubeApi, *changes: tuple[str, str, object]) -> None:
    """Change CoreDNS's deployment by a JSON patch (RFC 6902)."""
    body = [{"op": op, "path": path, "value": value} for op, path, value in changes]
    kube.raw("PATCH", COREDNS, body=body, content_type="application/json-patch+json")


def rolled_out(kube: KubeApi) -> None:
    """CoreDNS's pods are those of its newest template, all available."""

    def look() -> Look[None]:
        found = kube.get(COREDNS)
        status = found["status"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        observed = status.get("observedGeneration") == found["metadata"]["generation"]
        return Look(met=observed and counts == {found["spec"]["replicas"]}, value=None, seen=str(status))

    eventually(look, what="CoreDNS has rolled out", within=ROLLED_OUT_S)


@requirement("TM-INSTALL-015")
def test_pinned_dns_image_is_no_obstacle(
    mesh_command: MeshCommand, coredns_pinned: str, evidence: Facts
) -> None:
    """What prepares the cluster's DNS takes the version from the image's tag, whatever digest follows it."""
    evidence.record({"image": coredns_pinned})

    ended = mesh_command("prepare", "--clusterDomain=cluster.local")

    assert ended.status == 0, ended.log


@requirement("TM-INSTALL-016")
def test_mesh_names_resolve_in_another_cluster_domain(
    nameserver: Nameserver,
    echo: Echo,
    installed: TraefikMesh,
    mesh_like: MeshLike,
    workloads: Workloads,
    evidence: Facts,
) -> None:
    """The mesh's zones serve the domain that it is installed for; its names lead where they did."""
    shadow = installed.shadow_service("server", workloads.namespace)
    expected = [workloads.service_address(shadow, namespace=installed.settings.namespace)]
    try:
        mesh_like({"clusterDomain": OTHER_DOMAIN}).install()
        zones = blocks(installed.corefile() or "")
        evidence.record({"zones": zones})

        answer = nameserver.ask(echo.mesh_host)
        own = nameserver.ask("kubernetes.default.svc.cluster.local")
    finally:
        installed.install()

    assert f"kubernetes {OTHER_DOMAIN} in-addr.arpa ip6.arpa" in zones["traefik.mesh:53"]
    assert "cluster.local" not in zones["traefik.mesh:53"]
    assert answer.addresses == expected
    assert {each.owner for each in answer.answers} == {f"{echo.mesh_host}."}
    assert own.addresses == [workloads.service_address("kubernetes", namespace="default")]
