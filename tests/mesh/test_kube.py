"""The adapters' words to the API server: which path each one asks, and with what."""

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from meshproof.cluster.kube import KubeApi
from meshproof.mesh.kube import Kube

NAMED = "/apis/rbac.authorization.k8s.io/v1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Every call that reaches the server, as method, path, query and body; the answer is always empty."""
    seen: list[tuple[Any, ...]] = []

    def raw(_api: KubeApi, method: str, path: str, **options: Any) -> bytes:
        seen.append((method, path, options.get("query") or {}, options.get("body")))
        return b'{"items": [{"new": "field"}]}'

    monkeypatch.setattr(KubeApi, "raw", raw)
    return seen


@pytest.fixture
def kube() -> Kube:
    return Kube(ApiClient(Configuration(host="http://127.0.0.1:9")))


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda kube: kube.pods("ns", selector="a=b"), "/api/v1/namespaces/ns/pods"),
        (lambda kube: kube.events("ns"), "/api/v1/namespaces/ns/events"),
        (lambda kube: kube.services("ns", selector="a=b"), "/api/v1/namespaces/ns/services"),
        (lambda kube: kube.deployments("ns"), "/apis/apps/v1/namespaces/ns/deployments"),
        (lambda kube: kube.daemon_sets("ns"), "/apis/apps/v1/namespaces/ns/daemonsets"),
        (lambda kube: kube.jobs("ns"), "/apis/batch/v1/namespaces/ns/jobs"),
        (lambda kube: kube.cluster_roles(selector="a=b"), f"{NAMED}/clusterroles"),
        (lambda kube: kube.cluster_role_bindings(selector="a=b"), f"{NAMED}/clusterrolebindings"),
        (lambda kube: kube.roles("ns", selector="a=b"), f"{NAMED}/namespaces/ns/roles"),
        (lambda kube: kube.role_bindings("ns", selector="a=b"), f"{NAMED}/namespaces/ns/rolebindings"),
        (lambda kube: kube.crds(), CRDS),
    ],
)
def test_lists_are_the_items_as_they_are(
    kube: Kube, calls: list[tuple[Any, ...]], ask: Callable[[Kube], Any], path: str
) -> None:
    assert ask(kube) == [{"new": "field"}]

    ((method, asked, query, _),) = calls
    assert (method, asked) == ("GET", path)
    assert query in ({}, {"labelSelector": "a=b"})


def test_single_things_are_asked_by_name(kube: Kube, calls: list[tuple[Any, ...]]) -> None:
    kube.config_map("ns", "coredns")
    kube.namespace("ns")
    kube.log("ns", "p", "c")
    kube.pod_get("ns", "p", 8080, "api/rawdata")

    assert [path for _, path, _, _ in calls] == [
        "/api/v1/namespaces/ns/configmaps/coredns",
        "/api/v1/namespaces/ns",
        "/api/v1/namespaces/ns/pods/p/log",
        "/api/v1/namespaces/ns/pods/p:8080/proxy/api/rawdata",
    ]
    assert calls[2][2]["container"] == "c"


def test_deletions_name_their_object_by_uid(kube: Kube, calls: list[tuple[Any, ...]]) -> None:
    kube.delete_namespace("ns", uid="1")
    kube.delete_crd("x", uid="2")
    kube.delete_job("ns", "j", uid="3")

    assert [(method, path, body["preconditions"]["uid"]) for method, path, _, body in calls] == [
        ("DELETE", "/api/v1/namespaces/ns", "1"),
        ("DELETE", f"{CRDS}/x", "2"),
        ("DELETE", "/apis/batch/v1/namespaces/ns/jobs/j", "3"),
    ]


def test_labels_are_written(kube: Kube, calls: list[tuple[Any, ...]]) -> None:
    kube.create_namespace("ns", {"a": "b"}, {"c": "d"})
    kube.label_crd("x", {"a": "b"})

    created, labelled = calls
    assert created[:2] == ("POST", "/api/v1/namespaces")
    assert created[3]["metadata"] == {"name": "ns", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert labelled[:2] == ("PATCH", f"{CRDS}/x")
    assert labelled[3] == {"metadata": {"labels": {"a": "b"}}}
