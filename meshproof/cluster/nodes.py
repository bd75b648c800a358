"""What the cluster says of its nodes."""

from collections.abc import Callable
from typing import Final

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.engine.waiting import Look
from meshproof.model.run import Node

__all__ = ["CONTROL_PLANE", "node_ready", "nodes", "nodes_of", "pod_ranges", "workers"]

CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"  # a label, whose value is empty


def nodes(kube: KubeApi) -> list[Node]:
    """Every node with the versions it runs."""
    found = []
    for each in kube.items("/api/v1/nodes"):
        info = each["status"]["nodeInfo"]
        found.append(
            Node(
                name=each["metadata"]["name"],
                kubelet=info["kubeletVersion"],
                container_runtime=info["containerRuntimeVersion"],
                os_image=info["osImage"],
                kernel=info["kernelVersion"],
            )
        )
    return found


def node_ready(kube: KubeApi) -> Callable[[], Look[None]]:
    """A look at whether every node, and at least one, says Ready; an API that does not answer: not yet."""

    def look() -> Look[None]:
        try:
            listed = kube.items("/api/v1/nodes")
        except KubeError as error:
            return Look(met=False, value=None, seen=str(error))
        said = {}
        for each in listed:
            conditions = {c["type"]: c for c in each["status"].get("conditions", [])}
            ready = conditions.get("Ready", {"status": "Unknown", "message": "no condition yet"})
            said[each["metadata"]["name"]] = f"{ready['status']}: {ready.get('message', '')}"
        met = bool(said) and all(text.startswith("True") for text in said.values())
        return Look(met=met, value=None, seen=str(said or "no node yet"))

    return look


def workers(kube: KubeApi) -> list[str]:
    """The names of the nodes that are no control plane."""
    listed = kube.items("/api/v1/nodes", labelSelector=f"!{CONTROL_PLANE}")
    return [each["metadata"]["name"] for each in listed]


def pod_ranges(kube: KubeApi) -> dict[str, str]:
    """Node -> the range of its pods' addresses, the control plane first."""
    listed = sorted(
        kube.items("/api/v1/nodes"),
        key=lambda each: (CONTROL_PLANE not in each["metadata"].get("labels", {}), each["metadata"]["name"]),
    )
    return {each["metadata"]["name"]: each["spec"].get("podCIDR", "") for each in listed}


def nodes_of(kube: KubeApi, namespace: str, selector: str) -> dict[str, str]:
    """Pod -> the node it runs on, of the pods that a label selector chooses."""
    pods = kube.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)
    return {each["metadata"]["name"]: each["spec"].get("nodeName", "") for each in pods}
