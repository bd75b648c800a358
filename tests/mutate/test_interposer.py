"""The shim between controller and proxies."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from meshproof.mutate import served
from meshproof.mutate.interposer import MARKER, Interposer

CURRENT = "/api/configuration/current"
NODES = ("10.244.0.0/24", "10.244.1.0/24")
SERVER = "http://10.0.0.1:8080"


class Controller(BaseHTTPRequestHandler):
    """Serves one service, and a readiness."""

    def do_GET(self) -> None:
        balancer = {"loadBalancer": {"servers": [{"url": SERVER}], "passHostHeader": True}}
        told: Any = "true"
        if self.path == CURRENT:
            told = {"http": {"services": {"mp-1-server-80": balancer}}}
        body = json.dumps(told).encode()
        self.send_response(200 if self.path != "/missing" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def shim() -> Iterator[Interposer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Controller) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
        yield Interposer(f"http://127.0.0.1:{serving.server_address[1]}", "127.0.0.1", NODES)
        serving.shutdown()


def current(shim: Interposer) -> dict[str, Any]:
    status, _, body = shim.answer(CURRENT)
    assert status == 200
    told: dict[str, Any] = json.loads(body)
    return told["http"]  # type: ignore[no-any-return]  # JSON


def url(http: dict[str, Any]) -> str:
    return str(http["services"]["mp-1-server-80"]["loadBalancer"]["servers"][0]["url"])


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> str:
    """A mutant that takes every service away."""

    def change(configuration: dict[str, Any], scope: served.Scope) -> None:
        scope.memory["asked"] = scope.memory.get("asked", 0) + 1
        configuration["http"]["services"] = {"asked": scope.memory["asked"], "namespace": scope.namespace}

    monkeypatch.setattr(served, "CHANGES", {"gone": change})
    return "gone"


def test_without_a_mutant_only_the_marker_is_added(shim: Interposer) -> None:
    http = current(shim)

    assert url(http) == SERVER
    assert list(http["middlewares"]) == [f"{MARKER}0"]


def test_other_answers_pass_as_they_are(shim: Interposer) -> None:
    assert shim.answer("/api/status/readiness")[2] == b'"true"'
    assert shim.answer("/missing")[0] == 404


def test_a_mutant_changes_what_is_served_until_the_next_order(shim: Interposer, gone: str) -> None:
    order = shim.command(gone, "mp-1")["order"]
    first, second = current(shim), current(shim)
    shim.command("", "")

    assert first["services"] == {"asked": 1, "namespace": "mp-1"}
    assert second["services"]["asked"] == 2
    assert f"{MARKER}{order}" in first["middlewares"]
    assert url(current(shim)) == SERVER


def test_memory_is_emptied_by_an_order(shim: Interposer, gone: str) -> None:
    shim.command(gone, "mp-1")
    current(shim)
    shim.command(gone, "mp-1")

    assert current(shim)["services"]["asked"] == 1


def test_a_change_knows_who_asks_and_which_nodes_there_are(
    shim: Interposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[served.Scope] = []
    monkeypatch.setattr(served, "CHANGES", {"look": lambda _, scope: seen.append(scope)})
    shim.command("look", "mp-1")

    for caller in ("10.244.0.7", "10.244.1.7"):
        shim.answer(CURRENT, caller)

    assert [each.caller for each in seen] == ["10.244.0.7", "10.244.1.7"]
    assert {each.nodes for each in seen} == {NODES}
    assert seen[0].memory is seen[1].memory
    assert not seen[0].away


@pytest.fixture
def deserted(monkeypatch: pytest.MonkeyPatch) -> Interposer:
    """A shim without a controller, with a change that answers alone, one that then refuses, and another."""

    def alone(configuration: dict[str, Any], scope: served.Scope) -> None:
        assert (configuration, scope.away) == ({}, True)

    def refusing(configuration: dict[str, Any], scope: served.Scope) -> None:
        alone(configuration, scope)
        raise ConnectionRefusedError

    changes = {"alone": alone, "refusing": refusing, "other": alone}
    monkeypatch.setattr(served, "CHANGES", changes)
    monkeypatch.setattr(served, "ALONE", {"alone", "refusing"})
    return Interposer("http://127.0.0.1:1", "127.0.0.1")


def test_a_change_may_answer_without_a_controller(deserted: Interposer) -> None:
    order = deserted.command("alone", "mp-1")["order"]

    assert list(current(deserted)["middlewares"]) == [f"{MARKER}{order}"]


@pytest.mark.parametrize("name", ["", "refusing", "other"])
def test_without_a_controller_nobody_answers_else(deserted: Interposer, name: str) -> None:
    deserted.command(name, "mp-1")

    with pytest.raises(OSError):  # noqa: PT011 - whatever the connection says
        deserted.answer(CURRENT)


def test_without_a_controller_nothing_else_is_answered(deserted: Interposer) -> None:
    deserted.command("alone", "mp-1")

    with pytest.raises(OSError):  # noqa: PT011 - as above
        deserted.answer("/api/status/readiness")


def test_a_front_stands_before_the_server(shim: Interposer) -> None:
    shim.command("trace-restarted", "mp-1")

    first, second = url(current(shim)), url(current(shim))

    assert first.startswith("http://127.0.0.1:")
    assert first == second


def test_a_front_stands_before_every_service_that_it_can_read() -> None:
    shim = Interposer("http://127.0.0.1:1", "127.0.0.1")
    shim.command("error-headers-dropped", "mp-1")
    urls = {"mp-1-other-8080": SERVER, "mp-1-h2c-80": "h2c://10.0.0.1:8080", "mp-2-server-80": SERVER}
    services = {name: {"loadBalancer": {"servers": [{"url": each}]}} for name, each in urls.items()}
    configuration = {"http": {"services": services}}

    shim._redirect(configuration)  # what the controller's answer goes through

    led = {name: each["loadBalancer"]["servers"][0]["url"] for name, each in services.items()}
    assert led.pop("mp-1-other-8080").startswith("http://127.0.0.1:")
    assert led == {name: each for name, each in urls.items() if name != "mp-1-other-8080"}


def test_an_unknown_mutant_is_refused(shim: Interposer) -> None:
    assert "error" in shim.command("no-such", "mp-1")
    assert list(current(shim)["middlewares"]) == [f"{MARKER}0"]
