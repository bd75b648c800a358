"""What came piece by piece: read as values, told as evidence."""

import json

import msgspec
import pytest

from meshproof.model.streams import Arrival, EventStream, GrpcCall, SteadyTraffic, Trouble, WebSocketTalk
from tests.model.exchanges import seen_body


def an_arrival(data: bytes = b"0") -> Arrival:
    return Arrival(at_ms=1.23456, data=data)


def a_talk(greeting: Arrival | None) -> WebSocketTalk:
    return WebSocketTalk(
        url="ws://server/ws",
        status=101 if greeting else 502,
        headers=[],
        greeting=greeting,
        messages=[an_arrival()],
        close_code=1000,
        error=None if greeting else "Bad Gateway",
        total_ms=2.0,
    )


def traffic(**changes: object) -> SteadyTraffic:
    told = SteadyTraffic(
        seconds=2.0,
        sent=100,
        answered={200: 97, 204: 1, 502: 1},
        failed={"connect": 1},
        served_by={"server-1": 98},
        troubles=[Trouble(at=1.5, url="http://server/", what="502", text="Bad Gateway")],
        longest_gap_ms=41.6,
    )
    return msgspec.structs.replace(told, **changes)


def test_arrival_is_told_by_its_beginning() -> None:
    facts = an_arrival(b"\xff" + b"x" * 1000).facts()

    assert facts == {"at_ms": 1.235, "kind": "binary", "length": 1001, "data": "�" + "x" * 199}


def test_event_stream_as_text_and_as_evidence() -> None:
    stream = EventStream(
        url="http://server/sse",
        status=200,
        headers=[("Content-Type", "text/event-stream")],
        headers_ms=1.0,
        arrivals=[an_arrival(), an_arrival(b"1")],
        error=None,
        total_ms=2.0,
    )

    assert stream.data == ["0", "1"]
    assert stream.header("content-type") == "text/event-stream"
    assert stream.header("X-None") is None
    assert json.loads(json.dumps(stream.facts()))["events"]["arrivals"][1]["data"] == "1"


def test_websockets_handshake_is_the_servers_view() -> None:
    talk = a_talk(an_arrival(seen_body()))

    assert talk.seen_by_server.hostname == "server-1"
    assert json.loads(json.dumps(talk.facts()))["websocket"]["greeting"]["length"] == len(seen_body())


def test_websocket_without_a_greeting_fails_the_check_in_words() -> None:
    talk = a_talk(None)

    with pytest.raises(AssertionError, match="502, Bad Gateway"):
        _ = talk.seen_by_server
    assert talk.facts()["websocket"]["greeting"] is None


def test_grpc_call_as_values_and_as_evidence() -> None:
    call = GrpcCall(
        method="/meshproof.v1.Echo/Unary",
        messages=[an_arrival(b"hello")],
        initial_metadata=[("x-echo-hostname", "server-1")],
        trailing_metadata=[],
        code="OK",
        details="",
        error=None,
        total_ms=2.0,
    )

    assert (call.data, call.metadata("X-Echo-Hostname"), call.metadata("x-none")) == (
        [b"hello"],
        "server-1",
        None,
    )
    assert json.loads(json.dumps(call.facts()))["grpc"]["messages"][0]["data"] == "hello"


def test_traffic_counts_what_was_lost() -> None:
    told = traffic()

    assert (told.succeeded, told.lost) == (98, 2)
    summary, trouble = told.told().splitlines()
    assert summary.startswith("100 requests at 50/s, 98 answered with 2xx, longest gap 42 ms")
    assert "502: 1" in summary
    assert trouble == "1.500 http://server/: 502 Bad Gateway"
    assert json.loads(json.dumps(told.facts()))["steady"]["sent"] == 100


def test_traffic_that_took_no_time_is_told() -> None:
    assert (
        traffic(seconds=0.0, sent=0, answered={}, failed={}, troubles=[])
        .told()
        .startswith("0 requests at 0/s")
    )
