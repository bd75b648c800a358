"""Spoils what the mesh's own prepare or cleanup does: a step of a mutant's chart, with that program's rights.

It runs in the client image (``python3 -c <this text> <mutant>``) and imports nothing of meshproof. It changes
the cluster's DNS configuration, as prepare and cleanup do, or what its chart gives it the right to.
"""

import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["COREFILES", "REMOVALS", "STUB_DOMAINS", "Api", "spoil"]

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_CONFIG_MAPS: Final = "/api/v1/namespaces/kube-system/configmaps"
_DEPLOYMENTS: Final = "/apis/apps/v1/namespaces/kube-system/deployments"
_DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_MARK: Final = "traefik-mesh-hash"  # prepare and cleanup restart the DNS by changing this annotation

_CALL_S: Final = 10.0
_TRIES: Final = 10  # each loses only against a status that is written at the same moment
_LOOKS: Final = 240  # every quarter of a second: a rollout of CoreDNS takes 3 to 12 s

_OURS: Final = ("traefik.mesh", "maesh")
_NOBODY: Final = "192.0.2.53"  # RFC 5737
_BLOCK: Final = re.compile(
    r"#### Begin (Traefik Mesh|Maesh) Block\n.*?#### End \1 Block\n?", re.DOTALL | re.MULTILINE
)
_MARKS: Final = re.compile(r"#### (?:Begin|End) (?:Traefik Mesh|Maesh) Block\n?")
_CLUSTERS_OWN: Final = re.compile(r"^[ \t]*kubernetes [^\n]*\{\n.*?^[ \t]+\}\n", re.DOTALL | re.MULTILINE)

StubDomains = dict[str, list[str]]

STUB_DOMAINS: Final[Mapping[str, Callable[[StubDomains], StubDomains]]] = {
    "stub-domain-missing": lambda there: {name: to for name, to in there.items() if name not in _OURS},
    "stub-domain-wrong-address": lambda there: there | {name: [_NOBODY] for name in _OURS},
    "stub-domain-too-wide": lambda there: there | {"cluster.local": there[_OURS[0]]},
    "users-stub-domain-dropped": lambda there: {name: there[name] for name in _OURS},
    "users-stub-domain-taken-along": lambda _: {},
}
COREFILES: Final[Mapping[str, Callable[[str], str]]] = {
    "zones-in-memory-only": lambda corefile: _BLOCK.sub("", corefile),
    "corefile-block-kept": lambda corefile: _MARKS.sub("", corefile),
    "cleanup-breaks-the-corefile": lambda corefile: _CLUSTERS_OWN.sub("", corefile, count=1),
}
REMOVALS: Final[Mapping[str, tuple[str, str, str]]] = {  # collection, selector, what names end with
    "crds-deleted-on-uninstall": (_DEFINITIONS, "", ".smi-spec.io"),
    "cleanup-ends-the-workloads": ("/api/v1/pods", "app=server", ""),
}


class Api:
    """The API server, as a pod with a service account reaches it; no name is looked up."""

    def __init__(self) -> None:
        self._tls = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
        self._token = (_ACCOUNT / "token").read_text()
        self._root = (
            f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
        )

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One call. Raises urllib.error.HTTPError for anything but 2xx."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._root + path, data=data, method=method, headers=headers)  # noqa: S310 - https, by us
        with urllib.request.urlopen(request, timeout=_CALL_S, context=self._tls) as answer:  # noqa: S310 - as above
            told: dict[str, Any] = json.load(answer)
        return told


def spoil(api: Api, name: str) -> None:
    """What the mutant of this name does."""
    if edit := STUB_DOMAINS.get(name):
        _edit(api, f"{_CONFIG_MAPS}/kube-dns", lambda found: _with_stub_domains(found, edit))
        _restart(api, "kube-dns")
    elif change := COREFILES.get(name):
        if name == "zones-in-memory-only":
            _await_rollout(api, "coredns")
        _edit(api, f"{_CONFIG_MAPS}/coredns", lambda found: _with_corefile(found, change))
        if name == "cleanup-breaks-the-corefile":
            _restart(api, "coredns")
    else:
        _remove(api, *REMOVALS[name])


def _with_stub_domains(config: dict[str, Any], edit: Callable[[StubDomains], StubDomains]) -> None:
    data = config.setdefault("data", {})
    data["stubDomains"] = json.dumps(edit(json.loads(data.get("stubDomains") or "{}")))


def _with_corefile(config: dict[str, Any], edit: Callable[[str], str]) -> None:
    config["data"]["Corefile"] = edit(config["data"]["Corefile"])


def _edit(api: Api, path: str, change: Callable[[dict[str, Any]], None]) -> None:
    for left in reversed(range(_TRIES)):
        found = api.call("GET", path)
        change(found)
        try:
            api.call("PUT", path, found)
        except urllib.error.HTTPError as error:
            if error.code != 409 or not left:
                raise
        else:
            return


def _restart(api: Api, deployment: str) -> None:
    def mark(found: dict[str, Any]) -> None:
        metadata = found["spec"]["template"].setdefault("metadata", {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), _MARK: str(time.time_ns())}

    _edit(api, f"{_DEPLOYMENTS}/{deployment}", mark)


def _await_rollout(api: Api, deployment: str) -> None:
    """Until every pod is of the newest template. Raises TimeoutError."""
    for _ in range(_LOOKS):
        found = api.call("GET", f"{_DEPLOYMENTS}/{deployment}")
        status = found.get("status") or {}
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        observed = status.get("observedGeneration") == found["metadata"]["generation"]
        if observed and counts == {found["spec"]["replicas"]}:
            return
        time.sleep(0.25)
    raise TimeoutError(f"{deployment} has not rolled out: {status}")


def _remove(api: Api, collection: str, selector: str, suffix: str) -> None:
    asked = f"?labelSelector={selector.replace('=', '%3D')}" if selector else ""
    for each in api.call("GET", f"{collection}{asked}")["items"]:
        metadata = each["metadata"]
        if metadata["name"].endswith(suffix):
            path = f"{collection}/{metadata['name']}"
            if namespace := metadata.get("namespace"):
                path = f"/api/v1/namespaces/{namespace}/pods/{metadata['name']}"
            api.call("DELETE", path, {"gracePeriodSeconds": 0})


if __name__ == "__main__":
    spoil(Api(), sys.argv[1])
