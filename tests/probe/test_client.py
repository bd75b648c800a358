"""The agent's client: an agent that does not answer as it should says nothing about the mesh."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from meshproof.model.errors import ExitCode
from meshproof.model.exchange import Request
from meshproof.probe.client import AgentError, Probe

REQUEST = Request(id="1", url="http://server/")


class Wrong:
    """An agent that answers everything with the same."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.asked: list[tuple[str, str | None]] = []


@pytest.fixture
def wrong() -> Wrong:
    return Wrong()


@pytest.fixture
def probe(wrong: Wrong) -> Iterator[Probe]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            wrong.asked.append((self.path, self.headers["Authorization"]))
            self.send_response(wrong.status)
            self.end_headers()
            self.wfile.write(wrong.body)

        do_GET = do_POST  # noqa: N815  # the name that http.server calls
        log_message: Callable[..., None] = staticmethod(lambda *_: None)

    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        with Probe(f"http://127.0.0.1:{httpd.server_port}", "t") as client:
            yield client
        httpd.shutdown()
        thread.join()


def test_token_goes_with_every_call(wrong: Wrong, probe: Probe) -> None:
    wrong.body = b'{"resolutions": []}'

    probe.resolve(["a"])

    assert wrong.asked == [("/v1/resolve", "Bearer t")]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        pytest.param(500, b"", "500", id="agent-failed"),
        pytest.param(401, b"", "401", id="token-refused"),
        pytest.param(200, b"<html>", "malformed", id="not-json"),
        pytest.param(200, b'{"exchanges": [{}]}', "request", id="another-form"),
        pytest.param(200, b'{"exchanges": [{"request": {"id": "\xff"}}]}', "utf-8", id="not-utf-8"),
    ],
)
def test_agent_that_answers_otherwise_is_the_harnesss_failure(
    wrong: Wrong, probe: Probe, status: int, body: bytes, said: str
) -> None:
    wrong.status, wrong.body = status, body

    with pytest.raises(AgentError, match="/v1/exchange") as caught:
        probe.send([REQUEST])

    assert said in str(caught.value)
    assert caught.value.exit_code is ExitCode.INCONCLUSIVE


def test_nothing_to_send_asks_nobody(wrong: Wrong, probe: Probe) -> None:
    assert probe.send([]) == []
    assert wrong.asked == []


def test_nothing_to_resolve_is_no_error(wrong: Wrong, probe: Probe) -> None:
    wrong.body = b'{"resolutions": []}'

    assert probe.resolve([]) == []


@pytest.fixture
def absent() -> Iterator[Probe]:
    """A client of an agent that is not there."""
    with socket.socket() as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        with Probe(f"http://127.0.0.1:{endpoint.getsockname()[1]}", "t") as client:
            yield client


def test_agent_that_is_not_there_is_not_healthy(absent: Probe) -> None:
    assert absent.healthy() is False


def test_agent_that_is_not_there_is_the_harnesss_failure(absent: Probe) -> None:
    with pytest.raises(AgentError, match="the agent in the client pod did not answer"):
        absent.tcp("127.0.0.1", 1, b"")


@pytest.mark.parametrize(
    ("status", "healthy"), [pytest.param(200, True, id="ok"), pytest.param(503, False, id="starting")]
)
def test_agent_is_healthy_when_it_says_so(
    wrong: Wrong,
    probe: Probe,
    status: int,
    healthy: bool,  # noqa: FBT001  # a table's column
) -> None:
    wrong.status = status

    assert probe.healthy() is healthy
