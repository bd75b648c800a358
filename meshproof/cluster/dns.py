"""What serves the cluster's names: CoreDNS, a stand-in for kube-dns, or a CoreDNS under another name.

The deployment ``coredns`` is noted in a ConfigMap before it goes, so that whoever comes later can put it
back, also after a run that was killed in between. The Service ``kube-dns``, the cluster's DNS address, stays
as it is: it finds its pods by a label that all of these carry.
"""

import json
import time
from typing import Any, Final, Literal

import yaml

from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.model.errors import HarnessError
from meshproof.paths import PROJECT_ROOT

__all__ = ["HIDDEN_AS", "hide_coredns", "switch_dns"]

HIDDEN_AS: Final = "some-other-dns"  # as where an operator deploys CoreDNS under a name of its own

_MOVES_S: Final = 60.0  # two pods whose image is in the node: 3 to 12 s were measured
_NOTE: Final = "coredns-put-aside"
_STAND_IN: Final = "kube-dns"
_PROGRAM: Final = "kube-dns-stand-in"
_OURS: Final = {"dev.meshproof": "dns"}
_CORE: Final = "/api/v1/namespaces/kube-system"
_DEPLOYMENTS: Final = "/apis/apps/v1/namespaces/kube-system/deployments"
_SLICES: Final = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices"
_MANIFEST: Final = PROJECT_ROOT / "manifests" / "dns" / "kube-dns.yaml"
_STUB_DOMAINS: Final = PROJECT_ROOT / "meshproof" / "cluster" / "stub_domains.py"


def switch_dns(kube: KubeApi, *, to: Literal["coredns", "kube-dns"]) -> float:
    """Let ``to`` serve the cluster's names, and nothing else; return the seconds. So already: no change.

    Raises WaitTimedOutError when it does not come, HarnessError when there is no CoreDNS to go back to.
    """
    started = time.monotonic()
    if to == "kube-dns":
        _give_program(kube)
        manifest = yaml.safe_load(_MANIFEST.read_text())
        _put_aside(kube, {"name": _STAND_IN, "labels": manifest["metadata"]["labels"]}, manifest["spec"])
    else:
        _bring_back(kube)
    return time.monotonic() - started


def hide_coredns(kube: KubeApi) -> float:
    """Let CoreDNS serve on, from a deployment called ``HIDDEN_AS``; ``switch_dns`` brings it back."""
    started = time.monotonic()
    original = kube.get(f"{_DEPLOYMENTS}/coredns")
    labels = original["metadata"].get("labels", {}) | _OURS
    _put_aside(kube, {"name": HIDDEN_AS, "labels": labels}, original["spec"])
    return time.monotonic() - started


def _put_aside(kube: KubeApi, metadata: dict[str, Any], spec: dict[str, Any]) -> None:
    name = metadata["name"]
    coredns = kube.find(f"{_DEPLOYMENTS}/coredns")
    if coredns is not None:
        _note(kube, coredns)
    if kube.find(f"{_DEPLOYMENTS}/{name}") is None:
        _create(kube, metadata, spec)
    _wait_available(kube, name)
    kube.delete(f"{_DEPLOYMENTS}/coredns")
    _wait_answered_by(kube, name)


def _bring_back(kube: KubeApi) -> None:
    if kube.find(f"{_DEPLOYMENTS}/coredns") is None:
        note = kube.find(f"{_CORE}/configmaps/{_NOTE}")
        if note is None:
            raise HarnessError(
                where="DNS of kube-system",
                problem="there is no deployment coredns, and no note of what it was",
                remedy="delete this cluster: the next run makes a new one",
            )
        kept = json.loads(note["data"]["deployment"])
        _create(kube, {"name": "coredns", "labels": kept["labels"]}, kept["spec"])
    _wait_available(kube, "coredns")
    others = [each for each in (_STAND_IN, HIDDEN_AS) if _is_ours(kube.find(f"{_DEPLOYMENTS}/{each}"))]
    for name in others:
        kube.delete(f"{_DEPLOYMENTS}/{name}")
    if others:
        _wait_answered_by(kube, "coredns")
    if _STAND_IN in others:
        kube.delete(f"{_CORE}/configmaps/{_STAND_IN}")  # the mesh's prepare made it
    for name in (_PROGRAM, _NOTE):
        kube.delete(f"{_CORE}/configmaps/{name}")


def _note(kube: KubeApi, coredns: dict[str, Any]) -> None:
    """Keep what it takes to make the deployment again."""
    kept = {"labels": coredns["metadata"].get("labels", {}), "spec": coredns["spec"]}
    _give(kube, _NOTE, {"deployment": json.dumps(kept)})


def _give_program(kube: KubeApi) -> None:
    _give(kube, _PROGRAM, {_STUB_DOMAINS.name: _STUB_DOMAINS.read_text()})


def _give(kube: KubeApi, name: str, data: dict[str, str]) -> None:
    if kube.find(f"{_CORE}/configmaps/{name}") is not None:
        kube.merge(f"{_CORE}/configmaps/{name}", {"data": data})
        return
    metadata = {"name": name, "labels": _OURS}
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    kube.create(document, namespace="kube-system")


def _create(kube: KubeApi, metadata: dict[str, Any], spec: dict[str, Any]) -> None:
    meta = {**metadata, "namespace": "kube-system"}
    document = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    kube.create(document, namespace="kube-system")


def _is_ours(deployment: dict[str, Any] | None) -> bool:
    """A kube-dns or another DNS of the cluster's own is not touched."""
    labels = (deployment or {}).get("metadata", {}).get("labels") or {}
    return labels.items() >= _OURS.items()


def _wait_available(kube: KubeApi, name: str) -> None:
    def available() -> Look[None]:
        found = kube.get(f"{_DEPLOYMENTS}/{name}")
        status, wanted = found.get("status", {}), found["spec"]["replicas"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        observed = status.get("observedGeneration") == found["metadata"]["generation"]
        return Look(met=observed and counts == {wanted}, value=None, seen=str(status))

    eventually(available, what=f"deployment {name} of kube-system is available", within=_MOVES_S)


def _wait_answered_by(kube: KubeApi, name: str) -> None:
    """Until the cluster's DNS address leads to the pods of one deployment alone."""

    def answered() -> Look[None]:
        slices = kube.items(_SLICES, labelSelector="kubernetes.io/service-name=kube-dns")
        serving = [
            each["targetRef"]["name"]
            for one in slices
            for each in one.get("endpoints") or []
            if each.get("conditions", {}).get("ready")
        ]
        met = bool(serving) and all(pod.rsplit("-", 2)[0] == name for pod in serving)
        return Look(
            met=met, value=None, seen=f"the Service kube-dns leads to {', '.join(serving) or 'no pod'}"
        )

    eventually(answered, what=f"the cluster's DNS is answered by {name}", within=_MOVES_S)
