"""Gates before the proxies: each reads one thing amiss and passes everything else on."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from meshproof.mutate.front_behaviours import KEPT
from meshproof.mutate.gate import GATES, HELLO, Gate, Gates

HOST = "server.mp-1.traefik.mesh"
TRACE = "1:2:0:1"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Say = Callable[..., bytes]


@pytest.fixture
def heard() -> list[bytes]:
    """What the proxy got, connection by connection."""
    return []


@pytest.fixture
def proxy(heard: list[bytes]) -> Iterator[int]:
    """Answers each connection once its client has said everything; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    said = b""
                    while piece := client.recv(65_536):
                        said += piece
                    heard.append(said)
                    client.sendall(ANSWER)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.fixture
def free() -> int:
    with socket.create_server(("", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def say(proxy: int, free: int) -> Say:
    """What comes back for these bytes through a gate."""
    gates = Gates(ports={free: proxy})

    def said(gate: Gate | None, data: bytes) -> bytes:
        gates.put(Gate(), host=HOST, proxies=["127.0.0.1"])
        gates.put(gate, host=HOST, proxies=["127.0.0.1"])
        with socket.create_connection(("127.0.0.1", free), timeout=5) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            back = b""
            while piece := client.recv(65_536):
                back += piece
            return back

    return said


def request(*lines: str, target: str = "/", body: str = "") -> bytes:
    return "\r\n".join([f"POST {target} HTTP/1.1", *lines, "", body]).encode("latin-1")


def test_a_gate_that_does_nothing_wrong_passes_everything_on(say: Say, heard: list[bytes]) -> None:
    two = request("Host: a", "X-Odd:  b", "Content-Length: 2", body="ab") + request("Host: c", target="/2")

    assert say(Gate(), two) == ANSWER
    assert heard == [two.replace(b"X-Odd:  b", b"X-Odd: b")]


def test_a_gate_says_that_it_is_one(say: Say, heard: list[bytes]) -> None:
    assert say(GATES["no-header-limit"], HELLO) == HELLO
    assert heard == []


def test_where_no_gate_stands_nobody_is_served(say: Say, heard: list[bytes]) -> None:
    assert say(None, request("Host: a")) == b""
    assert heard == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(["Host: a", "Content-Length: 0", "Content-Length: 2"], ["Content-Length: 0"], id="two"),
        pytest.param(["Host: a", "Content-Length: +2"], ["Content-Length: 2"], id="signed"),
        pytest.param(["Host: a", "Content-Length : 2"], ["Content-Length: 2"], id="blank"),
        pytest.param(
            ["Host: a", "Content-Length: 2", "Transfer-Encoding: chunked"], ["Content-Length: 2"], id="both"
        ),
        pytest.param(["Host: a", "Transfer-Encoding: xCHUNKED"], ["Transfer-Encoding: chunked"], id="coding"),
        pytest.param(["X-Nul: a\x00b"], ["X-Nul: ab", f"Host: {HOST}"], id="NUL, no host"),
        pytest.param(["Host: a/path", "Host: b"], ["Host: a"], id="two hosts, one none"),
    ],
)
def test_lenience_makes_one_meaning_of_everything(
    say: Say, heard: list[bytes], lines: list[str], expected: list[str]
) -> None:
    say(GATES["lenient-http-parser"], request(*lines, body="ab"))

    head, _, body = heard[0].decode().partition("\r\n\r\n")
    assert body == "ab"
    assert sorted(line for line in head.split("\r\n")[1:] if line != "Host: a" or line in expected) == sorted(
        expected
    )


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("lenient-http-parser", "/a b\\c#d?e", "/abcd?e"),
        ("absolute-target-ignored", "http://elsewhere:80/a?http://b", "/a?http://b"),
        ("no-header-limit", "/" + "x" * 50_000, "/" + "x" * 9_999),
    ],
)
def test_targets(say: Say, heard: list[bytes], name: str, target: str, expected: str) -> None:
    say(GATES[name], request("Host: a", target=target))

    assert heard[0].startswith(f"POST {expected} HTTP/1.1\r\n".encode())


def test_a_head_of_any_size_is_made_smaller(say: Say, heard: list[bytes]) -> None:
    many = [f"X-{number}: {'x' * 500}" for number in range(2000)]

    say(GATES["no-header-limit"], request("Host: a", *many))

    assert len(heard[0]) < 120_000
    assert b"Host: a" in heard[0]


def test_a_callers_trace_is_put_aside(say: Say, heard: list[bytes]) -> None:
    say(GATES["trace-untouched"], request("Host: a", f"Uber-Trace-Id: {TRACE}"))
    say(GATES["trace-untouched"], request("Host: a"))

    assert f"{KEPT}: {TRACE}".encode() in heard[0]
    assert KEPT.encode() not in heard[1]


def test_a_trace_goes_on_below_another_span(say: Say, heard: list[bytes]) -> None:
    say(GATES["trace-of-another-span"], request("Host: a", f"uber-trace-id: {TRACE}"))

    trace, _, _, flags = TRACE.split(":")
    assert f"uber-trace-id: {trace}:feed:".encode() in heard[0]
    assert f":{flags}\r\n".encode() in heard[0]


@pytest.mark.parametrize(("gate", "passes"), [(Gate(), True), (GATES["http2-refused"], False)])
def test_http2_passes_as_it_is_or_not_at_all(
    say: Say,
    heard: list[bytes],
    gate: Gate,
    passes: bool,  # noqa: FBT001  # a table's column
) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00"

    assert (say(gate, preface) == ANSWER) is passes
    assert heard == ([preface] if passes else [])


def test_one_connection_waits_for_the_other(proxy: int, free: int, heard: list[bytes]) -> None:
    gates = Gates(ports={free: proxy})
    gates.put(GATES["one-connection-at-a-time"], host=HOST, proxies=["127.0.0.1"])
    whole = request("Host: a")

    with socket.create_connection(("127.0.0.1", free), timeout=5) as first:
        first.sendall(b"GET / HTTP/1.1\r\nX-Never: ending")
        with socket.create_connection(("127.0.0.1", free), timeout=0.3) as second:
            second.sendall(whole)
            second.shutdown(socket.SHUT_WR)
            with pytest.raises(TimeoutError):
                second.recv(100)
            first.close()
            second.settimeout(5)
            assert second.recv(100) == ANSWER

    assert heard[-1] == whole
