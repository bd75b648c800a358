"""What a front does wrong: one behaviour for each mutant of the way behind the mesh.

Like ``front.py`` it also runs in a pod: it imports nothing but the standard library and its siblings.
"""

import itertools
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

try:
    from meshproof.mutate.front_websocket import closed_normally
    from meshproof.mutate.wire import Head
except ImportError:  # in the pod they lie side by side
    from front_websocket import closed_normally  # type: ignore[import-not-found, no-redef]
    from wire import Head  # type: ignore[import-not-found, no-redef]

__all__ = ["BEHAVIOURS", "KEPT", "TRACE", "Behaviour", "Edit", "named"]

TRACE: Final = "uber-trace-id"
KEPT: Final = "x-meshproof-trace"  # where a gate before the proxies has put a caller's trace

Edit = Callable[[bytes], bytes]  # of the bytes of one connection, piece by piece


def _as_it_is(_head: Head) -> None:
    pass


def _accepted(_head: Head) -> str:
    return ""


def _never(_head: Head) -> bool:
    return False


def _unchanged() -> Edit:
    return bytes


@dataclass(frozen=True)
class Behaviour:
    """What a front does wrong.

    ``lost`` and ``answer_lost`` are bytes that it cuts off the end of a body, of an answer's only where its
    length is told; without ``trailers`` what follows a body is lost, both ways. ``refuses`` is the status of
    a request that the server is not asked at all, "" for none. ``again`` is whether it sends a request twice.
    ``sent`` makes what changes the bytes of one client, that come after the head where there is one;
    ``upgraded`` what changes those of the server once it has switched protocols. Over TCP, ``first`` waits
    for the client before it connects, ``half`` is what becomes of a client's end of its half. Over UDP,
    datagrams of a client that are longer than ``longest`` are lost.
    """

    request: Callable[[Head], None] = _as_it_is
    response: Callable[[Head], None] = _as_it_is
    refuses: Callable[[Head], str] = _accepted
    lost: int = 0
    answer_lost: int = 0
    trailers: bool = True
    again: Callable[[Head], bool] = _never
    sent: Callable[[], Edit] = _unchanged
    upgraded: Callable[[], Edit] = _unchanged
    first: bool = False
    half: str = "passed"  # passed | dropped | closes-both
    longest: int = 65_535
    services: tuple[str, ...] = ("server-80",)  # before which of the run's it stands; "*" is each HTTP one


def _trace(edit: Callable[[list[str]], list[str]]) -> Callable[[Head], None]:
    """A change to the four parts of Jaeger's header: trace id, span id, parent span id, flags."""

    def change(head: Head) -> None:
        def edited(value: str) -> str:
            parts = value.replace("%3A", ":").split(":")
            return ":".join(edit(parts)) if len(parts) == 4 else value

        head.change(TRACE, edited)

    return change


def _restarted(_parts: list[str]) -> list[str]:
    fresh = f"{random.getrandbits(64) | 1:016x}"
    return [fresh, fresh, "0", "1"]


_TRACES: Final = itertools.count(1)


def _tenth_unsampled(parts: list[str]) -> list[str]:
    return parts if next(_TRACES) % 10 else [*parts[:3], "0"]


def _first_baggage(head: Head) -> None:
    items = [each for each in head.headers if each[0].lower().startswith("uberctx-")]
    head.headers = [each for each in head.headers if each not in items[1:]]


def _target(edit: Callable[[str], str]) -> Callable[[Head], None]:
    return lambda head: head.aim(edit)


def _head_as_get(head: Head) -> None:
    head.line = re.sub("^HEAD ", "GET ", head.line)


def _deletes(head: Head) -> bool:
    return head.line.startswith("DELETE ")


def _sorted_values(head: Head) -> None:
    head.headers = sorted(head.headers)


def _first_values(head: Head) -> None:
    firsts: dict[str, tuple[str, str]] = {}
    for name, value in head.headers:
        firsts.setdefault(name.lower(), (name, value))
    head.headers = list(firsts.values())


def _cut_values(most: int) -> Callable[[Head], None]:
    def cut(head: Head) -> None:
        head.headers = [(name, value[:most]) for name, value in head.headers]

    return cut


def _few_headers(head: Head) -> None:
    head.headers = head.headers[:60]


def _decoded(target: str) -> str:
    return re.sub("%2[fF]", "/", target)


def _capital_escapes(target: str) -> str:
    return re.sub("%[0-9a-fA-F]{2}", lambda found: found[0].upper(), target)


def _status(pattern: str, status: str) -> Callable[[Head], None]:
    """A status that fulfils a pattern is told as another."""

    def change(head: Head) -> None:
        version, told, *words = head.line.split(" ", 2)
        if re.fullmatch(pattern, told):
            head.line = " ".join([version, status, *words])

    return change


_OF_THE_BODY: Final = ("content-", "date", "transfer-encoding", "trailer")


def _bare_errors(head: Head) -> None:
    if re.match(r"HTTP/1\.1 [45]", head.line):
        head.headers = [each for each in head.headers if each[0].lower().startswith(_OF_THE_BODY)]


def _named_hops(head: Head) -> None:
    """Claims headers of a client's connection that no proxy passed on."""
    head.headers += [("Proxy-Authorization", "Basic Y2xpZW50"), ("Keep-Alive", "timeout=5")]


def _without_framing(head: Head) -> None:
    """Says that the request has no body; its body goes on all the same."""
    head.drop("Transfer-Encoding")
    head.put("Content-Length", "0")


def _unannounced(head: Head) -> None:
    head.drop("Trailer")


def _expects(head: Head) -> str:
    return "417 Expectation Failed" if head.get("Expect") else ""


def _callers_trace(head: Head) -> None:
    kept = head.get(KEPT)
    if kept is not None:
        head.drop(KEPT)
        head.put(TRACE, kept)


_ASCII: Final = bytes(each if each < 0x80 else ord("?") for each in range(256))


def _ascii() -> Edit:
    return lambda piece: piece.translate(_ASCII)


def _at(place: int, edit: Edit) -> Callable[[], Edit]:
    """Change the one byte of a connection that comes after ``place`` others."""

    def begin() -> Edit:
        passed = 0

        def changed(piece: bytes) -> bytes:
            nonlocal passed
            here = place - passed
            passed += len(piece)
            if 0 <= here < len(piece):
                return piece[:here] + edit(piece[here : here + 1]) + piece[here + 1 :]
            return piece

        return changed

    return begin


def _flipped(byte: bytes) -> bytes:
    return bytes([byte[0] ^ 1])


def _dropped(_byte: bytes) -> bytes:
    return b""


_STREAMS: Final = ("server-tcp-9000", "server-greets-9002", "late-9004", "server-80")
_DATAGRAMS: Final = ("server-udp-9001", "said-udp-9001")

BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "trace-header-stripped": Behaviour(request=lambda head: head.drop(TRACE)),
    "trace-restarted": Behaviour(request=_trace(_restarted)),
    "sampling-forced": Behaviour(request=_trace(lambda parts: [*parts[:3], "1"])),
    "tenth-trace-unsampled": Behaviour(request=_trace(_tenth_unsampled)),
    "trace-id-repeated": Behaviour(request=_trace(lambda parts: ["1f" * 8, *parts[1:]])),
    "trace-id-cut": Behaviour(request=_trace(lambda parts: [parts[0][-16:], *parts[1:]])),
    "baggage-dropped": Behaviour(request=lambda head: head.drop("uberctx-")),
    "only-first-baggage": Behaviour(request=_first_baggage),
    "header-values-sorted": Behaviour(request=_sorted_values),
    "repeated-header-first-only": Behaviour(request=_first_values),
    "header-cut": Behaviour(request=_cut_values(4096)),
    "header-cut-short-of-8-kib": Behaviour(request=_cut_values(8000)),
    "headers-few": Behaviour(request=_few_headers),
    "hop-by-hop-forwarded": Behaviour(request=_named_hops),
    "host-lowercased": Behaviour(request=lambda head: head.change("Host", str.lower)),
    "path-decoded": Behaviour(request=_target(_decoded)),
    "escapes-capitalised": Behaviour(request=_target(_capital_escapes)),
    "encoded-nul-dropped": Behaviour(request=_target(lambda target: target.replace("%00", ""))),
    "query-rewritten": Behaviour(request=_target(lambda target: target.replace(";", "&"))),
    "head-sent-as-get": Behaviour(request=_head_as_get),
    "status-rewritten": Behaviour(response=_status("5..", "200")),
    "created-becomes-ok": Behaviour(response=_status("20[123]", "200")),
    "error-headers-dropped": Behaviour(response=_bare_errors, services=("*",)),
    "body-cut": Behaviour(lost=1, answer_lost=1, services=("server-80", "mw-halfway-80")),
    "body-forwarded-raw": Behaviour(request=_without_framing),
    "trailers-dropped": Behaviour(request=_unannounced, response=_unannounced, trailers=False),
    "trailer-unannounced": Behaviour(response=_unannounced),
    "expect-refused": Behaviour(refuses=_expects),
    "trace-untouched": Behaviour(request=_callers_trace),
    "binary-bytes-replaced": Behaviour(sent=_ascii),
    "byte-changed-beyond-a-megabyte": Behaviour(sent=_at(1_000_000, _flipped)),
    "request-sent-twice": Behaviour(again=lambda _: True),
    "delete-sent-twice": Behaviour(again=_deletes),
    "websocket-close-code-changed": Behaviour(upgraded=closed_normally),
    "first-word-awaited": Behaviour(first=True, services=_STREAMS),
    "half-close-dropped": Behaviour(half="dropped", services=_STREAMS),
    "half-close-closes-both": Behaviour(half="closes-both", services=_STREAMS),
    "tcp-bytes-changed": Behaviour(sent=lambda: bytes.upper, services=_STREAMS),
    "tcp-byte-lost": Behaviour(sent=_at(100_000, _dropped), services=(*_STREAMS, "said-nothing-9000")),
    "large-datagrams-dropped": Behaviour(longest=1200, services=_DATAGRAMS),
}


def named(name: str) -> Behaviour | None:
    """The behaviour of a mutant, None where the mutant is not one of these."""
    return BEHAVIOURS.get(name)
