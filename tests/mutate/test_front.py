"""Fronts: each does one thing wrong and passes everything else on."""

import http.client
import json

import pytest

from meshproof.mutate.front import Listeners
from meshproof.mutate.front_behaviours import BEHAVIOURS, KEPT, Behaviour
from tests.mutate.fronted import PROXY, Ask, Echo, exchanged, header

TRACE = "463ac35c9f6413ad48485a3953bb6124:a2fb4a1d1a96d312:0020000000000001:1"


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
        ("tenth-trace-unsampled", [TRACE]),
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


def test_a_trace_that_was_put_aside_comes_back(ask: Ask) -> None:
    _, told = ask(BEHAVIOURS["trace-untouched"], headers={"uber-trace-id": TRACE, KEPT: "the caller's"})

    assert (header(told, "uber-trace-id"), header(told, KEPT)) == (["the caller's"], [])


@pytest.mark.parametrize(
    ("name", "sent", "left"),
    [
        ("header-cut", {"X-Long": "x" * 9000}, "X-Long"),
        ("header-cut-short-of-8-kib", {"X-Long": "x" * 8001}, "X-Long"),
        ("headers-few", {f"X-{number}": "1" for number in range(100)}, "X-99"),
        ("baggage-dropped", {"uberctx-user": "1"}, "uberctx-user"),
    ],
)
def test_headers_that_are_lost(ask: Ask, name: str, sent: dict[str, str], left: str) -> None:
    _, told = ask(BEHAVIOURS[name], headers=sent)

    assert header(told, left) != [sent[left]]


def test_a_header_of_8000_bytes_is_not_cut(ask: Ask) -> None:
    _, told = ask(BEHAVIOURS["header-cut-short-of-8-kib"], headers={"X-Long": "x" * 8000})

    assert header(told, "X-Long") == ["x" * 8000]


def test_one_trace_of_ten_is_not_sampled(ask: Ask) -> None:
    seen = [ask(BEHAVIOURS["tenth-trace-unsampled"], headers={"uber-trace-id": TRACE})[1] for _ in range(10)]

    flags = [header(told, "uber-trace-id")[0].rpartition(":")[2] for told in seen]
    assert sorted(flags) == ["0", *["1"] * 9]


def test_first_baggage_arrives_and_first_values(server: str) -> None:
    several = [("uberctx-a", "1"), ("uberctx-b", "2"), ("X-Many", "1"), ("x-many", "2")]

    def seen(name: str) -> dict[str, list[str]]:
        port = Listeners(BEHAVIOURS[name]).port_for(server)
        assert port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.putrequest("GET", "/")
        for each in several:
            connection.putheader(*each)
        connection.endheaders()
        told = json.loads(connection.getresponse().read())
        connection.close()
        return {each: header(told, each) for each in ("uberctx-a", "uberctx-b", "x-many")}

    assert seen("only-first-baggage") == {"uberctx-a": ["1"], "uberctx-b": [], "x-many": ["1", "2"]}
    assert seen("repeated-header-first-only") == {"uberctx-a": ["1"], "uberctx-b": ["2"], "x-many": ["1"]}


def test_the_host_is_in_small_letters(ask: Ask) -> None:
    _, told = ask(BEHAVIOURS["host-lowercased"], headers={"Host": "Server.Example:80"})

    assert header(told, "Host") == ["server.example:80"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("escapes-capitalised", "/a%2Fb%00?q=%C3"), ("encoded-nul-dropped", "/a%2fb?q=%c3")],
)
def test_escapes(ask: Ask, name: str, expected: str) -> None:
    _, told = ask(BEHAVIOURS[name], "/a%2fb%00?q=%c3")

    assert isinstance(told, dict)
    assert told["target"] == expected


def test_head_is_sent_as_get(server: str) -> None:
    """The length is that of the answer to GET, whose method the server tells in a letter less."""
    got, passed = (
        exchanged(server, each, "HEAD", "/") for each in (BEHAVIOURS["head-sent-as-get"], Behaviour())
    )

    assert (got.status, got.told) == (200, b"")
    assert int(got.headers["Content-Length"]) == int(passed.headers["Content-Length"]) - 1


def test_an_answer_to_head_keeps_its_length(server: str) -> None:
    answer = exchanged(server, Behaviour(), "HEAD", "/")

    assert int(answer.headers["Content-Length"]) > 100


def test_targets(ask: Ask) -> None:
    decoded, rewritten = (
        ask(BEHAVIOURS[name], "/a%2Fb?q=1;2")[1] for name in ("path-decoded", "query-rewritten")
    )

    assert isinstance(decoded, dict)
    assert isinstance(rewritten, dict)
    assert (decoded["target"], rewritten["target"]) == ("/a/b?q=1;2", "/a%2Fb?q=1&2")


def test_statuses_are_rewritten(ask: Ask) -> None:
    assert ask(BEHAVIOURS["status-rewritten"], "/fails")[0] == 200


def test_created_becomes_ok(ask: Ask) -> None:
    told = [ask(BEHAVIOURS["created-becomes-ok"], target)[0] for target in ("/makes", "/fails", "/")]

    assert told == [200, 500, 200]
    assert ask(Behaviour(), "/makes")[0] == 201


def test_errors_have_no_headers_of_their_own(server: str) -> None:
    failed, fine = (
        exchanged(server, BEHAVIOURS["error-headers-dropped"], "GET", target) for target in ("/fails", "/")
    )

    assert (failed.headers["X-Own"], fine.headers["X-Own"]) == (None, "1")
    assert failed.headers["Content-Type"] == "application/json"


def test_trailers_are_not_announced(server: str) -> None:
    assert exchanged(server, BEHAVIOURS["trailer-unannounced"], "GET", "/").headers["Trailer"] is None


@pytest.mark.parametrize(
    ("name", "method", "times"),
    [("request-sent-twice", "GET", 2), ("delete-sent-twice", "GET", 1), ("delete-sent-twice", "DELETE", 2)],
)
def test_a_request_is_sent_twice(ask: Ask, name: str, method: str, times: int) -> None:
    ask(BEHAVIOURS[name], method=method)

    assert Echo.seen == times
