"""Proxies in front of servers, each of which does one thing wrong: mutants of the way behind the mesh.

This file and its siblings ``front_*.py`` also run by themselves, beside ``interposer.py`` in a pod: they
import nothing but the standard library and each other.
A front takes one request a connection: it changes the heads that pass, tells both sides to close, and
passes the rest on byte for byte, but for its own address where the server tells it. Over TCP it passes
bytes on, over UDP datagrams, with what its behaviour does to them.
"""

import re
import socket
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Final

try:
    from meshproof.mutate.front_behaviours import Behaviour, Edit
    from meshproof.mutate.front_datagrams import relay
    from meshproof.mutate.front_websocket import told_from
    from meshproof.mutate.wire import IDLE_S, PIECE, Head, Rechunked, head_of, listened, pipe, shut
except ImportError:  # in the pod they lie side by side
    from front_behaviours import Behaviour, Edit  # type: ignore[import-not-found, no-redef]
    from front_datagrams import relay  # type: ignore[import-not-found, no-redef]
    from front_websocket import told_from  # type: ignore[import-not-found, no-redef]
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

__all__ = ["Listeners"]

_CLOSE: Final = ("Connection", "close")
_TOLD: Final = 4_000_000  # bytes: more than the server ever tells of a request

Address = tuple[str, int]


@dataclass
class Listeners:
    """A listening port for each server that something stands in front of."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    _ports: dict[tuple[str, str], int] = field(default_factory=dict)

    def port_for(self, address: str, protocol: str = "http") -> int | None:
        """The port where what comes (over http, tcp or udp) is led to ``address`` (host:port).

        None where nobody listens there over HTTP: what a proxy is to see of that is the refusal itself, which
        no front can pass on.
        """
        key = (address, protocol)
        if key not in self._ports:
            host, _, port = address.rpartition(":")
            target = (host, int(port))
            if protocol == "http" and _refuses(target):
                return None
            self._ports[key] = self._listen(target, protocol)
        return self._ports[key]

    def _listen(self, target: Address, protocol: str) -> int:
        if protocol == "udp":
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagrams.bind(("", 0))
            threading.Thread(target=relay, args=(datagrams, target, self._passes), daemon=True).start()
            return int(datagrams.getsockname()[1])
        serve = self._http if protocol == "http" else self._tcp
        return listened(0, lambda client: serve(client, target))

    def _passes(self, datagram: bytes) -> bool:
        return len(datagram) <= self.behaviour.longest

    def _http(self, client: socket.socket, target: Address) -> None:
        behaviour = self.behaviour
        received = head_of(client)
        if received is None:
            return
        head, rest = received
        if status := behaviour.refuses(head):
            client.sendall(Head(f"HTTP/1.1 {status}", [("Content-Length", "0"), _CLOSE]).bytes())
            return
        asked = _Asked(head)
        behaviour.request(head)
        shortened, length = _body(head, behaviour.lost, trailers=behaviour.trailers)
        edit = _in_turn(behaviour.sent(), shortened)
        begun = head.bytes() + edit(rest[:length])
        if behaviour.again(head):
            _send_and_forget(target, begun)
        with socket.create_connection(target, timeout=IDLE_S) as server:
            server.sendall(begun)
            left = None if length is None else max(0, length - len(rest))
            upward = partial(pipe, client, server, left, edit=edit)
            threading.Thread(target=upward, daemon=True).start()
            self._answer(client, server, asked)

    def _answer(self, client: socket.socket, server: socket.socket, asked: "_Asked") -> None:
        behaviour = self.behaviour
        answered = head_of(server)
        while answered is not None and re.match(r"HTTP/1\.1 1(?!01)\d\d", answered[0].line):
            client.sendall(answered[0].bytes())
            answered = head_of(server, answered[1])
        if answered is None:
            return
        head, rest = answered
        behaviour.response(head)
        if not asked.upgrade:
            head.put(*_CLOSE)
        own, peer = _addresses(client, server)
        if not asked.without_body:
            rest = _as_if_it_came_from(own, peer, server, head, rest)
        edit, length = _body(head, 0, trailers=behaviour.trailers)
        if asked.upgrade:
            edit = _in_turn(told_from(own, peer), behaviour.upgraded())
        if length is None:
            length = _shorten(head, behaviour.answer_lost)
        client.sendall(head.bytes() + edit(rest[:length]))
        pipe(server, client, None if length is None else max(0, length - len(rest)), edit=edit)

    def _tcp(self, client: socket.socket, target: Address) -> None:
        behaviour = self.behaviour
        early = client.recv(PIECE) if behaviour.first else b""
        edit = behaviour.sent()
        with socket.create_connection(target, timeout=IDLE_S) as server:
            server.sendall(edit(early))
            own, peer = _addresses(client, server)

            def upward() -> None:
                pipe(client, server, edit=edit, end=behaviour.half == "passed")
                if behaviour.half == "closes-both":
                    shut(client)

            threading.Thread(target=upward, daemon=True).start()
            pipe(server, client, edit=lambda piece: piece.replace(own, peer))


class _Asked:
    """What a client's request, before it is changed, says about its answer."""

    def __init__(self, head: Head) -> None:
        self.without_body = head.line.startswith("HEAD ")
        self.upgrade = head.get("Upgrade") is not None


def _refuses(target: Address) -> bool:
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


def _in_turn(first: Edit, second: Edit) -> Edit:
    return lambda piece: second(first(piece))


def _addresses(client: socket.socket, server: socket.socket) -> tuple[bytes, bytes]:
    """This front's own address, as a server tells whoever connected to it, and the one of the client."""
    own, peer = (f"{each[0]}:".encode() for each in (server.getsockname(), client.getpeername()))
    return own, peer


def _as_if_it_came_from(own: bytes, peer: bytes, server: socket.socket, head: Head, begun: bytes) -> bytes:
    """The server tells in JSON where its connection came from: that is to be the proxy, not this front."""
    told = head.get("Content-Length")
    if told is None or int(told) > _TOLD or "json" not in (head.get("Content-Type") or ""):
        return begun
    body = begun
    while len(body) < int(told) and (piece := server.recv(PIECE)):
        body += piece
    body, after = body[: int(told)].replace(own, peer), body[int(told) :]
    head.put("Content-Length", str(len(body)))
    return body + after


def _shorten(head: Head, lost: int) -> int | None:
    """Tell a shorter body; how many bytes of it may pass, None: whatever comes."""
    told = head.get("Content-Length")
    if not lost or told is None or int(told) <= lost:
        return None
    head.put("Content-Length", str(int(told) - lost))
    return int(told) - lost


def _send_and_forget(target: Address, data: bytes) -> None:
    with socket.create_connection(target, timeout=IDLE_S) as server:
        server.sendall(data)
        server.recv(PIECE)
