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
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

__all__ = ["BEHAVIOURS", "Behaviour", "Head", "Listeners", "named"]

_IDLE_S: Final = 20.0  # no check is silent for longer
_PIECE: Final = 65_536
_TOLD: Final = 4_000_000  # bytes: more than the server ever tells of a request
_MOST_HEAD: Final = 2_000_000  # bytes: more than any proxy of the mesh lets through
_TRACE: Final = "uber-trace-id"


@dataclass
class Head:
    """The first line and the headers of a message, in their order and their case."""

    line: str
    headers: list[tuple[str, str]]

    def get(self, name: str) -> str | None:
        """The first value."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    def drop(self, name: str) -> None:
        """Take every header whose name begins so away."""
        self.headers = [each for each in self.headers if not each[0].lower().startswith(name.lower())]

    def put(self, name: str, value: str) -> None:
        """One header of this name, with this value, at the end."""
        self.headers = [each for each in self.headers if each[0].lower() != name.lower()]
        self.headers.append((name, value))

    def change(self, name: str, edit: Callable[[str], str]) -> None:
        """Change every value of a header in its place."""
        self.headers = [
            (each, edit(value) if each.lower() == name.lower() else value) for each, value in self.headers
        ]

    def bytes(self) -> bytes:
        """As it goes over the wire."""
        lines = [self.line, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")


def _as_it_is(_head: Head) -> None:
    pass


@dataclass(frozen=True)
class Behaviour:
    """What a front does wrong.

    ``lost`` and ``answer_lost`` are bytes that it cuts off the end of a body whose length is told. ``again``
    sends each request twice. Over TCP, ``first`` waits for the client before it connects, ``half`` is what
    becomes of a client's end of its half, ``edit`` changes the bytes of the client.
    """

    request: Callable[[Head], None] = _as_it_is
    response: Callable[[Head], None] = _as_it_is
    lost: int = 0
    answer_lost: int = 0
    again: bool = False
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

        head.change(_TRACE, edited)

    return change


def _restarted(_parts: list[str]) -> list[str]:
    fresh = f"{random.getrandbits(64) | 1:016x}"
    return [fresh, fresh, "0", "1"]


def _own_line(edit: Callable[[str], str]) -> Callable[[Head], None]:
    """A change to the target of the request's first line."""

    def change(head: Head) -> None:
        method, target, version = head.line.split(" ", 2)
        head.line = f"{method} {edit(target)} {version}"

    return change


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


_STREAMS: Final = ("server-tcp-9000", "server-greets-9002", "late-9004", "server-80")

BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "trace-header-stripped": Behaviour(request=lambda head: head.drop(_TRACE)),
    "trace-restarted": Behaviour(request=_trace(_restarted)),
    "sampling-forced": Behaviour(request=_trace(lambda parts: [*parts[:3], "1"])),
    "trace-id-repeated": Behaviour(request=_trace(lambda parts: ["1f" * 8, *parts[1:]])),
    "trace-id-cut": Behaviour(request=_trace(lambda parts: [parts[0][-16:], *parts[1:]])),
    "baggage-dropped": Behaviour(request=lambda head: head.drop("uberctx-")),
    "header-values-sorted": Behaviour(request=_sorted_values),
    "header-cut": Behaviour(request=_cut_long_values),
    "headers-few": Behaviour(request=_few_headers),
    "hop-by-hop-forwarded": Behaviour(request=_named_hops),
    "path-decoded": Behaviour(request=_own_line(_decoded)),
    "query-rewritten": Behaviour(request=_own_line(lambda target: target.replace(";", "&"))),
    "status-rewritten": Behaviour(response=_any_status),
    "body-cut": Behaviour(lost=1, answer_lost=1),
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

    def port_for(self, address: str, *, http: bool) -> int:
        """The port whose connections lead to ``address`` (host:port)."""
        key = (address, "http" if http else "tcp")
        if key not in self._ports:
            listener = socket.create_server(("", 0), backlog=200)
            self._ports[key] = listener.getsockname()[1]
            host, _, port = address.rpartition(":")
            serve = self._http if http else self._tcp
            threading.Thread(target=_accept, args=(listener, serve, (host, int(port))), daemon=True).start()
        return self._ports[key]

    def _http(self, client: socket.socket, target: tuple[str, int]) -> None:
        behaviour = self.behaviour
        received = _head(client)
        if received is None:
            return
        head, rest = received
        behaviour.request(head)
        upgrade = head.get("Upgrade") is not None
        if not upgrade:
            head.put("Connection", "close")
        length = _shorten(head, behaviour.lost)
        if behaviour.again:
            _send_and_forget(target, head.bytes() + rest[:length])
        with socket.create_connection(target, timeout=_IDLE_S) as server:
            server.sendall(head.bytes() + rest[:length])
            left = None if length is None else max(0, length - len(rest))
            upward = threading.Thread(target=_pipe, args=(client, server, left), daemon=True)
            upward.start()
            answered = _head(server)
            while answered is not None and re.match(r"HTTP/1\.1 1(?!01)\d\d", answered[0].line):
                client.sendall(answered[0].bytes())
                answered = _head(server, answered[1])
            if answered is None:
                return
            head, rest = answered
            behaviour.response(head)
            if not upgrade:
                head.put("Connection", "close")
            rest = _as_if_it_came_from(client.getpeername()[0], server, head, rest)
            length = _shorten(head, behaviour.answer_lost)
            client.sendall(head.bytes() + rest[:length])
            _pipe(server, client, None if length is None else max(0, length - len(rest)))

    def _tcp(self, client: socket.socket, target: tuple[str, int]) -> None:
        behaviour = self.behaviour
        early = client.recv(_PIECE) if behaviour.first else b""
        with socket.create_connection(target, timeout=_IDLE_S) as server:
            server.sendall(behaviour.edit(early))

            def upward() -> None:
                _pipe(client, server, None, edit=behaviour.edit, end=behaviour.half == "passed")
                if behaviour.half == "closes-both":
                    _shut(client)

            threading.Thread(target=upward, daemon=True).start()
            _pipe(server, client, None)


def _accept(
    listener: socket.socket,
    serve: Callable[[socket.socket, tuple[str, int]], None],
    target: tuple[str, int],
) -> None:
    while True:
        client, _ = listener.accept()
        client.settimeout(_IDLE_S)
        threading.Thread(target=_guarded, args=(client, serve, target), daemon=True).start()


def _guarded(
    client: socket.socket,
    serve: Callable[[socket.socket, tuple[str, int]], None],
    target: tuple[str, int],
) -> None:
    with client, suppress(OSError):  # one side is gone, or silent for too long: closing tells the other
        serve(client, target)


def _head(source: socket.socket, begun: bytes = b"") -> tuple[Head, bytes] | None:
    """A message's head and what came with it of the body; None where the connection ended before."""
    data = begun
    while b"\r\n\r\n" not in data:
        piece = source.recv(_PIECE)
        if not piece or len(data) > _MOST_HEAD:
            return None
        data += piece
    text, _, rest = data.partition(b"\r\n\r\n")
    line, *lines = text.decode("latin-1").split("\r\n")
    pairs = [each.partition(":") for each in lines]
    return Head(line, [(name, value.strip()) for name, _, value in pairs]), rest


def _as_if_it_came_from(peer: str, server: socket.socket, head: Head, begun: bytes) -> bytes:
    """The server tells in JSON where its connection came from: that is to be the proxy, not this front."""
    told = head.get("Content-Length")
    if told is None or int(told) > _TOLD or "json" not in (head.get("Content-Type") or ""):
        return begun
    body = begun
    while len(body) < int(told) and (piece := server.recv(_PIECE)):
        body += piece
    body = body.replace(server.getsockname()[0].encode() + b":", peer.encode() + b":")
    head.put("Content-Length", str(len(body)))
    return body


def _shorten(head: Head, lost: int) -> int | None:
    """Tell a shorter body; how many bytes of it may pass, None: whatever comes."""
    told = head.get("Content-Length")
    if not lost or told is None or int(told) <= lost:
        return None
    head.put("Content-Length", str(int(told) - lost))
    return int(told) - lost


def _pipe(
    source: socket.socket,
    sink: socket.socket,
    most: int | None,
    *,
    edit: Callable[[bytes], bytes] = bytes,
    end: bool = True,
) -> None:
    """Pass on what comes until the end, and then, with ``end``, the end; at most ``most`` bytes of it."""
    left = most
    with suppress(OSError):  # as above
        while piece := source.recv(_PIECE):
            wanted = piece if left is None else piece[:left]
            if wanted:
                sink.sendall(edit(wanted))
            if left is not None:
                left -= len(wanted)
    if end:
        _shut(sink, socket.SHUT_WR)


def _shut(which: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with suppress(OSError):  # it is gone already
        which.shutdown(how)


def _send_and_forget(target: tuple[str, int], data: bytes) -> None:
    with socket.create_connection(target, timeout=_IDLE_S) as server:
        server.sendall(data)
        server.recv(_PIECE)
