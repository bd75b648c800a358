"""What a mutant's chart does after prepare or cleanup: to a cluster made of a table."""

import copy
import json
import time
import urllib.error
from collections.abc import Mapping
from email.message import Message
from typing import Any, cast

import pytest

from meshproof.judge.corefile import blocks
from meshproof.mutate.spoiler import Api, spoil

SYSTEM = "/namespaces/kube-system"
KUBE_DNS = f"/apis/apps/v1{SYSTEM}/deployments/kube-dns"
COREDNS = f"/apis/apps/v1{SYSTEM}/deployments/coredns"
STUBS = f"/api/v1{SYSTEM}/configmaps/kube-dns"
COREFILE = f"/api/v1{SYSTEM}/configmaps/coredns"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
OURS = {"maesh": ["10.0.0.1"], "traefik.mesh": ["10.0.0.1"]}
USERS = {"corp.example": ["192.0.2.1"]}
ROOT = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
    }
    forward . /etc/resolv.conf
}
"""
ZONES = """
#### Begin Maesh Block
maesh:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
    }
}
#### End Maesh Block

#### Begin Traefik Mesh Block
traefik.mesh:53 {
    errors
}
#### End Traefik Mesh Block
"""


def deployment(**status: int) -> dict[str, Any]:
    rolled_out = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 2)
    return {
        "metadata": {"generation": 3},
        "spec": {"replicas": 2, "template": {"metadata": {"annotations": {"a": "b"}}}},
        "status": {"observedGeneration": 3, **rolled_out, **status},
    }


class FakeApi:
    """Objects by path; ``conflicts`` are the next writes that somebody else is quicker than."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {
            STUBS: {"data": {"stubDomains": json.dumps(OURS | USERS)}},
            COREFILE: {"data": {"Corefile": ROOT + ZONES}},
            KUBE_DNS: deployment(),
            COREDNS: deployment(),
        }
        self.conflicts = 0
        self.asked: list[tuple[str, str]] = []

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append((method, path))
        if method == "PUT":
            if self.conflicts:
                self.conflicts -= 1
                raise urllib.error.HTTPError(path, 409, "conflict", Message(), None)
            self.objects[path] = copy.deepcopy(body)
        if method == "DELETE":
            return {}
        return cast("dict[str, Any]", copy.deepcopy(self.objects[path]))

    def did(self, *methods: str) -> list[str]:
        return [path for method, path in self.asked if method in methods]

    @property
    def stub_domains(self) -> dict[str, list[str]]:
        return cast("dict[str, list[str]]", json.loads(self.objects[STUBS]["data"]["stubDomains"]))

    @property
    def corefile(self) -> str:
        return str(self.objects[COREFILE]["data"]["Corefile"])


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def spoiled(api: FakeApi, name: str) -> None:
    spoil(cast("Api", api), name)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("stub-domain-missing", USERS),
        ("stub-domain-wrong-address", USERS | {name: ["192.0.2.53"] for name in OURS}),
        ("stub-domain-too-wide", USERS | OURS | {"cluster.local": ["10.0.0.1"]}),
        ("users-stub-domain-dropped", OURS),
        ("users-stub-domain-taken-along", {}),
    ],
)
def test_stub_domains_are_others_and_kube_dns_is_restarted(
    api: FakeApi, name: str, left: dict[str, list[str]]
) -> None:
    spoiled(api, name)

    assert api.stub_domains == left
    annotations = api.objects[KUBE_DNS]["spec"]["template"]["metadata"]["annotations"]
    assert annotations.keys() == {"a", "traefik-mesh-hash"}
    assert api.did("PUT") == [STUBS, KUBE_DNS]


def test_stub_domains_that_are_not_there_are_none(api: FakeApi) -> None:
    api.objects[STUBS] = {}

    spoiled(api, "users-stub-domain-taken-along")

    assert api.stub_domains == {}


@pytest.mark.parametrize(
    ("name", "zones", "restarts"),
    [
        ("zones-in-memory-only", {".:53"}, []),
        ("corefile-block-kept", {".:53", "maesh:53", "traefik.mesh:53"}, []),
        ("cleanup-breaks-the-corefile", {".:53", "maesh:53", "traefik.mesh:53"}, [COREDNS]),
    ],
)
def test_corefile_is_another(api: FakeApi, name: str, zones: set[str], restarts: list[str]) -> None:
    spoiled(api, name)

    assert blocks(api.corefile).keys() == zones
    assert api.did("PUT") == [COREFILE, *restarts]


def test_clusters_own_names_alone_are_lost(api: FakeApi) -> None:
    spoiled(api, "cleanup-breaks-the-corefile")

    found = blocks(api.corefile)
    assert (
        found[".:53"]
        == "{\n    errors\n    health {\n       lameduck 5s\n    }\n    forward . /etc/resolv.conf\n}"
    )
    assert found["maesh:53"] == blocks(ZONES)["maesh:53"]


def test_blocks_without_marks_are_nobodys(api: FakeApi) -> None:
    spoiled(api, "corefile-block-kept")

    assert "####" not in api.corefile
    assert {name: text for name, text in blocks(api.corefile).items() if name != ".:53"} == blocks(ZONES)


def test_zones_go_once_coredns_has_read_them(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.objects[COREDNS] = deployment(updatedReplicas=1)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        assert "traefik.mesh:53" in api.corefile
        waited.append(seconds)
        if len(waited) == 3:
            api.objects[COREDNS] = deployment()

    monkeypatch.setattr(time, "sleep", wait)

    spoiled(api, "zones-in-memory-only")

    assert len(waited) == 3
    assert "traefik.mesh:53" not in api.corefile


def test_rollout_that_never_ends_is_told(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.objects[COREDNS] = deployment(observedGeneration=2)
    monkeypatch.setattr(time, "sleep", lambda _: None)

    with pytest.raises(TimeoutError, match="coredns has not rolled out"):
        spoiled(api, "zones-in-memory-only")


def test_definitions_are_deleted_whoever_brought_them(api: FakeApi) -> None:
    names = ["trafficsplits.split.smi-spec.io", "others.example"]
    api.objects[DEFINITIONS] = {"items": [{"metadata": {"name": name}} for name in names]}

    spoiled(api, "crds-deleted-on-uninstall")

    assert api.did("DELETE") == [f"{DEFINITIONS}/{names[0]}"]


def test_pods_of_the_services_are_ended(api: FakeApi) -> None:
    pods = [{"metadata": {"name": name, "namespace": "mp-run"}} for name in ("server-1", "server-2")]
    api.objects["/api/v1/pods?labelSelector=app%3Dserver"] = {"items": pods}

    spoiled(api, "cleanup-ends-the-workloads")

    assert api.did("DELETE") == [f"/api/v1/namespaces/mp-run/pods/server-{number}" for number in (1, 2)]


def test_write_is_tried_again_where_somebody_else_was_quicker(api: FakeApi) -> None:
    api.conflicts = 2

    spoiled(api, "stub-domain-missing")

    assert api.did("PUT") == [STUBS, STUBS, STUBS, KUBE_DNS]
    assert api.stub_domains == USERS


def test_write_that_is_refused_again_and_again_is_told(api: FakeApi) -> None:
    api.conflicts = 1_000

    with pytest.raises(urllib.error.HTTPError):
        spoiled(api, "stub-domain-missing")
