"""Fronts of servers that speak WebSocket, TCP and UDP."""

import socket
import threading
from collections.abc import Iterator

import pytest

from meshproof.mutate.front import Listeners
from meshproof.mutate.front_behaviours import BEHAVIOURS, Behaviour
from meshproof.mutate.front_websocket import told_from
from tests.mutate.fronted import PROXY


def test_a_websocket_is_closed_with_another_code() -> None:
    text, closed = b"\x81\x03abc", b"\x88\x02\x0f\xa1"
    edit = BEHAVIOURS["websocket-close-code-changed"].upgraded()

    assert (edit(text), edit(closed)) == (text, b"\x88\x02\x03\xe8")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_are_told_apart_however_they_are_cut_into_pieces(size: int) -> None:
    sent = b"\x82\x7e\x01\x00" + b"\x88" * 256 + b"\x81\x03abc" + b"\x88\x06\x0f\xa1late"
    edit = BEHAVIOURS["websocket-close-code-changed"].upgraded()

    passed = b"".join(edit(sent[begin : begin + size]) for begin in range(0, len(sent), size))

    assert passed == sent.replace(b"\x0f\xa1", b"\x03\xe8")


@pytest.mark.parametrize("length", [20, 200, 70_000])
def test_a_websocket_does_not_show_the_fronts_address(length: int) -> None:
    def frame(text: bytes) -> bytes:
        marks = {0: bytes([len(text) % 126]), 2: b"\x7e", 8: b"\x7f"}
        size = 0 if len(text) < 126 else 2 if len(text) < 65_536 else 8
        return b"\x81" + marks[size] + (len(text).to_bytes(size, "big") if size else b"") + text

    text, after = b"from 10.0.0.1:5 " + b"x" * length, b"\x81\x02ok"

    changed = told_from(b"10.0.0.1:", b"10.244.0.17:")(frame(text) + after)

    assert changed == frame(text.replace(b"10.0.0.1:", b"10.244.0.17:")) + after


def test_what_comes_after_an_upgrade_is_edited() -> None:
    behaviour = BEHAVIOURS["websocket-close-code-changed"]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            listener.accept()[0].close()  # whether anybody listens
            client, _ = listener.accept()
            with client:
                client.recv(1000)
                client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
                client.recv(1000)
                client.sendall(b"\x88\x02\x0f\xa1")

        threading.Thread(target=serve, daemon=True).start()
        port = Listeners(behaviour).port_for(f"127.0.0.1:{listener.getsockname()[1]}")
        assert port
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
            data = client.recv(1000)
            client.sendall(b"hello")
            while piece := client.recv(1000):
                data += piece

    assert data.endswith(b"\r\n\r\n\x88\x02\x03\xe8")


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


def heard(address: str, behaviour: Behaviour, *, speak: bool = True, said: bytes = b"bytes") -> bytes:
    port = Listeners(behaviour).port_for(address, "tcp")
    assert port
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as client:
        if speak:
            client.sendall(said)
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


def test_a_byte_of_a_stream_is_lost(stream: str) -> None:
    said = b"x" * 100_000 + b"yz"

    assert heard(stream, BEHAVIOURS["tcp-byte-lost"], said=said) == b"hello " + b"x" * 100_000 + b"z"


def test_a_stream_does_not_show_the_fronts_address(stream: str) -> None:
    port = Listeners(Behaviour()).port_for(stream, "tcp")
    assert port
    with socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(PROXY, 0)) as client:
        client.sendall(b"127.0.0.1:5")
        client.shutdown(socket.SHUT_WR)
        data = b""
        while piece := client.recv(100):
            data += piece

    assert data == f"hello {PROXY}:5".encode()


def test_large_datagrams_are_lost() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            for _ in range(2):
                data, peer = server.recvfrom(70_000)
                server.sendto(data + f" from {peer[0]}:".encode(), peer)

        threading.Thread(target=serve, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        port = Listeners(BEHAVIOURS["large-datagrams-dropped"]).port_for(address, "udp")
        assert port
        client.bind((PROXY, 0))
        client.settimeout(5)
        for each in (b"x" * 1201, b"y" * 1200, b"z"):
            client.sendto(each, ("127.0.0.1", port))
        answers = [client.recv(70_000).partition(b" ") for _ in range(2)]

    assert [len(each) for each, _, _ in answers] == [1200, 1]
    assert {told for _, _, told in answers} == {f"from {PROXY}:".encode()}
