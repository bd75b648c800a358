"""Fronts: each does one thing wrong and passes everything else on."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from meshproof.mutate.front import BEHAVIOURS, KEPT, Behaviour, Listeners

PROXY = "127.0.0.22"  # another loopback address than the front's
TRACE = "463ac35c9f6413ad48485a3953bb6124:a2fb4a1d1a96d312:0020000000000001:1"


class Echo(BaseHTTPRequestHandler):
    """Tells what it got; a body in chunks with its trailers, as they came."""

    protocol_version = "HTTP/1.1"
    seen: int

    def answer(self) -> None:
        type(self).seen += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        while "Transfer-Encoding" in self.headers and not body.endswith(b"\r\n\r\n"):
            body += self.rfile.readline()
        told = json.dumps(
            {
                "target": self.path,
                "headers": self.headers.items(),
                "body": body.decode(),
                "remoteAddr": f"{self.client_address[0]}:{self.client_address[1]}",
            }
        ).encode()
        self.send_response(500 if self.path == "/fails" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = answer  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Echo.seen = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()


Ask = Callable[..., tuple[int, dict[str, Any] | bytes]]


@pytest.fixture
def ask(server: str) -> Ask:
    """Status and what the server was asked, through a front of this behaviour."""

    def asked(
        behaviour: Behaviour,
        target: str = "/",
        headers: dict[str, str] | None = None,
        body: str | None = None,
    ) -> tuple[int, dict[str, Any] | bytes]:
        port = Listeners(behaviour).port_for(server, http=True)
        assert port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=(PROXY, 0))
        connection.request("POST" if body else "GET", target, body=body, headers=headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(data)
        except ValueError:
            return answer.status, data

    return asked


def header(told: dict[str, Any] | bytes, name: str) -> list[str]:
    assert isinstance(told, dict)
    return [value for each, value in told["headers"] if each.lower() == name.lower()]


def test_a_front_that_does_nothing_wrong_passes_everything_on(ask: Ask) -> None:
    status, told = ask(Behaviour(), "/a%2Fb?q=1;2", {"X-One": "1", "uber-trace-id": TRACE}, "body")

    assert isinstance(told, dict)
    assert (status, told["target"], told["body"]) == (200, "/a%2Fb?q=1;2", "body")
    assert (header(told, "X-One"), header(told, "uber-trace-id")) == (["1"], [TRACE])
    assert told["remoteAddr"].startswith(f"{PROXY}:")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("trace-header-stripped", []),
        ("sampling-forced", [TRACE]),
        ("trace-id-repeated", ["1f1f1f1f1f1f1f1f:a2fb4a1d1a96d312:0020000000000001:1"]),
        ("trace-id-cut", ["48485a3953bb6124:a2fb4a1d1a96d312:0020000000000001:1"]),
    ],
)
def test_trace_headers(ask: Ask, name: str, expected: list[str]) -> None:
    _, told = ask(BEHAVIOURS[name], headers={"uber-trace-id": TRACE})

    assert header(told, "uber-trace-id") == expected


def test_a_restarted_trace_has_another_id(ask: Ask) -> None:
    _, told = ask(BEHAVIOURS["trace-restarted"], headers={"uber-trace-id": TRACE})

    (value,) = header(told, "uber-trace-id")
    trace, span, parent, flags = value.split(":")
    assert (trace == span, parent, flags) == (True, "0", "1")
    assert trace not in TRACE


@pytest.mark.parametrize(
    ("name", "sent", "left"),
    [
        ("header-cut", {"X-Long": "x" * 9000}, "X-Long"),
        ("headers-few", {f"X-{number}": "1" for number in range(100)}, "X-99"),
        ("baggage-dropped", {"uberctx-user": "1"}, "uberctx-user"),
    ],
)
def test_headers_that_are_lost(ask: Ask, name: str, sent: dict[str, str], left: str) -> None:
    _, told = ask(BEHAVIOURS[name], headers=sent)

    assert header(told, left) != [sent[left]]


def test_targets(ask: Ask) -> None:
    decoded, rewritten = (
        ask(BEHAVIOURS[name], "/a%2Fb?q=1;2")[1] for name in ("path-decoded", "query-rewritten")
    )

    assert isinstance(decoded, dict)
    assert isinstance(rewritten, dict)
    assert (decoded["target"], rewritten["target"]) == ("/a/b?q=1;2", "/a%2Fb?q=1&2")


def test_bodies_lose_their_last_byte(ask: Ask) -> None:
    _, answer = ask(BEHAVIOURS["body-cut"], body="body")

    assert isinstance(answer, bytes)
    assert b'"body": "bod"' in answer
    assert not answer.endswith(b"}")


CHUNKED = "4\r\nbody\r\n3;a=b\r\nand\r\n0\r\nX-Sum: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param(Behaviour(), CHUNKED, id="transparent"),
        pytest.param(BEHAVIOURS["trailers-dropped"], "4\r\nbody\r\n3\r\nand\r\n0\r\n\r\n", id="no trailers"),
        pytest.param(
            BEHAVIOURS["body-cut"], "3\r\nbod\r\n3\r\nyan\r\n0\r\nX-Sum: 1\r\n\r\n", id="last byte lost"
        ),
    ],
)
def test_bodies_in_chunks(ask: Ask, behaviour: Behaviour, expected: str) -> None:
    headers = {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"}

    _, told = ask(replace(behaviour, answer_lost=0), headers=headers, body=CHUNKED)

    assert isinstance(told, dict)
    assert told["body"] == expected
    assert header(told, "Trailer") == (["X-Sum"] if behaviour.trailers else [])


def test_a_body_is_taken_for_another_request(ask: Ask) -> None:
    hidden = "GET /hidden HTTP/1.1\r\nHost: b\r\n\r\n"

    status, told = ask(BEHAVIOURS["body-forwarded-raw"], "/first", body=hidden)

    assert isinstance(told, dict)
    assert (status, told["target"], told["body"], Echo.seen) == (200, "/first", "", 2)


def test_a_client_that_expects_is_refused(ask: Ask) -> None:
    behaviour = BEHAVIOURS["expect-refused"]

    assert ask(behaviour, headers={"Expect": "100-continue"})[0] == 417
    assert (ask(behaviour)[0], Echo.seen) == (200, 1)


def test_a_trace_that_was_put_aside_comes_back(ask: Ask) -> None:
    _, told = ask(BEHAVIOURS["trace-untouched"], headers={"uber-trace-id": TRACE, KEPT: "the caller's"})

    assert (header(told, "uber-trace-id"), header(told, KEPT)) == (["the caller's"], [])


def test_nothing_stands_before_a_port_that_nobody_listens_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"

    assert Listeners().port_for(address, http=True) is None


def test_statuses_are_rewritten(ask: Ask) -> None:
    assert ask(BEHAVIOURS["status-rewritten"], "/fails")[0] == 200


def test_a_request_is_sent_twice(ask: Ask) -> None:
    ask(BEHAVIOURS["request-sent-twice"])

    assert Echo.seen == 2


@pytest.fixture
def stream() -> Iterator[str]:
    """Greets, then sends everything back once the client's half has ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(b"hello ")
                data = b""
                while piece := client.recv(100):
                    data += piece
                client.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def heard(address: str, behaviour: Behaviour, *, speak: bool = True) -> bytes:
    port = Listeners(behaviour).port_for(address, http=False)
    assert port
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as client:
        if speak:
            client.sendall(b"bytes")
            client.shutdown(socket.SHUT_WR)
        data = b""
        try:
            while piece := client.recv(100):
                data += piece
        except TimeoutError:
            return data + b"..."
        return data


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param(Behaviour(), b"hello bytes", id="transparent"),
        pytest.param(BEHAVIOURS["tcp-bytes-changed"], b"hello BYTES", id="changed"),
        pytest.param(BEHAVIOURS["half-close-dropped"], b"hello ...", id="half dropped"),
    ],
)
def test_streams(stream: str, behaviour: Behaviour, expected: bytes) -> None:
    assert heard(stream, behaviour) == expected


def test_a_half_that_closes_both_hears_no_answer(stream: str) -> None:
    assert b"bytes" not in heard(stream, BEHAVIOURS["half-close-closes-both"])


def test_the_first_word_is_awaited(stream: str) -> None:
    assert heard(stream, BEHAVIOURS["first-word-awaited"], speak=False) == b"..."
