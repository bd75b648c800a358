"""A mesh on a cluster made of a table: workloads roll out at once, proxies follow their controller."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from meshproof.cluster.kube import KubeError
from meshproof.mesh.adapter import ProxyPod
from meshproof.mesh.naming import shadow_service_name
from meshproof.mutate.mutant import Ground
from tests.mutate.fake_nodes import FakeFaults

NAMESPACE = "mp-run"
MESH = "/api/v1/namespaces/traefik-mesh"
SERVICE = f"{MESH}/services/traefik-mesh-controller"
PROXIES = "/apis/apps/v1/namespaces/traefik-mesh/daemonsets/traefik-mesh-proxy"
CONTROLLER = "/apis/apps/v1/namespaces/traefik-mesh/deployments/traefik-mesh-controller"
COREDNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/coredns"
WORKLOADS = {"proxy": PROXIES, "controller": CONTROLLER, "coredns": COREDNS}
METRICS = """\
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.5
# TYPE traefik_config_reloads_total counter
traefik_config_reloads_total 3
# TYPE traefik_service_requests_total counter
traefik_service_requests_total{code="200",method="GET",protocol="http",service="mp-run-server-80@http"} 4
traefik_service_requests_total{code="404",method="GET",protocol="http",service="mp-run-server-80@http"} 1
"""


def workload(name: str, *args: str) -> dict[str, Any]:
    """A Deployment or DaemonSet with one pod; ``name`` is its label, too."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": name,
        "args": list(args),
        "ports": [{"name": "api", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "50Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": context | {"readOnlyRootFilesystem": True},
    }
    pod = {
        "initContainers": [{"name": "prepare", "resources": copy.deepcopy(container["resources"])}],
        "containers": [container],
        "securityContext": {"runAsUser": 65532, "runAsNonRoot": True},
    }
    return {
        "metadata": {"name": name, "uid": "u", "generation": 1, "resourceVersion": "1", "labels": {"a": "b"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"component": name}},
            "template": {"metadata": {"annotations": {"mark": "the mesh's"}}, "spec": pod},
        },
        "status": {},
    }


@dataclass
class FakeKube:
    """Objects by path. What is written is in ``done``; ``stuck`` keeps any new template from rolling out.

    A pod that is deleted is replaced at once, unless ``stuck``. ``conflicts`` are the next writes that
    somebody else is quicker than.
    """

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    stuck: bool = False
    conflicts: int = 0
    listed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # path?labels -> what it holds

    def find(self, path: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.objects.get(path))

    def get(self, path: str) -> dict[str, Any]:
        found = self.find(path)
        assert found is not None, path
        return found | {"status": self._status(found)} if path.startswith("/apis/apps/") else found

    def items(self, path: str, *, labelSelector: str = "", **_: str) -> list[dict[str, Any]]:  # noqa: N803 - the API's name
        asked = f"{path}?{labelSelector}" if labelSelector else path
        if asked in self.listed:
            return copy.deepcopy(self.listed[asked])
        if not path.endswith("/pods"):
            inside = (each for name, each in self.objects.items() if name.rpartition("/")[0] == path)
            return [copy.deepcopy(each) for each in inside if _is_of(each, labelSelector)]
        part, namespace = labelSelector.removeprefix("component="), path.split("/")[4]
        deployed = self.get(WORKLOADS[part].replace("/kube-system/", f"/{namespace}/"))
        if self.stuck and part in self.replaced:
            return []
        name = f"{part}-{deployed['metadata']['generation']}-{self.replaced.count(part)}"
        conditions = [{"type": "Ready", "status": "True"}]
        return [{"metadata": {"name": name, "uid": f"uid-{name}"}, "status": {"conditions": conditions}}]

    def raw(self, method: str, path: str, *, body: dict[str, Any]) -> bytes:
        assert method == "PUT"
        assert "status" not in body
        current = self.objects[path]
        if self.conflicts:
            self.conflicts -= 1
            current["metadata"]["resourceVersion"] += "1"
            raise KubeError(where=path, status=409, problem="conflict", evidence="")
        assert body["metadata"]["resourceVersion"] == current["metadata"]["resourceVersion"]
        self.done.append(f"put {path.rpartition('/')[2]}")
        self._replace(path, copy.deepcopy(body))
        return json.dumps(body).encode()

    def merge(self, path: str, body: dict[str, Any]) -> None:
        self.done.append(f"merge {path.rpartition('/')[2]}")
        changed = copy.deepcopy(self.objects[path])
        _merge(changed, body)
        self._replace(path, changed)

    def delete(self, path: str, *, uid: str) -> None:
        pods, _, name = path.rpartition("/")
        part = name.partition("-")[0]
        assert [each["metadata"]["uid"] for each in self.items(pods, labelSelector=f"component={part}")] == [
            uid
        ]
        self.done.append(f"delete {name}")
        self.replaced.append(part)

    def pod_get(self, namespace: str, pod: str, port: int, path: str) -> str:
        raise KubeError(where=f"{namespace}/{pod}:{port}/{path}", status=404, problem="no", evidence="")

    def args(self, path: str) -> list[str]:
        """The arguments of a workload's program."""
        return list(self.objects[path]["spec"]["template"]["spec"]["containers"][0]["args"])

    def _replace(self, path: str, body: dict[str, Any]) -> None:
        before = self.objects[path]
        kept = {key: each for key, each in before["metadata"].items() if key in {"uid", "generation"}}
        changed = body.get("spec") != before.get("spec")
        if changed and "generation" in kept:
            kept["generation"] += 1
        body["metadata"] |= kept | {"resourceVersion": before["metadata"]["resourceVersion"] + "0"}
        self.objects[path] = body

    def _status(self, found: dict[str, Any]) -> dict[str, Any]:
        generation = found["metadata"]["generation"]
        updated = 0 if self.stuck and generation > 1 else 1
        counts = dict.fromkeys(("replicas", "availableReplicas", "numberAvailable"), 1)
        updates = dict.fromkeys(("updatedReplicas", "updatedNumberScheduled"), updated)
        schedule = {"desiredNumberScheduled": 1} if found["metadata"]["name"] == "proxy" else {}
        return {"observedGeneration": generation, **counts, **updates, **schedule}


def _is_of(found: dict[str, Any], selector: str) -> bool:
    name, _, value = selector.partition("=")
    return not selector or found["metadata"].get("labels", {}).get(name) == value


def _merge(there: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            there.pop(key, None)
        elif isinstance(value, dict):
            _merge(there.setdefault(key, {}), value)
        else:
            there[key] = value


@dataclass
class FakeMesh:
    """Two proxies with their controller's routes; ``told`` are their metrics, ``restarts`` makes others."""

    told: str = METRICS
    restarts: int = 0
    routes: tuple[str, ...] = ()  # beside those that there are always
    upgrades: list[dict[str, Any]] = field(default_factory=list)
    settings: Any = field(
        default_factory=lambda: SimpleNamespace(namespace="traefik-mesh", release="traefik-mesh")
    )

    def proxies(self) -> tuple[ProxyPod, ...]:
        return tuple(
            ProxyPod(name=name, uid=f"{name}{self.restarts}", ip=name, node=f"node-{name}", ready=True)
            for name in ("a", "b")
        )

    def proxy_configuration(self, proxy: ProxyPod) -> dict[str, Any]:
        assert proxy.name in {"a", "b"}
        router = {"service": f"{NAMESPACE}-server-80", "status": "enabled"}
        more = {f"{name}@http": router for name in self.routes}
        own = {"readiness@http": {}, f"{NAMESPACE}-server-80@http": router, "ping@internal": {}}
        return {"routers": own | more}

    def configuration(self) -> dict[str, Any]:
        return {"http": {"routers": {"readiness": {}, f"{NAMESPACE}-server-80": {}}}}

    def node_configuration(self, proxy: ProxyPod) -> dict[str, Any]:
        return self.proxy_configuration(proxy)

    def proxy_metrics(self, proxy: ProxyPod) -> str:
        assert proxy.ready
        return self.told

    def status_nodes(self) -> list[dict[str, Any]]:
        return [{"Name": each.name} for each in self.proxies()]

    def readiness(self) -> bool:
        return True

    def shadow_service(self, service: str, namespace: str) -> str:
        return shadow_service_name(service, namespace, mesh_namespace="traefik-mesh")

    def upgrade(self, overrides: dict[str, Any]) -> float:
        self.upgrades.append(overrides)
        return 1.0


@dataclass
class FakeShim:
    """Writes down what it was ordered to serve."""

    orders: list[str] = field(default_factory=list)
    proxies: list[str] = field(default_factory=list)  # of the last order

    def order(self, mutant: str = "", *, namespace: str = "", proxies: Sequence[str] = ()) -> int:
        self.proxies = list(proxies)
        self.orders.append(f"{mutant} {namespace}".strip())
        return len(self.orders)

    def follow(self, order: int) -> None:
        assert order == len(self.orders)


@dataclass
class FakeProbe:
    """Hears what ``answers`` says of an address and a port."""

    answers: Callable[[str, int, bytes], bytes] = lambda *_: b""

    def tcp(self, host: str, port: int, *chunks: bytes, half_close: bool, timeout_s: float) -> Any:
        assert not half_close
        assert timeout_s > 0
        return SimpleNamespace(received=self.answers(host, port, b"".join(chunks)))


def ground(
    kube: FakeKube,
    mesh: FakeMesh,
    shim: FakeShim | None = None,
    *,
    probe: FakeProbe | None = None,
    faults: FakeFaults | None = None,
) -> Ground:
    """The fakes as what they stand for."""
    parts: dict[str, Any] = {
        "kube": kube,
        "mesh": mesh,
        "shim": shim or FakeShim(),
        "probe": probe or FakeProbe(),
        "faults": faults or FakeFaults(),
    }
    return Ground(namespace=NAMESPACE, **parts)
