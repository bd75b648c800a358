"""Faults in a kind cluster of our own: each is seen to be there before it counts, and taken back at the end.

Nothing here works on a cluster that is not ours: ``Faults`` refuses it before it touches anything.
"""

import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from meshproof.cluster.kind import KindCluster
from meshproof.cluster.kube import KubeError
from meshproof.cluster.nodes import node_ready
from meshproof.engine.process import Completed
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.model.errors import HarnessError

__all__ = ["FaultError", "Faults"]

_INJECTED_S: Final = (
    45.0  # a pod that is told to stop may take its whole grace period, 30 s unless it says less
)
_TAKEN_BACK_S: Final = 60.0  # a deployment's pods, or a kubelet that catches up: 2 to 10 s are usual
_ENGINE_S: Final = 30.0
_SILENT_S: Final = 0.5  # one that runs answers its health check in milliseconds; asked four times
_SYSTEM: Final = "kube-system"
_API_SERVER: Final = "kube-apiserver"


class FaultError(HarnessError):
    """A fault could not be injected or taken back: says nothing about the mesh."""

    code = "FAULT"


class Faults:
    """What can be broken in one kind cluster. Raises ForeignClusterError for a cluster that is not ours."""

    def __init__(self, cluster: KindCluster) -> None:
        cluster.check()
        self._cluster = cluster
        self._kube = cluster.kube()

    @contextmanager
    def silent_node(self, node: str) -> Iterator[None]:
        """Within the block the node does nothing at all, and nothing says so: as when its power is cut."""
        engine, container = self._cluster.engine, self._cluster.node_container(node)
        try:
            engine.run("pause", container.id, timeout=_ENGINE_S)
            state = self._cluster.node_container(node).state
            if state != "paused":
                raise _failed(node, f"the node's container is {state}, not paused")
            yield
        finally:
            engine.run("unpause", container.id, timeout=_ENGINE_S, check=False)
            self._await(node_ready(self._kube), f"every node is ready after {node} fell silent")

    @contextmanager
    def silent_api_server(self) -> Iterator[None]:
        """Within the block the API server holds every connection and answers nothing."""
        engine, container = self._cluster.engine, self._cluster.control_plane()
        signal = ["pkill", "--exact", _API_SERVER, "--signal"]
        try:
            engine.exec(container.id, *signal, "STOP", timeout=_ENGINE_S)
            if self._api_answers():
                raise _failed(_API_SERVER, "it answers although it was stopped")
            yield
        finally:
            engine.exec(container.id, *signal, "CONT", timeout=_ENGINE_S, check=False)
            self._await(node_ready(self._kube), "the API server answers again, and every node is ready")

    @contextmanager
    def unreachable(self, pods: str, *, node: str) -> Iterator[None]:
        """Within the block the node reaches no pod of this range: its route there leads nowhere.

        The route itself stays, as the node's own watch would put it back; two narrower ones stand before it.
        """
        halves = [str(each) for each in ipaddress.ip_network(pods).subnets()]

        def listed() -> list[str]:
            told = self._in(node, "ip", "-4", "route", "show", "type", "unreachable").stdout
            return [each for each in halves if each in told]

        try:
            for half in halves:
                self._in(node, "ip", "route", "add", "unreachable", half)
            if listed() != halves:
                raise _failed(node, f"it still has a route to {pods}")
            yield
        finally:
            for half in halves:
                self._in(node, "ip", "route", "del", "unreachable", half, check=False)
            if listed():
                raise _failed(node, f"it has no route to {pods} any more")

    @contextmanager
    def masqueraded(self, pods: str, *, to: str, node: str) -> Iterator[None]:
        """Within the block the node's pods, a range, reach those of another range under the node's address.

        Connections that are there already keep the address that they have.
        """
        rule = ("POSTROUTING", "--source", pods, "--destination", to, "--jump", "MASQUERADE")

        def iptables(what: str, *, check: bool = True) -> Completed:
            return self._in(node, "iptables", "--wait", "--table", "nat", what, *rule, check=check)

        try:
            iptables("--insert")
            iptables("--check")
            yield
        finally:
            iptables("--delete", check=False)
            if iptables("--check", check=False).returncode == 0:
                raise _failed(node, f"it still hides {pods} from {to}")

    @contextmanager
    def scaled(self, deployment: str, replicas: int, *, namespace: str = _SYSTEM) -> Iterator[None]:
        """Within the block the deployment has so many pods; those of before are wholly gone."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}"
        before = self._kube.get(path)["spec"]
        selector = ",".join(f"{key}={value}" for key, value in before["selector"]["matchLabels"].items())

        def there() -> Look[None]:
            pods = self._kube.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)
            names = ", ".join(pod["metadata"]["name"] for pod in pods)
            return Look(met=len(pods) == replicas, value=None, seen=f"{len(pods)} pods: {names}")

        try:
            self._kube.merge(f"{path}/scale", {"spec": {"replicas": replicas}})
            self._await(there, f"{deployment} has {replicas} pods", within=_INJECTED_S)
            yield
        finally:
            self._kube.merge(f"{path}/scale", {"spec": {"replicas": before["replicas"]}})
            self.wait_rolled_out("deployments", deployment, namespace=namespace)

    def delete_pod(self, pod: str, *, uid: str, namespace: str, grace_s: int | None = None) -> None:
        """Delete that very pod; with ``grace_s`` 0 the API forgets it at once, the kubelet gives it 2 s."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        self._kube.delete(path, uid=uid, grace_s=grace_s)

        def leaving() -> Look[None]:
            found = self._kube.find(path)
            if found is None or found["metadata"]["uid"] != uid:
                return Look(met=True, value=None, seen="gone")
            met = grace_s != 0 and "deletionTimestamp" in found["metadata"]
            return Look(met=met, value=None, seen=str(found["status"]))

        self._await(leaving, f"pod {pod} is on its way out", within=_INJECTED_S)

    def restart(self, kind: str, name: str, *, namespace: str, mark: str) -> None:
        """What ``kubectl rollout restart`` does; ``kind`` as in the API's path, ``mark`` new each time."""
        annotations = {"kubectl.kubernetes.io/restartedAt": mark}
        template = {"metadata": {"annotations": annotations}}
        path = f"/apis/apps/v1/namespaces/{namespace}/{kind}/{name}"
        self._kube.merge(path, {"spec": {"template": template}})

    def wait_rolled_out(self, kind: str, name: str, *, namespace: str) -> float:
        """Wait until every pod is of the newest template and available; return the seconds."""
        path = f"/apis/apps/v1/namespaces/{namespace}/{kind}/{name}"

        def look() -> Look[None]:
            found = self._kube.get(path)
            return Look(met=_rolled_out(found), value=None, seen=str(found["status"]))

        return self._await(look, f"{kind} {name} has rolled out")

    @staticmethod
    def last(seconds: float) -> None:
        """Let a fault last: where nothing is to happen there is nothing to wait for."""
        time.sleep(seconds)

    def _in(self, node: str, *argv: str, check: bool = True) -> Completed:
        """Run a command in a node."""
        container = self._cluster.node_container(node)
        return self._cluster.engine.exec(container.id, *argv, timeout=_ENGINE_S, check=check)

    def _api_answers(self) -> bool:
        try:
            self._kube.raw("GET", "/readyz", timeout=_SILENT_S)
        except KubeError as error:
            return error.status != 0
        return True

    def _await(self, look: Callable[[], Look[None]], what: str, *, within: float = _TAKEN_BACK_S) -> float:
        """As ``eventually``; running out of time is the harness's fault here, never a broken claim."""
        try:
            return eventually(look, what=what, within=within).seconds
        except WaitTimedOutError as error:
            raise _failed(what, f"not so within {within:g} s", error.seen) from error


def _rolled_out(found: dict[str, Any]) -> bool:
    status = found["status"]
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    if found["kind"] == "DaemonSet":
        wanted = status["desiredNumberScheduled"]
        counts = {status.get(key, 0) for key in ("updatedNumberScheduled", "numberAvailable")}
    else:
        wanted = found["spec"]["replicas"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return counts == {wanted}


def _failed(where: str, problem: str, evidence: str = "") -> FaultError:
    return FaultError(
        where=where,
        problem=problem,
        remedy="look at the cluster; a kept one that was left broken is replaced by the next session",
        evidence=evidence,
    )
