"""A gate before the proxies: clients are led to it in a proxy's place, and it does one thing wrong.

This file also runs by itself, beside ``interposer.py`` in a pod: it imports nothing but the standard library.
A gate changes the first head of a connection and passes everything else on byte for byte, both ways; it
hands each connection to any of the proxies.
"""

import random
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

try:
    from meshproof.mutate.front_behaviours import KEPT, TRACE
    from meshproof.mutate.wire import IDLE_S, PIECE, Head, head_of, listened, pipe
except ImportError:  # in the pod they lie side by side
    from front_behaviours import KEPT, TRACE  # type: ignore[import-not-found, no-redef]
    from wire import (  # type: ignore[import-not-found, no-redef]
        IDLE_S,
        PIECE,
        Head,
        head_of,
        listened,
        pipe,
    )

__all__ = ["GATES", "HELLO", "Gate", "Gates", "named"]

HELLO: Final = b"MESHPROOF GATE\r\n\r\n"  # said to a gate it comes back; a proxy answers 400
_PORTS: Final = {5000: 5000, 5001: 5001}  # of the gate -> of the proxies: a service's first two ports
_PREFACE: Final = b"PRI * HTTP/2.0"  # RFC 9113, section 3.4
_LONGEST: Final = 10_000  # characters of a target, or of a header's value
_MOST: Final = 200  # headers

# What a target may not hold (RFC 3986, section 2), and what no header may (RFC 9110, section 5.5).
_NO_TARGET: Final = re.compile(r"[^!-~]|[\\\"#<>^`{|}]")
_NO_HEADER: Final = re.compile(r"[\x00-\x1f]")


def _as_it_is(_head: Head, _host: str) -> None:
    pass


@dataclass(frozen=True)
class Gate:
    """What a gate does wrong.

    ``request`` changes a head; it is told the mesh name of ``server``. ``one_by_one`` has a connection wait
    for the end of the one before, and heads are not read. ``http2``: a client may speak it.
    """

    request: Callable[[Head, str], None] = _as_it_is
    one_by_one: bool = False
    http2: bool = True
    services: tuple[str, ...] = ("server",)  # before whose proxies it stands


def _lenient(head: Head, host: str) -> None:
    """Makes something of whatever it reads: leaves out what is illegal, and prefers a length to a coding."""
    head.aim(lambda target: _NO_TARGET.sub("", target))
    head.headers = [(name.strip(), _NO_HEADER.sub("", value)) for name, value in head.headers]
    named = re.search(r"[\w.:-]+", head.get("Host") or host)
    head.put("Host", named[0] if named else host)
    length = re.search(r"\d+", head.get("Content-Length") or "")
    coding = head.get("Transfer-Encoding")
    head.drop("Content-Length")
    head.drop("Transfer-Encoding")
    if length:
        head.put("Content-Length", length[0])
    elif coding and "chunked" in coding.lower():
        head.put("Transfer-Encoding", "chunked")


def _without_authority(head: Head, _host: str) -> None:
    head.aim(lambda target: re.sub(r"^https?://[^/?]+", "", target))


def _cut(head: Head, _host: str) -> None:
    head.aim(lambda target: target[:_LONGEST])
    head.headers = [(name, value[:_LONGEST]) for name, value in head.headers[:_MOST]]


def _trace_put_aside(head: Head, _host: str) -> None:
    sent = head.get(TRACE)
    if sent is not None:
        head.put(KEPT, sent)


def _another_span(head: Head, _host: str) -> None:
    """The same trace, as if somebody between caller and proxy had made a span that nobody tells of."""
    head.change(TRACE, lambda sent: ":".join([*sent.split(":")[:1], "feed", *sent.split(":")[2:]]))


GATES: Final[Mapping[str, Gate]] = {
    "lenient-http-parser": Gate(request=_lenient),
    "absolute-target-ignored": Gate(request=_without_authority),
    "no-header-limit": Gate(request=_cut),
    "one-connection-at-a-time": Gate(one_by_one=True),
    "http2-refused": Gate(http2=False, services=("server", "server-h2c")),
    "trace-untouched": Gate(request=_trace_put_aside),
    "trace-of-another-span": Gate(request=_another_span),
}


def named(name: str) -> Gate | None:
    """The gate of a mutant, None where the mutant has none."""
    return GATES.get(name)


@dataclass
class Gates:
    """The gate in force, if any; ``ports`` are its own ones, each with that of the proxies."""

    gate: Gate | None = None
    host: str = ""
    proxies: Sequence[str] = ()
    ports: Mapping[int, int] = field(default_factory=lambda: _PORTS)
    _open: set[int] = field(default_factory=set)

    def put(self, gate: Gate | None, *, host: str, proxies: Sequence[str]) -> None:
        """Stand this gate before proxies (addresses), or none: who comes then is hung up on."""
        self.gate, self.host, self.proxies = gate, host, proxies
        if gate is not None:
            for own in self.ports.keys() - self._open:
                listened(own, self._serve_at(self.ports[own]), one_by_one=self._one_by_one)
                self._open.add(own)

    def _one_by_one(self) -> bool:
        return self.gate is not None and self.gate.one_by_one

    def _serve_at(self, port: int) -> Callable[[socket.socket], None]:
        return lambda client: self._serve(client, port)

    def _serve(self, client: socket.socket, port: int) -> None:
        gate, begun = self.gate, client.recv(PIECE)
        if gate is None or not begun:
            return
        if begun.startswith(HELLO):
            client.sendall(HELLO)
            return
        if begun.startswith(_PREFACE):
            if not gate.http2:
                return
        elif not gate.one_by_one:
            received = head_of(client, begun)
            if received is None:
                return
            head, rest = received
            gate.request(head, self.host)
            begun = head.bytes() + rest
        target = (random.choice(self.proxies), port)  # noqa: S311 - a choice, no secret
        with socket.create_connection(target, timeout=IDLE_S) as proxy:
            proxy.sendall(begun)
            threading.Thread(target=pipe, args=(client, proxy), daemon=True).start()
            pipe(proxy, client)
