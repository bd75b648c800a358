"""The mesh goes and comes back: under traffic, elsewhere, after a killed install."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from fixtures.catalogue import judges_the_direct_path, profile, requirement, stage
from fixtures.lifecycle import Attempt, attempted, helm_of, reaches
from fixtures.mesh import footprint
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.under_test import mesh_on
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kind import KindCluster
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.process import run
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.crossing import went_around
from meshproof.mesh.adapter import MeshInstallError
from meshproof.mesh.chart import copied
from meshproof.mesh.objects import find_namespace
from meshproof.mesh.ownership import Ownership
from meshproof.mesh.rendered import parse
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.errors import HarnessError

pytestmark = [profile("lifecycle"), stage("removal")]

LEAST_MEANWHILE: Final = 100  # requests: fewer would have missed a gap of a second
RATE: Final = 50  # requests per second
SERVED_S: Final = 30.0  # the API server takes a second or two for a new definition
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
@judges_the_direct_path()
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
        mesh.uninstall(graceful=False, namespace=False)
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

        eventually(made, what="the API server serves TrafficSplits", within=SERVED_S)
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


@pytest.fixture(scope="module")
def elsewhere(
    session: Session, cluster: KindCluster, mesh: TraefikMesh, users_split: UsersSplit
) -> Iterator[Attempt]:
    """Another release in another namespace, after the user's own definition; removed at the latest here."""
    del users_split
    settings = replace(session.mesh_settings, namespace="elsewhere", release="second")
    api = cluster.kube()
    candidate = mesh_on(cluster, settings, api)
    if mesh.leftovers():
        mesh.uninstall(graceful=False, namespace=False)
    try:
        yield attempted(candidate)
    finally:
        if find_namespace(api, "elsewhere") is not None:
            candidate.uninstall(graceful=False)


@requirement("TM-INSTALL-013")
def test_another_release_in_another_namespace_works(
    client: Client, echo: Echo, elsewhere: Attempt, workloads: Workloads
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
    elsewhere: Attempt, users_split: UsersSplit, kube: KubeApi, evidence: Facts
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


@pytest.fixture
def footprint_before(removed: TraefikMesh, kube: KubeApi) -> frozenset[str]:
    """What there is without the mesh."""
    del removed
    return footprint(kube)


@pytest.fixture
def helm_killed(
    session: Session, cluster: KindCluster, kube: KubeApi, removed: TraefikMesh, tmp_path: Path
) -> Iterator[str]:
    """A helm that was killed in the middle of an install of ours; how it left the release."""
    settings = session.mesh_settings
    Ownership(kube=kube, namespace=settings.namespace).claim()  # as an install does before it calls helm
    chart = copied(settings.chart, tmp_path)
    (chart / "templates" / "endless.yaml").write_text(ENDLESS)
    helm = helm_of(cluster, settings, tmp_path)
    install = helm.upgrade_argv(chart, [], timeout_s=60.0)
    killed = ["timeout", "--signal=KILL", str(KILLED_AFTER_S), *install]
    try:
        run(killed, timeout=30.0, check=False)
        status = helm.status()
        if status != "pending-install":
            problem = f"the release is {status}, expected pending-install"
            raise HarnessError(where="helm", problem=problem, remedy="a slower machine may need more seconds")
        yield status
    finally:
        removed.uninstall(graceful=False)


@requirement("TM-INSTALL-017")
def test_killed_install_is_diagnosed_and_can_be_removed(
    removed: TraefikMesh, footprint_before: frozenset[str], helm_killed: str, kube: KubeApi, evidence: Facts
) -> None:
    """The next install says what an earlier one left and what to do; doing that leaves nothing behind."""
    with pytest.raises(MeshInstallError) as caught:
        removed.install()

    removed.uninstall()

    found = caught.value.diagnosis
    more = sorted(footprint(kube) - footprint_before)
    evidence.record(
        {"release": helm_killed, "cause": found.cause, "remedy": found.remedy, "more_than_before": more}
    )
    assert helm_killed in found.cause
    assert "helm uninstall" in found.remedy
    assert removed.leftovers() == ()
    assert more == []
