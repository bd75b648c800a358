"""The mesh goes and comes back: under traffic, elsewhere, where it cannot work, after a killed install."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.lifecycle import MeshCommand, helm_of
from fixtures.mesh import footprint
from fixtures.probe import Client
from fixtures.session import Session, mesh_on
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.dns import hide_coredns, switch_dns
from meshproof.cluster.kind import KindCluster
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.process import run
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.crossing import went_around
from meshproof.mesh.adapter import MeshInstallError
from meshproof.mesh.objects import deployments_path, find_namespace
from meshproof.mesh.rendered import parse
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.errors import HarnessError
from meshproof.model.exchange import Exchange

pytestmark = [profile("lifecycle"), stage("removal")]

LEAST_MEANWHILE: Final = 100  # requests: fewer would have missed a gap of a second
RATE: Final = 50  # requests per second
ROUTED_S: Final = 30.0  # poll 1 s, throttle 2 s, DNS and start-up on a busy machine
KILLED_AFTER_S: Final = 6  # helm has made everything within two seconds, and then waits for the hook
DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SPLITS: Final = "trafficsplits.split.smi-spec.io"

# A hook that helm waits for and that never ends: a Job that is not to start.
ENDLESS: Final = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: endless
  labels: {app: maesh}
  annotations: {helm.sh/hook: post-install}
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers: [{name: endless, image: "docker.io/traefik/mesh:v1.4.8"}]
"""


@requirement("TM-INSTALL-018")
def test_uninstall_leaves_direct_traffic_alone(
    client: Client, echo: Echo, installed: TraefikMesh, workloads: Workloads, evidence: Facts
) -> None:
    """While the mesh is removed, every request to a service itself is answered."""
    # By its address: cleanup restarts the DNS, and what that costs a look-up is not the service's matter.
    url = f"http://{workloads.service_address('server')}/?format=json"

    with client.steady(url, headers=[("Host", echo.direct_host)], rate=RATE, fresh=True) as traffic:
        seconds = installed.uninstall()

    evidence.record({"seconds": seconds})
    assert installed.leftovers() == ()
    assert traffic.result.sent >= LEAST_MEANWHILE
    assert traffic.result.lost == 0, traffic.result.told()
    assert client.get(echo.direct_url("/?format=json")).seen is not None


@dataclass(frozen=True, kw_only=True)
class UsersSplit:
    """A definition that the user brought, and an object of it: their unique ids."""

    path: str
    definition: str
    split: str


@pytest.fixture(scope="module")
def users_split(
    session: Session, cluster: KindCluster, kube: KubeApi, mesh: TraefikMesh, workloads: Workloads
) -> Iterator[UsersSplit]:
    """The user's own definition of TrafficSplits, in the cluster before the mesh is, and one TrafficSplit."""
    if mesh.leftovers():
        mesh.uninstall()
    home = cluster.path
    text = helm_of(cluster, session.mesh_settings, home).template(session.mesh_settings.chart, [])
    definition = next(each for each in parse(text).objects if each["metadata"]["name"] == SPLITS)
    path = f"/apis/split.smi-spec.io/v1alpha3/namespaces/{workloads.namespace}/trafficsplits"
    split = {
        "apiVersion": "split.smi-spec.io/v1alpha3",
        "kind": "TrafficSplit",
        "metadata": {"name": "users-own"},
        "spec": {"service": "nobodys", "backends": [{"service": "nobodys-v1", "weight": 1}]},
    }
    try:
        kube.raw("POST", DEFINITIONS, body=dict(definition))

        def made() -> Look[None]:
            return Look(met=served(kube, path), value=None, seen=f"{path} is not served yet")

        eventually(made, what="the API server serves TrafficSplits", within=ROUTED_S)
        kube.raw("POST", path, body=split)
        yield UsersSplit(
            path=f"{path}/users-own",
            definition=uid(kube, f"{DEFINITIONS}/{SPLITS}"),
            split=uid(kube, f"{path}/users-own"),
        )
    finally:
        kube.delete(f"{DEFINITIONS}/{SPLITS}")


def served(kube: KubeApi, path: str) -> bool:
    """Whether the API server knows this collection."""
    return kube.find(path) is not None


def uid(kube: KubeApi, path: str) -> str:
    """What tells an object from a later one of the same name; empty when it is gone."""
    return str((kube.find(path) or {}).get("metadata", {}).get("uid", ""))


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """The mesh as another release in another namespace: how its install went."""

    mesh: TraefikMesh
    error: MeshInstallError | None


@pytest.fixture(scope="module")
def elsewhere(
    session: Session, cluster: KindCluster, mesh: TraefikMesh, users_split: UsersSplit
) -> Iterator[Elsewhere]:
    """It is installed after the user's own definition came, and removed at the latest here."""
    del users_split
    settings = replace(session.mesh_settings, namespace="elsewhere", release="second")
    api, error = cluster.kube(), None
    candidate = mesh_on(cluster, settings, api)
    if mesh.leftovers():
        mesh.uninstall()
    try:
        try:
            candidate.install()
        except MeshInstallError as failure:
            error = failure
        yield Elsewhere(mesh=candidate, error=error)
    finally:
        if find_namespace(api, "elsewhere") is not None:
            candidate.uninstall()


@requirement("TM-INSTALL-013")
def test_another_release_in_another_namespace_works(
    client: Client, echo: Echo, elsewhere: Elsewhere, workloads: Workloads
) -> None:
    """Its names lead to its own shadow services and proxies, and nothing bears the usual names."""
    assert elsewhere.error is None, str(elsewhere.error)
    exchange = reaches(client, echo)
    shadow = elsewhere.mesh.shadow_service("server", workloads.namespace)

    found = client.resolve(echo.mesh_host)[0]

    assert shadow.startswith("elsewhere-server-")
    assert found.addresses == [workloads.service_address(shadow, namespace="elsewhere")]
    assert went_around(exchange.seen_by_server, elsewhere.mesh.proxies()) is None
    assert all(each.name.startswith("second-") for each in elsewhere.mesh.proxies())


@requirement("TM-INSTALL-022")
def test_users_own_definitions_survive_an_uninstall(
    elsewhere: Elsewhere, users_split: UsersSplit, kube: KubeApi, evidence: Facts
) -> None:
    """A definition that was there before the mesh, and the user's objects of it, outlive the mesh."""
    assert elsewhere.error is None, str(elsewhere.error)
    before = footprint(kube)
    assert f"{DEFINITIONS} {SPLITS}" in before

    seconds = elsewhere.mesh.uninstall()

    evidence.record({"seconds": seconds, "left": list(elsewhere.mesh.leftovers())})
    assert elsewhere.mesh.leftovers() == ()
    assert uid(kube, f"{DEFINITIONS}/{SPLITS}") == users_split.definition
    assert uid(kube, users_split.path) == users_split.split


def reaches(client: Client, echo: Echo) -> Exchange:
    """The first answer through the mesh after an install. Raises WaitTimedOutError when none comes."""
    request = client.request(echo.mesh_url("/?format=json"))

    def look() -> Look[Exchange]:
        exchange = client.look([request])[0]
        return Look(met=exchange.seen is not None, value=exchange, seen=exchange.told())

    return eventually(look, what="the mesh carries traffic again", within=ROUTED_S, successes=3).value


@pytest.fixture
def helm_killed(
    session: Session, cluster: KindCluster, removed: TraefikMesh, tmp_path: Path
) -> Iterator[str]:
    """A helm that was killed in the middle of an install; how it left the release."""
    settings = session.mesh_settings
    chart = shutil.copytree(settings.chart, tmp_path / "chart")
    (chart / "templates" / "endless.yaml").write_text(ENDLESS)
    helm = helm_of(cluster, settings, tmp_path)
    install = helm.upgrade_argv(chart, [], timeout_s=60.0)
    killed = ["timeout", "--signal=KILL", str(KILLED_AFTER_S), *install, "--create-namespace"]
    try:
        run(killed, timeout=30.0, check=False)
        status = helm.status()
        if status != "pending-install":
            problem = f"the release is {status}, expected pending-install"
            raise HarnessError(where="helm", problem=problem, remedy="a slower machine may need more seconds")
        yield status
    finally:
        removed.uninstall()


@requirement("TM-INSTALL-017")
def test_killed_install_is_diagnosed_and_can_be_removed(
    removed: TraefikMesh, helm_killed: str, evidence: Facts
) -> None:
    """The next install says what an earlier one left and what to do; doing that leaves nothing behind."""
    with pytest.raises(MeshInstallError) as caught:
        removed.install()

    removed.uninstall()

    found = caught.value.diagnosis
    evidence.record({"release": helm_killed, "cause": found.cause, "remedy": found.remedy})
    assert helm_killed in found.cause
    assert "helm uninstall" in found.remedy
    assert removed.leftovers() == ()


@pytest.fixture(scope="module")
def dns_of_another_name(kube: KubeApi, mesh: TraefikMesh) -> Iterator[None]:
    """CoreDNS serves on from a deployment of another name, as an operator's does; put back afterwards."""
    if mesh.leftovers():  # its own cleanup needs the DNS that it knows
        mesh.uninstall()
    try:
        hide_coredns(kube)
        yield
    finally:
        switch_dns(kube, to="coredns")


@pytest.fixture(scope="module")
def refused(
    session: Session, cluster: KindCluster, dns_of_another_name: None
) -> Iterator[tuple[TraefikMesh, MeshInstallError]]:
    """The mesh whose install failed for want of a DNS that it knows, and the failure."""
    del dns_of_another_name
    kube = cluster.kube()
    candidate = mesh_on(cluster, session.mesh_settings, kube)
    try:
        with pytest.raises(MeshInstallError) as caught:
            candidate.install()
        yield candidate, caught.value
    finally:
        if kube.find(f"{deployments_path('kube-system')}/coredns") is None:  # else the mesh is there again
            candidate.uninstall()


@requirement("TM-INSTALL-008")
def test_install_without_supported_dns_is_diagnosed(
    refused: tuple[TraefikMesh, MeshInstallError], evidence: Facts
) -> None:
    """The install fails, and the diagnosis names the cause, the evidence and the remedy."""
    found = refused[1].diagnosis
    evidence.record({"cause": found.cause, "remedy": found.remedy, "evidence": found.evidence})

    assert "no supported DNS service available" in found.evidence
    assert "coredns" in found.cause
    assert "kubedns=true" in found.remedy


@requirement("TM-INSTALL-014")
def test_refused_install_can_be_cleaned_up(
    refused: tuple[TraefikMesh, MeshInstallError], mesh_command: MeshCommand
) -> None:
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
