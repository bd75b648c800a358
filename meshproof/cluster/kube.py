"""The API server as raw JSON, over the official client's connection and credentials; every call bounded.

The generated methods are left aside: they turn what a pod answers through the proxy into Python's own
notation, and refuse objects that a newer server extends.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import parse_qsl, quote, urlencode

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from meshproof.model.errors import HarnessError

__all__ = ["KubeApi", "KubeError", "collection"]

_CALL_S: Final = 10.0  # the server answers in milliseconds; a pod behind its proxy in less than one second
_BODY_CHARS: Final = 2_000

# Where the API server serves each apiVersion's kinds that we create: kind -> plural.
_PLURALS: Final = {
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "HTTPRouteGroup": "httproutegroups",
    "Job": "jobs",
    "Namespace": "namespaces",
    "Pod": "pods",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "SubjectAccessReview": "subjectaccessreviews",
    "TCPRoute": "tcproutes",
    "TrafficSplit": "trafficsplits",
    "TrafficTarget": "traffictargets",
}


class KubeError(HarnessError):
    """The API server refused or did not answer; ``status`` is the HTTP status, 0 for no answer."""

    code = "KUBE-API"

    def __init__(self, *, where: str, status: int, problem: str, evidence: str) -> None:
        self.status = status
        super().__init__(
            where=where,
            problem=problem,
            remedy="look at the cluster (kubectl get --raw /readyz) and at the rights of the user",
            evidence=evidence[:_BODY_CHARS],
        )


def collection(document: Mapping[str, Any], *, namespace: str | None = None) -> str:
    """Where the API server serves the objects of a document's kind; one of them is ``<this>/<its name>``."""
    group = document["apiVersion"]
    root = "/api/v1" if group == "v1" else f"/apis/{group}"
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{inside}/{_PLURALS[document['kind']]}"


class KubeApi:
    """One cluster's API server. Paths as in the API reference: ``/api/v1/namespaces/x/pods``."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    def raw(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content_type: str = "application/json",
        timeout: float = _CALL_S,
        query: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """One call. Raises KubeError with the server's own words for anything but 2xx."""
        where = f"{method} {path}"
        asked = f"?{urlencode(query)}" if query else ""
        url = f"{self._api.configuration.host}{quote(path)}{asked}"
        headers = {"Accept": "application/json, */*", "Content-Type": content_type}
        try:
            answer = self._api.call_api(method, url, headers, body=body, _request_timeout=timeout)
            read: Callable[[], bytes | None] = answer.read  # the library does not annotate it
            data = bytes(read() or b"")
        except ApiException as error:
            raise KubeError(
                where=where,
                status=int(error.status or 0),
                problem=f"the API server answered {error.status} {error.reason or ''}".rstrip(),
                evidence=str(error.body or ""),
            ) from error
        except (HTTPError, OSError) as error:
            raise KubeError(
                where=where, status=0, problem="no answer from the API server", evidence=str(error)
            ) from error
        if not 200 <= answer.status < 300:
            text = data.decode(errors="replace")
            problem = f"the API server answered {answer.status} {answer.reason or ''}".rstrip()
            raise KubeError(where=where, status=answer.status, problem=problem, evidence=text)
        return data

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """One object."""
        raw = self.raw("GET", path, query=query)
        try:
            return cast("dict[str, Any]", json.loads(raw))
        except ValueError as error:
            text = raw.decode(errors="replace")
            raise KubeError(where=path, status=0, problem="the answer is not JSON", evidence=text) from error

    def find(self, path: str) -> dict[str, Any] | None:
        """One object, None when there is none."""
        try:
            return self.get(path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """The objects of a collection."""
        return cast("list[dict[str, Any]]", self.get(path, **query).get("items") or [])

    def create(self, document: dict[str, Any], *, namespace: str | None = None) -> dict[str, Any]:
        """Create an object as its manifest says: of a built-in kind or an SMI one."""
        path = collection(document, namespace=namespace)
        return cast("dict[str, Any]", json.loads(self.raw("POST", path, body=document)))

    def merge(self, path: str, body: dict[str, Any]) -> None:
        """Change an object by a JSON merge patch (RFC 7386)."""
        self.raw("PATCH", path, body=body, content_type="application/merge-patch+json")

    def delete(self, path: str, *, uid: str | None = None, grace_s: int | None = None) -> None:
        """Delete an object and what it owns; with ``uid`` only if it is still that one. Gone is no error."""
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        try:
            self.raw("DELETE", path, body=body)
        except KubeError as error:
            if error.status != 404:
                raise

    def pod_get(self, namespace: str, pod: str, port: int, path: str) -> str:
        """What a pod answers to a GET through the API server; ``path`` has no leading slash.

        Raises KubeError with the pod's own status when that is not 2xx, and 503 when the pod is not reached.
        """
        plain, _, asked = path.partition("?")
        where = f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{plain}"
        return self.raw("GET", where, query=dict(parse_qsl(asked, keep_blank_values=True))).decode(
            errors="replace"
        )

    def log(self, namespace: str, pod: str, container: str, *, lines: int | None = None) -> str:
        """A container's log, or its last ``lines``."""
        query: dict[str, str | int] = {"container": container} | ({"tailLines": lines} if lines else {})
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        return self.raw("GET", path, timeout=30.0, query=query).decode(errors="replace")
