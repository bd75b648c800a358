"""Shadow services: rights that the controller lacks for a while, and ports beyond the limit."""

import copy
from typing import Any

import pytest

from meshproof.mutate.mutant import Ground
from meshproof.mutate.shadows import PortsBeyond, WithoutTheRight
from tests.mutate.fake_ground import MESH, NAMESPACE, FakeKube, FakeMesh, FakeProbe, ground

ROLE = "/apis/rbac.authorization.k8s.io/v1/namespaces/traefik-mesh/roles/traefik-mesh-controller"
RULES = [
    {"apiGroups": [""], "resources": ["services"], "verbs": ["create", "update", "delete"]},
    {"apiGroups": [""], "resources": ["services"], "resourceNames": ["coredns"], "verbs": ["get"]},
]
KNOWN, GONE = (f"traefik-mesh-{name}-6d61657368-{NAMESPACE}" for name in ("server", "gone"))


class Cluster(FakeKube):
    """Answers by its role whether something is allowed; what was deleted is in ``deleted``."""

    def __init__(self, **objects: dict[str, Any]) -> None:
        super().__init__(objects=objects)
        self.deleted: list[str] = []

    def create(self, document: dict[str, Any]) -> dict[str, Any]:
        assert document["kind"] == "SubjectAccessReview"
        spec = document["spec"]
        assert spec["user"] == "system:serviceaccount:traefik-mesh:traefik-mesh-controller"
        verbs = self.objects[ROLE]["rules"][0]["verbs"]
        return {"status": {"allowed": spec["resourceAttributes"]["verb"] in verbs}}

    def delete(self, path: str, *, uid: str = "") -> None:
        assert not uid
        self.deleted.append(path)


def service(name: str, namespace: str = NAMESPACE, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "resourceVersion": "1"}, "spec": spec}


@pytest.fixture
def kube() -> Cluster:
    kube = Cluster(**{ROLE: {"metadata": {"name": "r", "resourceVersion": "1"}, "rules": RULES}})
    kube.listed = {
        f"{MESH}/services?app=maesh,type=shadow": [
            service(KNOWN, "traefik-mesh"),
            service(GONE, "traefik-mesh"),
        ],
        "/api/v1/services": [service("server"), service("kubernetes", "default")],
    }
    return kube


@pytest.mark.parametrize("verb", ["create", "delete"])
def test_controller_lacks_a_right_and_has_it_again(ready: Ground, kube: Cluster, verb: str) -> None:
    before = copy.deepcopy(kube.objects[ROLE]["rules"])

    with WithoutTheRight(verb=verb).applied(ready):
        during = kube.objects[ROLE]["rules"]

    assert [each["verbs"] for each in during] == [
        [each for each in RULES[0]["verbs"] if each != verb],
        ["get"],
    ]
    assert kube.objects[ROLE]["rules"] == before


def test_shadow_services_without_a_service_are_removed_afterwards(ready: Ground, kube: Cluster) -> None:
    with WithoutTheRight(verb="delete").applied(ready):
        assert kube.deleted == []

    assert kube.deleted == [f"{MESH}/services/{GONE}"]


def test_ports_beyond_lead_to_the_entry_point_of_the_last_one_within(
    mesh: FakeMesh, waits: list[tuple[str, int]]
) -> None:
    path = f"{MESH}/services/traefik-mesh-web-wide-6d61657368-{NAMESPACE}"
    asked = [{"name": str(port), "port": port, "protocol": "TCP"} for port in (80, 83, 84)]
    given = [{"name": "80", "port": 80, "protocol": "TCP", "targetPort": 5000}]
    kube = FakeKube(
        objects={
            f"/api/v1/namespaces/{NAMESPACE}/services/web-wide": service("web-wide", ports=asked),
            path: service("shadow", ports=given, clusterIP="10.1.0.1"),
        }
    )

    def answer(host: str, port: int, _: bytes) -> bytes:
        assert (host, port) == ("10.1.0.1", 83)
        return b"HTTP/1.1 404" if len(kube.objects[path]["spec"]["ports"]) > 1 else b""

    change = PortsBeyond(services=("web-wide",), awaited=83)
    with change.applied(ground(kube, mesh, probe=FakeProbe(answers=answer))):
        during = kube.objects[path]["spec"]["ports"]

    assert during == [{**each, "targetPort": 5000} for each in asked]
    assert kube.objects[path]["spec"]["ports"] == given
    assert [what for what, _ in waits] == [f"{path}:83 is there", f"{path}:83 is gone"]
