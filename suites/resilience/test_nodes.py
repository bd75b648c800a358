"""A node falls silent with all that runs on it: the replicas and the proxy that are left carry on."""

import time
from typing import Final

from fixtures.catalogue import profile, requirement, stage
from fixtures.faults import Constant
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.faults import Faults
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.nodes import nodes_of, workers
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.mesh.control_api import CONTROLLER
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.errors import HarnessError

pytestmark = [profile("two-nodes"), stage("change")]

GIVEN_UP_S: Final = (
    30.0  # manifests/kind/cluster.yaml.j2 says 12 s and a look every 2 s: Kubernetes' time, not the mesh's
)
# From there as for a replica that was killed: a poll of 1 s and Traefik's throttle of 2 s. Three times that:
# the other node's pods share this machine's cores, and those of the silent one go on running.
FORGOTTEN_S: Final = 10.0
CALM_S: Final = 3.0  # of traffic that must all arrive, a hundred and fifty requests


@requirement("TM-RES-011")
def test_silent_node_is_left_alone(
    faults: Faults,
    kube: KubeApi,
    constant: Constant,
    client: Client,
    spread: Echo,
    mesh: TraefikMesh,
    workloads: Workloads,
    evidence: Facts,
) -> None:
    """Some requests arrive all the time, and all once the node's pods are given up and the proxies know."""
    del client
    (worker,) = workers(kube)
    there = {
        "controller": (mesh.settings.namespace, CONTROLLER),
        "client": (workloads.namespace, "app=client"),
    }
    lost = [name for name, (ns, label) in there.items() if worker in nodes_of(kube, ns, label).values()]
    if lost:
        raise HarnessError(
            where=worker, problem=f"{lost} would fall silent, too", remedy="pin them to the control plane"
        )

    with constant(spread) as traffic:
        with faults.silent_node(worker):
            began = time.time()
            given_up_s = seconds_until_given_up(kube, worker, spread)
            faults.last(FORGOTTEN_S + CALM_S)
        back_s = time.time() - began
        faults.last(CALM_S)

    evidence.record({"given_up_s": given_up_s, "ready_again_s": back_s})
    found = traffic.outage(evidence, since=began)
    evidence.converged(found.until_s - given_up_s)
    assert traffic.result.longest_gap_ms < 1000 * given_up_s, "nobody answered until the node was given up"
    assert found.until_s <= given_up_s + FORGOTTEN_S


def seconds_until_given_up(kube: KubeApi, node: str, service: Echo) -> float:
    """How long Kubernetes takes until none of the node's pods is an endpoint: its own part of the outage.

    It says first that the node is not ready, and seconds later that its pods are not.
    """
    path = f"/apis/discovery.k8s.io/v1/namespaces/{service.namespace}/endpointslices"

    def look() -> Look[None]:
        slices = kube.items(path, labelSelector=f"kubernetes.io/service-name={service.service}")
        left = [
            each["targetRef"]["name"]
            for one in slices
            for each in one.get("endpoints") or []
            if each["nodeName"] == node and each["conditions"]["ready"]
        ]
        return Look(met=not left, value=None, seen=f"endpoints there: {', '.join(left)}")

    try:
        return eventually(look, what=f"{node} is given up", within=GIVEN_UP_S).seconds
    except WaitTimedOutError as error:
        raise HarnessError(where=node, problem=str(error), remedy="was it silent at all?") from error
