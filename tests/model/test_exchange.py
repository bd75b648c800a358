"""One exchange from both ends: what the server saw, in words, as evidence."""

import json

import msgspec
import pytest

from meshproof.model.exchange import Exchange, FailureKind, Request, Resolution, StreamExchange
from tests.model.exchanges import a_response, an_exchange, echoed, seen_body


def test_servers_view_is_read_from_the_echo() -> None:
    seen = echoed().seen_by_server

    assert seen.hostname == "server-1"
    assert seen.remote_addr == "10.244.0.5:41234"
    assert seen.body_sha256 == "e3b0"


@pytest.mark.parametrize(
    ("exchange", "said"),
    [
        pytest.param(an_exchange(failure=FailureKind.DNS), "dns failure: its words", id="failure"),
        pytest.param(
            an_exchange(response=a_response(seen_body(), echo=False)), "200 in 1.2 ms", id="no-echo"
        ),
        pytest.param(an_exchange(response=a_response(b"hello\n")), "body 'hello'", id="not-json"),
        pytest.param(an_exchange(response=a_response(b"{}")), "body '{}'", id="another-form"),
        pytest.param(
            an_exchange(response=a_response(b'{"hostname": "\xff"}')), 'body \'{"hostname"', id="not-utf-8"
        ),
        pytest.param(an_exchange(), "GET http://server/a -> nothing", id="nothing"),
    ],
)
def test_exchange_without_the_servers_view_fails_the_check_in_words(exchange: Exchange, said: str) -> None:
    assert exchange.seen is None
    with pytest.raises(AssertionError, match="did not reach an echo server") as caught:
        _ = exchange.seen_by_server
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("exchange", "status"),
    [
        pytest.param(an_exchange(response=a_response(b"", status=404)), 404, id="response"),
        pytest.param(an_exchange(failure=FailureKind.CONNECT), None, id="failure"),
    ],
)
def test_status_is_the_responses(exchange: Exchange, status: int | None) -> None:
    assert exchange.status == status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("x-forwarded-server", "proxy-1", id="any-case"),
        pytest.param("X-Many", "a, b", id="several-values"),
        pytest.param("X-None", None, id="did-not-arrive"),
    ],
)
def test_header_as_the_server_saw_it(name: str, value: str | None) -> None:
    assert echoed().seen_by_server.header(name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param("content-TYPE", "text/plain", id="any-case"), pytest.param("X-None", None, id="none")],
)
def test_header_of_a_response(name: str, value: str | None) -> None:
    assert a_response(b"").header(name) == value


@pytest.mark.parametrize(
    ("address", "ip"),
    [
        pytest.param("10.244.0.5:41234", "10.244.0.5", id="ipv4"),
        pytest.param("[fd00::5]:41234", "fd00::5", id="ipv6"),
    ],
)
def test_remote_ip_is_the_address_without_its_port(address: str, ip: str) -> None:
    assert echoed(remoteAddr=address).seen_by_server.remote_ip == ip


def test_facts_hold_both_ends() -> None:
    facts = echoed().facts()

    assert facts["request"] == {"method": "GET", "url": "http://server/a", "headers": []}
    assert facts["response"]["status"] == 200
    assert facts["seen_by_server"]["hostname"] == "server-1"
    assert "body" not in facts


def test_facts_of_another_server_hold_the_body_cut_to_2000_characters() -> None:
    facts = an_exchange(response=a_response(b"\xff" + b"x" * 5000, echo=False)).facts()

    assert len(facts["body"]) == 2000
    assert facts["response"]["body_length"] == 5001


def test_facts_of_a_failure_hold_its_kind_and_words() -> None:
    facts = an_exchange(failure=FailureKind.TIMEOUT).facts()

    assert facts["failure"] == {"kind": "timeout", "text": "its words"}


@pytest.mark.parametrize(
    "exchange",
    [
        pytest.param(echoed(), id="echo"),
        pytest.param(an_exchange(response=a_response(b"\x00\xff", echo=False)), id="binary"),
        pytest.param(an_exchange(failure=FailureKind.OTHER), id="failure"),
    ],
)
def test_facts_can_be_recorded(exchange: Exchange) -> None:
    assert json.loads(json.dumps(exchange.facts()))


def test_body_travels_as_base64() -> None:
    request = Request(id="1", url="http://server", body=b"\x00\xff")

    text = msgspec.json.encode(request)

    assert json.loads(text)["body"] == "AP8="
    assert msgspec.json.decode(text, type=Request) == request


def test_facts_of_a_stream_are_text_cut_to_200_characters() -> None:
    stream = StreamExchange(
        sent=b"\xff" + b"s" * 999, received=b"r", local=None, peer="10.0.0.1:1", error=None, total_ms=1
    )

    facts = stream.facts()["stream"]

    assert len(facts["sent"]) == 200
    assert (facts["received"], facts["peer"]) == ("r", "10.0.0.1:1")


def test_facts_of_a_look_up() -> None:
    facts = Resolution(name="a", addresses=["10.0.0.1"], error=None, total_ms=1).facts()

    assert facts == {"resolution": {"name": "a", "addresses": ["10.0.0.1"], "error": None, "total_ms": 1}}
