"""Proxies in front of servers, each of which does one thing wrong: mutants of the way behind the mesh.

This file also runs by itself, beside ``interposer.py`` in a pod: it imports nothing but the standard library.
A front takes one request a connection: it changes the heads that pass, tells both sides to close, and
passes the rest on byte for byte, but for its own address where the server tells it. Over TCP it passes
bytes on, with what its behaviour does to them.
"""

import random
import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

try:
    from meshproof.mutate.wire import IDLE_S, PIECE, Head, Rechunked, head_of, listened, pipe, shut
except ImportError:  # in the pod they lie side by side
    from wire import (  # type: ignore[import-not-found, no-redef]
        IDLE_S,
        PIECE,
        Head,
        Rechunked,
        head_of,
        listened,
        pipe,
        shut,
    )

__all__ = ["BEHAVIOURS", "KEPT", "TRACE", "Behaviour", "Listeners", "named"]

TRACE: Final = "uber-trace-id"
KEPT: Final = "x-meshproof-trace"  # where a gate before the proxies has put a caller's trace

Edit = Callable[[bytes], bytes]
_CLOSE: Final = ("Connection", "close")
_TOLD: Final = 4_000_000  # bytes: more than the server ever tells of a request


def _as_it_is(_head: Head) -> None:
    pass


@dataclass(frozen=True)
class Behaviour:
    """What a front does wrong.

    ``lost`` and ``answer_lost`` are bytes that it cuts off the end of a body, of an answer's only where its
    length is told; without ``trailers`` what follows a body is lost, both ways. ``refuses`` is the status of
    a request that the server is not asked at all, "" for none. ``again`` sends each request twice, ``raw``
    has the server take what follows a head for another request. Over TCP, ``first`` waits for the client
    before it connects, ``half`` is what becomes of a client's end of its half, ``edit`` changes the bytes of
    the client.
    """

    request: Callable[[Head], None] = _as_it_is
    response: Callable[[Head], None] = _as_it_is
    refuses: Callable[[Head], str] = lambda _head: ""
    lost: int = 0
    answer_lost: int = 0
    trailers: bool = True
    again: bool = False
    raw: bool = False
    first: bool = False
    half: str = "passed"  # passed | dropped | closes-both
    edit: Callable[[bytes], bytes] = bytes
    services: tuple[str, ...] = ("server-80",)  # before which of the run's services it stands


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


def _sorted_values(head: Head) -> None:
    head.headers = sorted(head.headers)


def _cut_long_values(head: Head) -> None:
    head.headers = [(name, value[:4096]) for name, value in head.headers]


def _few_headers(head: Head) -> None:
    head.headers = head.headers[:60]


def _decoded(target: str) -> str:
    return re.sub("%2[fF]", "/", target)


def _any_status(head: Head) -> None:
    version, status, *words = head.line.split(" ", 2)
    if status.startswith("5"):
        head.line = " ".join([version, "200", *words])


def _named_hops(head: Head) -> None:
    """Claims headers of a client's connection that no proxy passed on."""
    head.headers += [("Proxy-Authorization", "Basic Y2xpZW50"), ("Keep-Alive", "timeout=5")]


def _without_framing(head: Head) -> None:
    """Says that the request has no body; its body goes on all the same."""
    head.drop("Transfer-Encoding")
    head.put("Content-Length", "0")


def _unannounced(head: Head) -> None:
    head.drop("Trailer")


def _callers_trace(head: Head) -> None:
    kept = head.get(KEPT)
    if kept is not None:
        head.drop(KEPT)
        head.put(TRACE, kept)


_STREAMS: Final = ("server-tcp-9000", "server-greets-9002", "late-9004", "server-80")

BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "trace-header-stripped": Behaviour(request=lambda head: head.drop(TRACE)),
    "trace-restarted": Behaviour(request=_trace(_restarted)),
    "sampling-forced": Behaviour(request=_trace(lambda parts: [*parts[:3], "1"])),
    "trace-id-repeated": Behaviour(request=_trace(lambda parts: ["1f" * 8, *parts[1:]])),
    "trace-id-cut": Behaviour(request=_trace(lambda parts: [parts[0][-16:], *parts[1:]])),
    "baggage-dropped": Behaviour(request=lambda head: head.drop("uberctx-")),
    "header-values-sorted": Behaviour(request=_sorted_values),
    "header-cut": Behaviour(request=_cut_long_values),
    "headers-few": Behaviour(request=_few_headers),
    "hop-by-hop-forwarded": Behaviour(request=_named_hops),
    "path-decoded": Behaviour(request=lambda head: head.aim(_decoded)),
    "query-rewritten": Behaviour(request=lambda head: head.aim(lambda target: target.replace(";", "&"))),
    "status-rewritten": Behaviour(response=_any_status),
    "body-cut": Behaviour(lost=1, answer_lost=1, services=("server-80", "mw-halfway-80")),
    "body-forwarded-raw": Behaviour(request=_without_framing, raw=True),
    "trailers-dropped": Behaviour(request=_unannounced, response=_unannounced, trailers=False),
    "expect-refused": Behaviour(refuses=lambda head: "417 Expectation Failed" if head.get("Expect") else ""),
    "trace-untouched": Behaviour(request=_callers_trace),
    "request-sent-twice": Behaviour(again=True),
    "first-word-awaited": Behaviour(first=True, services=_STREAMS),
    "half-close-dropped": Behaviour(half="dropped", services=_STREAMS),
    "half-close-closes-both": Behaviour(half="closes-both", services=_STREAMS),
    "tcp-bytes-changed": Behaviour(edit=bytes.upper, services=_STREAMS),
}


def named(name: str) -> Behaviour | None:
    """The behaviour of a mutant, None where the mutant is not one of these."""
    return BEHAVIOURS.get(name)


@dataclass
class Listeners:
    """A listening port for each server that something stands in front of."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    _ports: dict[tuple[str, str], int] = field(default_factory=dict)

    def port_for(self, address: str, *, http: bool) -> int | None:
        """The port whose connections lead to ``address`` (host:port); None where nobody listens there.

        What a proxy is to see of that is the refusal itself, which no front can pass on.
        """
        key = (address, "http" if http else "tcp")
        if key not in self._ports:
            host, _, port = address.rpartition(":")
            target = (host, int(port))
            if http and _refuses(target):
                return None
            serve = self._http if http else self._tcp
            self._ports[key] = listened(0, lambda client: serve(client, target))
        return self._ports[key]

    def _http(self, client: socket.socket, target: tuple[str, int]) -> None:
        behaviour = self.behaviour
        received = head_of(client)
        if received is None:
            return
        head, rest = received
        if status := behaviour.refuses(head):
            client.sendall(Head(f"HTTP/1.1 {status}", [("Content-Length", "0"), _CLOSE]).bytes())
            return
        behaviour.request(head)
        upgrade = head.get("Upgrade") is not None
        if not upgrade and not behaviour.raw:
            head.put(*_CLOSE)
        edit, length = _body(head, behaviour.lost, trailers=behaviour.trailers)
        begun = head.bytes() + edit(rest[:length])
        if behaviour.again:
            _send_and_forget(target, begun)
        with socket.create_connection(target, timeout=IDLE_S) as server:
            server.sendall(begun)
            left = None if length is None else max(0, length - len(rest))
            upward = partial(pipe, client, server, left, edit=edit)
            threading.Thread(target=upward, daemon=True).start()
            self._answer(client, server, upgrade=upgrade)

    def _answer(self, client: socket.socket, server: socket.socket, *, upgrade: bool) -> None:
        behaviour = self.behaviour
        answered = head_of(server)
        while answered is not None and re.match(r"HTTP/1\.1 1(?!01)\d\d", answered[0].line):
            client.sendall(answered[0].bytes())
            answered = head_of(server, answered[1])
        if answered is None:
            return
        head, rest = answered
        behaviour.response(head)
        if not upgrade:
            head.put(*_CLOSE)
        rest = _as_if_it_came_from(client.getpeername()[0], server, head, rest)
        edit, length = _body(head, 0, trailers=behaviour.trailers)
        if length is None:
            length = _shorten(head, behaviour.answer_lost)
        client.sendall(head.bytes() + edit(rest[:length]))
        pipe(server, client, None if length is None else max(0, length - len(rest)), edit=edit)

    def _tcp(self, client: socket.socket, target: tuple[str, int]) -> None:
        behaviour = self.behaviour
        early = client.recv(PIECE) if behaviour.first else b""
        with socket.create_connection(target, timeout=IDLE_S) as server:
            server.sendall(behaviour.edit(early))

            def upward() -> None:
                pipe(client, server, edit=behaviour.edit, end=behaviour.half == "passed")
                if behaviour.half == "closes-both":
                    shut(client)

            threading.Thread(target=upward, daemon=True).start()
            pipe(server, client)


def _refuses(target: tuple[str, int]) -> bool:
    try:
        socket.create_connection(target, timeout=1.0).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        pass  # the front meets it as well, with a client to tell
    return False


def _body(head: Head, lost: int, *, trailers: bool) -> tuple[Edit, int | None]:
    """What edits a message's body on its way, and how many bytes of it may pass (None: whatever comes)."""
    if "chunked" not in (head.get("Transfer-Encoding") or ""):
        return bytes, _shorten(head, lost)
    return (Rechunked(lost=lost, trailers=trailers) if lost or not trailers else bytes), None


def _as_if_it_came_from(peer: str, server: socket.socket, head: Head, begun: bytes) -> bytes:
    """The server tells in JSON where its connection came from: that is to be the proxy, not this front."""
    told = head.get("Content-Length")
    if told is None or int(told) > _TOLD or "json" not in (head.get("Content-Type") or ""):
        return begun
    body = begun
    while len(body) < int(told) and (piece := server.recv(PIECE)):
        body += piece
    own, after = body[: int(told)], body[int(told) :]
    own = own.replace(server.getsockname()[0].encode() + b":", peer.encode() + b":")
    head.put("Content-Length", str(len(own)))
    return own + after


def _shorten(head: Head, lost: int) -> int | None:
    """Tell a shorter body; how many bytes of it may pass, None: whatever comes."""
    told = head.get("Content-Length")
    if not lost or told is None or int(told) <= lost:
        return None
    head.put("Content-Length", str(int(told) - lost))
    return int(told) - lost


def _send_and_forget(target: tuple[str, int], data: bytes) -> None:
    with socket.create_connection(target, timeout=IDLE_S) as server:
        server.sendall(data)
        server.recv(PIECE)
