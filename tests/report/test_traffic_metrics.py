"""``meshproof traffic-metrics``: what it asks, what it prints, what it refuses."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import pytest
import typer
from typer.testing import CliRunner

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.model.errors import BadInputError
from meshproof.report import traffic_metrics as module
from meshproof.report.traffic_metrics import traffic_metrics

LABELS = 'method="GET",service="demo-server-80@http"'
TEXT = """
traefik_service_requests_total{{code="200",{labels}}} {count}
traefik_service_requests_total{{code="500",{labels}}} 2
traefik_service_request_duration_seconds_bucket{{code="200",{labels},le="0.1"}} {count}
traefik_service_request_duration_seconds_bucket{{code="200",{labels},le="+Inf"}} {count}
process_start_time_seconds 1000
"""


@pytest.fixture
def run() -> Callable[..., Any]:
    app = typer.Typer()
    app.command()(traffic_metrics)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["server", *arguments])


class FakeKube(Mock):
    """One proxy whose counter rises with each look, one Service, one namespace of a run."""

    looks = 0
    namespaces = ("demo",)
    proxies = ("proxy-1",)

    def items(self, path: str, **_query: str) -> list[dict[str, Any]]:
        if path.endswith("/namespaces"):
            return [{"metadata": {"name": name}} for name in self.namespaces]
        return [
            {"metadata": {"name": name, "uid": name}, "status": {"phase": "Running"}} for name in self.proxies
        ]

    def find(self, path: str) -> dict[str, Any] | None:
        return {} if path == "/api/v1/namespaces/demo/services/server" else None

    def pod_get(self, _namespace: str, _pod: str, _port: int, _path: str) -> str:
        self.looks += 1
        return TEXT.format(labels=LABELS, count=10 * self.looks)


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> FakeKube:
    fake = FakeKube(spec=KubeApi)
    monkeypatch.setattr(module, "_kube", lambda _kubeconfig, _context: fake)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    return fake


def counts(output: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in json.loads(output)["metrics"]}


def test_everything_since_the_proxies_started_is_told(run: Callable[..., Any], kube: FakeKube) -> None:
    done = run("--namespace=demo")

    assert counts(done.stdout)["success_count"] == "10"
    assert counts(done.stdout)["failure_count"] == "2"
    assert "demo/server" in done.stderr
    assert kube.looks == 1


def test_window_counts_what_comes_in_it(run: Callable[..., Any], kube: FakeKube) -> None:
    done = run("--namespace=demo", "--window=5")

    told = json.loads(done.stdout)
    assert told["window"] == "5s"
    assert counts(done.stdout)["success_count"] == "10"
    assert counts(done.stdout)["failure_count"] == "0"
    assert kube.looks == 2


def test_namespace_is_that_of_the_kept_run(run: Callable[..., Any], kube: FakeKube) -> None:
    assert json.loads(run().stdout)["resource"]["namespace"] == kube.namespaces[0]


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        pytest.param({"namespaces": ()}, [], "0 namespaces of a run", id="no-run"),
        pytest.param({"namespaces": ("a", "b")}, [], "2 namespaces of a run", id="two-runs"),
        pytest.param({}, ["--namespace=other"], "no such Service", id="no-service"),
        pytest.param({"proxies": ()}, ["--namespace=demo"], "no proxy of a mesh", id="no-mesh"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    run: Callable[..., Any], kube: FakeKube, change: dict[str, Any], arguments: list[str], said: str
) -> None:
    for name, value in change.items():
        setattr(kube, name, value)

    done = run(*arguments)

    assert isinstance(done.exception, BadInputError)
    assert said in str(done.exception)


def test_cluster_that_is_not_there_is_refused(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run(f"--kubeconfig={tmp_path / 'none'}")

    assert isinstance(done.exception, BadInputError)
    assert "no cluster to ask" in str(done.exception)


class FakePrometheus(BaseHTTPRequestHandler):
    """Knows one series of each kind, at every moment but the earlier one of a window."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        name = asked["query"][0].partition("{")[0]
        labels = {"code": "200"} | ({"le": "+Inf"} if name.endswith("_bucket") else {})
        earlier = float(asked["time"][0]) < time.time() - 5
        result = [] if earlier else [{"metric": labels, "value": [0, "4"]}]
        body = json.dumps({"data": {"resultType": "vector", "result": result}}).encode()
        self.send_response(200 if "broken" not in self.path else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    log_message: Callable[..., None] = staticmethod(lambda *_: None)


@pytest.fixture(scope="module")
def prometheus() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), FakePrometheus) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_prometheus_is_asked_instead_of_the_proxies(run: Callable[..., Any], prometheus: str) -> None:
    done = run("--namespace=demo", f"--prometheus={prometheus}/")

    told = json.loads(done.stdout)
    assert told["window"] == "30s"
    assert counts(done.stdout)["success_count"] == "4"


def test_prometheus_needs_the_namespace(run: Callable[..., Any], prometheus: str) -> None:
    assert "--namespace" in str(run(f"--prometheus={prometheus}").exception)


def test_prometheus_that_is_not_there_is_refused(run: Callable[..., Any]) -> None:
    done = run("--namespace=demo", "--prometheus=http://127.0.0.1:1")

    assert isinstance(done.exception, BadInputError)
    assert "does not answer" in str(done.exception)


def test_prometheus_that_fails_is_told_as_such(run: Callable[..., Any], prometheus: str) -> None:
    done = run("--namespace=demo", f"--prometheus={prometheus}/broken")

    assert isinstance(done.exception, KubeError)
    assert done.exception.status == 503
