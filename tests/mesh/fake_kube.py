"""An API server as far as the mesh asks one: collections by their paths, which are those of a real one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.mesh.chart import merged

NAMESPACE = "traefik-mesh"
NAMESPACES = "/api/v1/namespaces"
PODS = f"{NAMESPACES}/{NAMESPACE}/pods"
EVENTS = f"{NAMESPACES}/{NAMESPACE}/events"
SERVICES = f"{NAMESPACES}/{NAMESPACE}/services"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
DAEMON_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
CLUSTER_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
CLUSTER_ROLE_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DNS_CONFIG_MAPS = f"{NAMESPACES}/kube-system/configmaps"
DNS_DEPLOYMENTS = "/apis/apps/v1/namespaces/kube-system/deployments"
DNS_ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles"
DNS_ROLE_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings"
_SERVED = frozenset(
    {NAMESPACES, PODS, EVENTS, SERVICES, DEPLOYMENTS, DAEMON_SETS, JOBS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS}
    | {DEFINITIONS, DNS_CONFIG_MAPS, DNS_DEPLOYMENTS, DNS_ROLES, DNS_ROLE_BINDINGS}
)


@dataclass
class FakeKube:
    """What is changed through it is written down in ``done`` and takes effect here.

    ``answers`` are the pods' own, by ``pod:port/path``, a number for a status; ``logs`` go by container.
    """

    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, str | int] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    on_stop: Callable[[], object] = lambda: None

    def items(self, path: str, *, labelSelector: str = "") -> list[dict[str, Any]]:  # noqa: N803 - the API's own name
        wanted = dict(each.split("=") for each in labelSelector.split(",") if each)
        return [
            each
            for each in self._collection(path)
            if wanted.items() <= (each["metadata"].get("labels") or {}).items()
        ]

    def find(self, path: str) -> dict[str, Any] | None:
        collection, name = path.rsplit("/", 1)
        return next((each for each in self._collection(collection) if _name(each) == name), None)

    def create(self, document: dict[str, Any]) -> dict[str, Any]:
        assert (document["apiVersion"], document["kind"]) == ("v1", "Namespace")
        self.done.append(f"create namespace {_name(document)}")
        self._collection(NAMESPACES).append(document)
        return document

    def merge(self, path: str, body: dict[str, Any]) -> None:
        """As the server does; a deployment without replicas loses its pods."""
        found = self.find(path)
        assert found
        self.done.append(f"merge {path}")
        found |= merged(found, body)
        if body.get("spec") == {"replicas": 0}:
            component = found["metadata"]["labels"]["component"]
            pods = self._collection(PODS)
            self.objects[PODS] = [
                each for each in pods if each["metadata"]["labels"]["component"] != component
            ]
            self.on_stop()

    def delete(self, path: str, *, uid: str, grace_s: int | None = None) -> None:
        """As the server does: with another uid it refuses; a namespace takes what is in it along."""
        collection, name = path.rsplit("/", 1)
        found = self.find(path)
        assert found
        assert found["metadata"]["uid"] == uid
        self.done.append(f"delete {path}" if grace_s is None else f"delete {path} within {grace_s} s")
        self.objects[collection].remove(found)
        if collection == NAMESPACES:
            self.objects = {
                where: [] if f"/namespaces/{name}/" in where else those
                for where, those in self.objects.items()
            }

    def log(self, namespace: str, pod: str, container: str, *, lines: int) -> str:
        assert (namespace, lines > 0) == (NAMESPACE, True)
        if container not in self.logs:
            raise KubeError(where=pod, status=400, problem="waiting to start", evidence="")
        return self.logs[container]

    def pod_get(self, namespace: str, pod: str, port: int, path: str) -> str:
        assert namespace == NAMESPACE
        answer = self.answers.get(f"{pod}:{port}/{path}", 503)
        if isinstance(answer, int):
            raise KubeError(where=pod, status=answer, problem="no", evidence="")
        return answer

    @property
    def as_kube(self) -> KubeApi:
        return cast("KubeApi", self)

    def _collection(self, path: str) -> list[dict[str, Any]]:
        assert path in _SERVED
        return self.objects.setdefault(path, [])


def _name(thing: dict[str, Any]) -> str:
    return str(thing["metadata"]["name"])
