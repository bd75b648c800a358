"""Where a request ends: what the proxy thinks of it, the server must think as well (request smuggling).

Each attempt is one connection: a request, another one hidden in its body, a last one that asks to close.
"""

from collections.abc import Callable, Mapping
from typing import Final

import pytest

from fixtures.catalogue import requirement
from fixtures.verdicts import Facts
from fixtures.wire import Attempt, Wire, new_identity
from fixtures.workloads import Echo
from meshproof.observe.counters import Counters

# Framing lines and body, made from the hidden request.
Framing = Callable[[bytes], tuple[list[str | bytes], bytes]]


def length(hidden: bytes) -> str:
    """The true length of the body, as a header line."""
    return f"Content-Length: {len(hidden)}"


def chunked(hidden: bytes) -> bytes:
    """The hidden request as the data of one chunk."""
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)


# No answer but a refusal: RFC 9112, sections 5.1, 6.1, 6.3 and 7.1; RFC 9110, section 5.5, for NUL and CR.
MALFORMED: Final[Mapping[str, Framing]] = {
    "two lengths": lambda hidden: (["Content-Length: 0", length(hidden)], hidden),
    "list of lengths": lambda hidden: ([f"Content-Length: 0, {len(hidden)}"], hidden),
    "signed length": lambda hidden: ([f"Content-Length: +{len(hidden)}"], hidden),
    "hexadecimal length": lambda hidden: ([f"Content-Length: 0x{len(hidden):x}"], hidden),
    "unknown coding": lambda hidden: (["Transfer-Encoding: xchunked"], b"0\r\n\r\n" + hidden),
    "two codings": lambda hidden: (
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        chunked(hidden),
    ),
    "coding after chunked": lambda hidden: (["Transfer-Encoding: chunked, gzip"], chunked(hidden)),
    "vertical tab in the coding": lambda hidden: ([b"Transfer-Encoding: \x0bchunked"], chunked(hidden)),
    "space before the colon": lambda hidden: ([f"Content-Length : {len(hidden)}"], hidden),
    "space before chunked's colon": lambda hidden: (["Transfer-Encoding : chunked"], chunked(hidden)),
    "NUL in a value": lambda hidden: ([b"X-Nul: a\x00b", length(hidden)], hidden),
    "NUL in a name": lambda hidden: ([b"X-\x00Nul: a", length(hidden)], hidden),
    "bare CR in a value": lambda hidden: ([b"X-Cr: a\rContent-Length: 0", length(hidden)], hidden),
    "chunk size overflows": lambda hidden: (
        ["Transfer-Encoding: chunked"],
        b"10000000000000000\r\n" + hidden,
    ),
    "chunk size negative": lambda hidden: (["Transfer-Encoding: chunked"], b"-1\r\n" + hidden),
    "chunk size missing": lambda hidden: (["Transfer-Encoding: chunked"], b"\r\n\r\n" + hidden),
    "chunk longer than it says": lambda hidden: (
        ["Transfer-Encoding: chunked"],
        b"1\r\nab\r\n0\r\n\r\n" + hidden,
    ),
}

# Odd, but with one meaning: a proxy refuses it, or hands on exactly that.
ONE_MEANING: Final[Mapping[str, Framing]] = {
    "same length twice": lambda hidden: ([length(hidden), length(hidden)], hidden),
    "length folded": lambda hidden: (["Content-Length:", f" {len(hidden)}"], hidden),
    "length behind a bare LF": lambda hidden: ([b"X-Lf: a\n" + length(hidden).encode()], hidden),
    "chunked in odd case": lambda hidden: (["Transfer-Encoding: cHuNkEd"], chunked(hidden)),
    "chunked after a tab": lambda hidden: (["Transfer-Encoding:\tchunked"], chunked(hidden)),
    "chunk extension": lambda hidden: (
        ["Transfer-Encoding: chunked"],
        chunked(hidden).replace(b"\r\n", b";a=b\r\n", 1),
    ),
    "chunked and a shorter length": lambda hidden: (
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        chunked(hidden),
    ),
}

BOTH: Final[Framing] = lambda hidden: (  # noqa: E731  # one of the table above, with rules of its own
    [f"Content-Length: {len(hidden) + 5}", "Transfer-Encoding: chunked"],
    b"0\r\n\r\n" + hidden,
)

UPGRADES: Final[Mapping[str, list[str | bytes]]] = {
    "a WebSocket that the server does not take": [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ],
    "HTTP/2 by upgrade": [
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    ],
}


def cases(table: Mapping[str, Framing]) -> list[object]:
    """The rows of a table as parameters."""
    return [pytest.param(framing, id=name.replace(" ", "-")) for name, framing in table.items()]


def attempted(wire: Wire, framing: Framing) -> Attempt:
    """The attempt with that framing."""
    identity = new_identity()
    lines, body = framing(wire.hidden_request(identity))
    return wire.attempt(lines, body, hidden=identity)


@requirement("TM-SEC-001")
@pytest.mark.parametrize("framing", cases(MALFORMED))
def test_malformed_framing_is_refused(wire: Wire, evidence: Facts, framing: Framing) -> None:
    """A request whose end cannot be told is refused, and its connection ends with that."""
    attempt = attempted(wire, framing)

    evidence.record({"attempt": attempt.told})
    assert len(attempt.answers) == 1, attempt.told
    assert attempt.answers[0].status >= 400, attempt.told
    assert (attempt.hidden, attempt.last) == (0, 0), attempt.told


@requirement("TM-SEC-002")
@pytest.mark.parametrize("framing", cases(ONE_MEANING))
def test_body_never_becomes_a_request(wire: Wire, evidence: Facts, framing: Framing) -> None:
    """Framing that is odd but has one meaning is refused, or the server sees one request with that body."""
    attempt = attempted(wire, framing)

    evidence.record({"attempt": attempt.told})
    assert attempt.answers, attempt.told
    refused = attempt.answers[0].status >= 400
    assert (attempt.first, attempt.hidden) == (0 if refused else 1, 0), attempt.told


@requirement("TM-SEC-003")
def test_server_sees_nothing_that_no_proxy_routed(
    wire: Wire, echo: Echo, counters: Counters, evidence: Facts
) -> None:
    """Over all of these attempts the servers see no more requests than the proxies counted."""
    before = counters.scrape()

    attempts = {
        name: attempted(wire, framing) for name, framing in {**MALFORMED, **ONE_MEANING, "both": BOTH}.items()
    }
    for name, lines in UPGRADES.items():
        identity = new_identity()
        attempts[name] = wire.attempt(lines, wire.hidden_request(identity), hidden=identity, method="GET")

    evidence.record({"attempts": {name: each.told for name, each in attempts.items()}})
    seen = sum(each.first + each.hidden + each.last for each in attempts.values())
    routed = counters.settled(before, echo.label, expected=seen).total
    assert seen > 0, "the servers saw none at all: nothing was proven"
    assert seen <= routed, f"the servers saw {seen} requests, the proxies counted {routed}"


@requirement("TM-SEC-004")
def test_both_framings_end_the_connection(wire: Wire, evidence: Facts) -> None:
    """A request with Content-Length and Transfer-Encoding is the last on its connection."""
    attempt = attempted(wire, BOTH)

    evidence.record({"attempt": attempt.told})
    assert (attempt.hidden, attempt.last) == (0, 0), attempt.told
