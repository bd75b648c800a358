"""What goes over the wire to the API server, and what becomes of its answers."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from meshproof.cluster.kube import KubeApi, KubeError
from tests.cluster.api_server import ApiServer

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}


def test_get_gives_the_object(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/api/v1/namespaces/n/pods/p", POD)

    assert kube.get("/api/v1/namespaces/n/pods/p") == POD


def test_query_is_encoded(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/api/v1/pods", {"items": [POD]})

    found = kube.items("/api/v1/pods", labelSelector="app in (a, b)", limit=5)

    assert found == [POD]
    assert server.asked[0].target == "/api/v1/pods?labelSelector=app+in+%28a%2C+b%29&limit=5"


@pytest.mark.parametrize(
    "listed", [pytest.param({}, id="no-items"), pytest.param({"items": None}, id="null")]
)
def test_collection_without_items_is_empty(server: ApiServer, kube: KubeApi, listed: dict[str, Any]) -> None:
    server.gives("/api/v1/pods", listed)

    assert kube.items("/api/v1/pods") == []


def test_what_is_there_is_found(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/api/v1/namespaces/n", {"kind": "Namespace"})

    assert kube.find("/api/v1/namespaces/n") == {"kind": "Namespace"}


def test_what_is_not_there_is_found_to_be_none(kube: KubeApi) -> None:
    assert kube.find("/api/v1/namespaces/gone") is None


@pytest.mark.parametrize("status", [pytest.param(each, id=str(each)) for each in (304, 403, 409, 500, 503)])
def test_any_other_status_is_an_error_with_the_servers_words(
    server: ApiServer, kube: KubeApi, status: int
) -> None:
    server.gives("/api/v1/namespaces/n", {"message": "its own words"}, status)

    with pytest.raises(KubeError) as caught:
        kube.find("/api/v1/namespaces/n")

    assert caught.value.status == status
    assert caught.value.where == "GET /api/v1/namespaces/n"
    assert str(status) in caught.value.problem
    assert status == 304 or "its own words" in caught.value.evidence


def test_evidence_is_cut(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/x", "y" * 9_000, 500)

    with pytest.raises(KubeError) as caught:
        kube.get("/x")

    assert len(caught.value.evidence) == 2_000


def test_answer_that_is_not_json_is_an_error_that_shows_it(server: ApiServer, kube: KubeApi) -> None:
    server.answers["/x"] = (200, b"<html>\xff")

    with pytest.raises(KubeError, match="the answer is not JSON") as caught:
        kube.get("/x")

    assert caught.value.evidence.startswith("<html>")


def test_refused_connection_is_an_error_of_status_0() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings = client.Configuration()
        settings.host = f"http://127.0.0.1:{taken.getsockname()[1]}"
        settings.retries = False
        kube = KubeApi(client.ApiClient(settings))

        with pytest.raises(KubeError, match="no answer from the API server") as caught:
            kube.find("/api/v1/namespaces/n")

    assert caught.value.status == 0


def test_server_that_never_answers_is_an_error_of_status_0() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = client.Configuration()
        settings.host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings.retries = False
        kube = KubeApi(client.ApiClient(settings))

        with pytest.raises(KubeError, match="no answer from the API server") as caught:
            kube.raw("GET", "/version", timeout=0.1)

    assert caught.value.status == 0


@pytest.mark.parametrize(
    ("document", "namespace", "path"),
    [
        pytest.param(POD, "n", "/api/v1/namespaces/n/pods", id="core"),
        pytest.param(
            {"apiVersion": "apps/v1", "kind": "Deployment"},
            "n",
            "/apis/apps/v1/namespaces/n/deployments",
            id="group",
        ),
        pytest.param(
            {"apiVersion": "split.smi-spec.io/v1alpha3", "kind": "TrafficSplit"},
            "demo",
            "/apis/split.smi-spec.io/v1alpha3/namespaces/demo/trafficsplits",
            id="smi",
        ),
        pytest.param(
            {"apiVersion": "v1", "kind": "Namespace"}, None, "/api/v1/namespaces", id="cluster-wide"
        ),
    ],
)
def test_object_is_created_where_its_kind_is_served(
    server: ApiServer, kube: KubeApi, document: dict[str, Any], namespace: str | None, path: str
) -> None:
    server.gives(path, {"made": True}, 201)

    made = kube.create(document, namespace=namespace)

    assert made == {"made": True}
    assert (server.asked[0].method, server.asked[0].target) == ("POST", path)
    assert server.asked[0].body == document


def test_change_is_a_merge_patch(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/x", {})

    kube.merge("/x", {"spec": {"replicas": 0}})

    asked = server.asked[0]
    assert (asked.method, asked.content_type) == ("PATCH", "application/merge-patch+json")
    assert asked.body == {"spec": {"replicas": 0}}


@pytest.mark.parametrize(
    ("options", "more"),
    [
        pytest.param({}, {}, id="plain"),
        pytest.param({"uid": "u-1"}, {"preconditions": {"uid": "u-1"}}, id="only-that-one"),
        pytest.param({"grace_s": 0}, {"gracePeriodSeconds": 0}, id="at-once"),
    ],
)
def test_deletion_takes_what_the_object_owns(
    server: ApiServer, kube: KubeApi, options: dict[str, Any], more: dict[str, Any]
) -> None:
    server.gives("/x", {})

    kube.delete("/x", **options)

    assert server.asked[0].method == "DELETE"
    assert server.asked[0].body == {"propagationPolicy": "Background", **more}


def test_deletion_of_what_is_gone_is_no_error(server: ApiServer, kube: KubeApi) -> None:
    kube.delete("/x")

    assert len(server.asked) == 1


def test_deletion_of_a_successor_is_refused(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/x", {"message": "the UID in the precondition does not match"}, 409)

    with pytest.raises(KubeError, match="precondition"):
        kube.delete("/x", uid="u-1")


def decoded(target: str) -> str:
    """A target as the server reads it: a colon may be encoded in a path."""
    return target.replace("%3A", ":")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        pytest.param("metrics", "metrics", id="plain"),
        pytest.param("api/rawdata", "api/rawdata", id="nested"),
        pytest.param("api/http/routers?per_page=1", "api/http/routers?per_page=1", id="query"),
        pytest.param("a b", "a%20b", id="blank"),
    ],
)
def test_pod_is_asked_through_its_proxy_path(
    server: ApiServer, kube: KubeApi, path: str, target: str
) -> None:
    proxy = "/api/v1/namespaces/n/pods/p:8080/proxy/"
    for form in (proxy, proxy.replace(":", "%3A")):
        server.answers[form + target.partition("?")[0]] = (200, b"as it is \xff")

    with_answer = _answer_or_none(lambda: kube.pod_get("n", "p", 8080, path))

    assert decoded(server.asked[0].target) == proxy + target
    assert with_answer == "as it is �"


def _answer_or_none(ask: Callable[[], str]) -> str | None:
    try:
        return ask()
    except KubeError:
        return None


def test_pods_own_status_is_the_errors(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/api/v1/namespaces/n/pods/p%3A8080/proxy/x", "busy", 429)

    with pytest.raises(KubeError) as caught:
        kube.pod_get("n", "p", 8080, "x")

    assert caught.value.status == 429


@pytest.mark.parametrize(
    ("lines", "query"),
    [
        pytest.param(None, "container=c", id="all"),
        pytest.param(20, "container=c&tailLines=20", id="the-last-lines"),
    ],
)
def test_log_of_a_container(server: ApiServer, kube: KubeApi, lines: int | None, query: str) -> None:
    server.answers["/api/v1/namespaces/n/pods/p/log"] = (200, b"line 1\nline 2\n")

    text = kube.log("n", "p", "c", lines=lines)

    assert text == "line 1\nline 2\n"
    assert server.asked[0].target == f"/api/v1/namespaces/n/pods/p/log?{query}"
