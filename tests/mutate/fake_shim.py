"""A mesh with a shim in it: what makes and asks the shim, and proxies that run what it serves."""

import copy
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from meshproof.cluster.kube import collection
from meshproof.mesh.adapter import ProxyPod
from meshproof.mutate.interposer import MARKER, ORDERS
from tests.mutate.fake_ground import MESH, SERVICE, FakeKube, FakeMesh


@dataclass
class ShimKube(FakeKube):
    """Also makes and deletes objects, and answers for the shim's pod; ``orders`` are what it was asked."""

    shim_ready: bool = True
    orders: list[dict[str, list[str]]] = field(default_factory=list)

    def create(self, document: dict[str, Any], *, namespace: str) -> dict[str, Any]:
        path = f"{collection(document, namespace=namespace)}/{document['metadata']['name']}"
        assert path not in self.objects
        status = {"conditions": [{"type": "Ready", "status": str(self.shim_ready)}]}
        self.objects[path] = copy.deepcopy(document) | {"status": status}
        self.done.append(f"create {path}")
        return document

    def delete(self, path: str, *, uid: str = "", grace_s: int | None = None) -> None:
        if uid:
            super().delete(path, uid=uid)
            return
        assert grace_s is not None
        self.objects.pop(path, None)
        self.done.append(f"delete {path}")

    def pod_get(self, namespace: str, pod: str, port: int, path: str) -> str:
        assert (namespace, pod, port) == ("traefik-mesh", "meshproof-shim", ORDERS)
        assert f"{MESH}/pods/meshproof-shim" in self.objects
        asked = urlsplit(path)
        assert asked.path == "mutant"
        self.orders.append(parse_qs(asked.query))
        self.done.append(f"order {len(self.orders)}")
        return json.dumps({"order": len(self.orders)})

    @property
    def selector(self) -> dict[str, str]:
        """Whom the controller's Service leads to."""
        found: dict[str, str] = self.objects[SERVICE]["spec"]["selector"]
        return found


@dataclass
class Followers(FakeMesh):
    """Each proxy runs a configuration of this order, but for the late ones: theirs is of the one before."""

    order: int = 1
    late: tuple[str, ...] = ()

    def proxy_configuration(self, proxy: ProxyPod) -> dict[str, Any]:
        number = self.order - (proxy.name in self.late)
        return super().proxy_configuration(proxy) | {"middlewares": {f"{MARKER}{number}@http": {}}}
