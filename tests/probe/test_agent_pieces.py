"""What the agent tells of answers that come piece by piece: over real connections, to servers on loopback."""

from collections.abc import Iterator

import pytest

from meshproof.engine.waiting import Look, eventually
from meshproof.model.streams import Message
from meshproof.probe.client import Probe
from tests.probe.loopback import Loopback
from tests.probe.stream_servers import PAUSE_S, StreamServers, serving_streams


@pytest.fixture(scope="module")
def servers() -> Iterator[StreamServers]:
    with serving_streams() as running:
        yield running


def test_half_close_ends_what_is_sent(probe: Probe, loopback: Loopback) -> None:
    exchange = probe.tcp("127.0.0.1", loopback.tcp, b"a", b"b", b"c")

    assert (exchange.sent, exchange.received) == (b"abc", b"echo:abc")
    assert exchange.closed
    assert exchange.first_byte_ms is not None


def test_without_half_close_reading_ends_in_time(probe: Probe, loopback: Loopback) -> None:
    exchange = probe.tcp("127.0.0.1", loopback.tcp, b"a", half_close=False, end_after_ms=50)

    assert (exchange.received, exchange.closed, exchange.error) == (b"", False, None)
    assert exchange.total_ms >= 50


def test_chunks_go_out_with_a_pause_between(probe: Probe, servers: StreamServers) -> None:
    exchange = probe.tcp("127.0.0.1", servers.greeting, b"a", b"b", pause_ms=600)

    assert exchange.received == b"HELLO\nab"
    assert exchange.first_byte_ms is not None
    assert exchange.first_byte_ms < 600 <= exchange.total_ms


def test_reading_ends_with_what_is_waited_for(probe: Probe, servers: StreamServers) -> None:
    exchange = probe.tcp("127.0.0.1", servers.greeting, half_close=False, until=b"\n")

    assert (exchange.received, exchange.closed, exchange.error) == (b"HELLO\n", False, None)


def test_what_came_before_a_reset_is_told(probe: Probe, servers: StreamServers) -> None:
    exchange = probe.tcp("127.0.0.1", servers.greeting, b"ab", b"reset", pause_ms=60, half_close=False)

    assert exchange.received == b"HELLO\nab"
    assert exchange.error is not None
    assert not exchange.closed


def test_events_come_with_their_times(probe: Probe, servers: StreamServers) -> None:
    stream = probe.events(servers.url("/events"))

    assert (stream.status, stream.error) == (200, None)
    assert stream.data == ["0\nmore", "1\nmore", "2\nmore"]
    times = [each.at_ms for each in stream.arrivals]
    assert stream.headers_ms is not None
    assert stream.headers_ms <= times[0] <= times[1] - PAUSE_S * 500
    assert times[2] >= PAUSE_S * 2000 * 0.9


def test_other_bodies_are_told_as_they_are_read(probe: Probe, servers: StreamServers) -> None:
    stream = probe.events(servers.url("/events?plain"))

    assert [each.data for each in stream.arrivals] == [b"x" * 10] * 3
    assert (stream.header("Content-Type") or "").startswith("text/plain")


def test_broken_stream_tells_what_came_before(probe: Probe, servers: StreamServers) -> None:
    stream = probe.events(servers.url("/events?broken"))

    assert len(stream.arrivals) == 3
    assert stream.error is not None


def test_websocket_conversation(probe: Probe, servers: StreamServers) -> None:
    talk = probe.websocket(
        servers.url("/ws", "ws"),
        [Message(data="grüße".encode()), Message(data=b"\x00\xff", kind="binary"), Message(data=b"")],
        headers=[("X-Greeting", "hello")],
        subprotocols=["left", "right"],
        close_code=4001,
    )

    assert (talk.status, talk.error) == (101, None)
    assert talk.greeting is not None
    assert talk.greeting.data == b"hello"
    assert [(each.data, each.kind) for each in talk.messages] == [
        ("grüße".encode(), "text"),
        (b"\x00\xff", "binary"),
        (b"", "text"),
    ]
    assert ("sec-websocket-protocol", "left") in talk.headers
    assert talk.close_code == 4001
    eventually(
        lambda: Look(met=servers.closed_codes[-1:] == [4001], value=None, seen=""), what="4001", within=5
    )


def test_websocket_that_the_peer_closes(probe: Probe, servers: StreamServers) -> None:
    talk = probe.websocket(servers.url("/ws", "ws"), [Message(data=b"leave"), Message(data=b"never")])

    assert (talk.messages, talk.close_code, talk.error) == ([], 4000, None)


def test_websocket_that_is_refused(probe: Probe, servers: StreamServers, port_of_nobody: int) -> None:
    refused = probe.websocket(servers.url("/nowhere", "ws"))
    nobody = probe.websocket(f"ws://127.0.0.1:{port_of_nobody}/")

    assert (refused.status, refused.greeting) == (403, None)
    with pytest.raises(AssertionError, match="no WebSocket to an echo server"):
        _ = refused.seen_by_server
    assert nobody.status is None
    assert nobody.error is not None


@pytest.mark.parametrize(
    ("method", "kind", "messages", "came"),
    [
        pytest.param("Unary", "unary", [b"a"], [b"a"], id="unary"),
        pytest.param("Unary", "unary", [b""], [b""], id="empty"),
        pytest.param("ServerStream", "server_stream", [b"3"], [b"0", b"1", b"2"], id="server-stream"),
        pytest.param("ClientStream", "client_stream", [b"a", b"b"], [b"a+b"], id="client-stream"),
        pytest.param("Bidi", "bidi", [b"a", b"b"], [b"a", b"b"], id="bidi"),
        pytest.param("Bidi", "bidi", [], [], id="nothing-to-say"),
    ],
)
def test_grpc_call(
    probe: Probe, servers: StreamServers, method: str, kind: str, messages: list[bytes], came: list[bytes]
) -> None:
    call = probe.grpc("127.0.0.1", servers.grpc, f"/echo/{method}", messages, kind=kind)  # type: ignore[arg-type]

    assert (call.code, call.details, call.error) == ("OK", "", None)
    assert call.data == came


def test_metadata_goes_both_ways(probe: Probe, servers: StreamServers) -> None:
    call = probe.grpc("127.0.0.1", servers.grpc, "/echo/Unary", [b"a"], metadata=[("x-a", "1")])

    assert (call.metadata("X-Echo-Hostname"), call.metadata("x-a")) == ("loopback", "1")
    assert call.metadata("x-b") is None


@pytest.mark.parametrize(
    ("method", "kind", "messages", "code", "details"),
    [
        pytest.param("Unary", "unary", [b"fail"], "FAILED_PRECONDITION", "asked for", id="status"),
        pytest.param("Bidi", "bidi", [b"a", b"fail", b"b"], "ABORTED", "asked for", id="midway"),
        pytest.param("None", "unary", [b"a"], "UNIMPLEMENTED", "Method not found!", id="no-method"),
    ],
)
def test_grpc_status_is_told(
    probe: Probe,
    servers: StreamServers,
    method: str,
    kind: str,
    messages: list[bytes],
    code: str,
    details: str,
) -> None:
    call = probe.grpc("127.0.0.1", servers.grpc, f"/echo/{method}", messages, kind=kind)  # type: ignore[arg-type]

    assert (call.code, call.details) == (code, details)
    assert call.error is not None


def test_grpc_server_that_is_not_there(probe: Probe, port_of_nobody: int) -> None:
    call = probe.grpc("127.0.0.1", port_of_nobody, "/echo/Unary", [b"a"], timeout_s=2.0)

    assert call.code == "UNAVAILABLE"
    assert call.data == []
