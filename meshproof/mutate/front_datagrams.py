"""A front of a UDP server: passes datagrams on, and its answers back to whoever asked.

Like ``front.py`` it also runs in a pod: it imports nothing but the standard library and its siblings.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

try:
    from meshproof.mutate.wire import IDLE_S
except ImportError:  # in the pod they lie side by side
    from wire import IDLE_S  # type: ignore[import-not-found, no-redef]

__all__ = ["relay"]

_DATAGRAM: Final = 65_535

Address = tuple[str, int]


def relay(listener: socket.socket, target: Address, passes: Callable[[bytes], bool]) -> None:
    """Pass on for ever; what a client sends and does not pass is lost."""
    servers: dict[Address, socket.socket] = {}
    while True:
        data, client = listener.recvfrom(_DATAGRAM)
        if not passes(data):
            continue
        server = servers.get(client)
        if server is None or server.fileno() < 0:
            server = servers[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.settimeout(IDLE_S)
            server.connect(target)
            threading.Thread(target=_answers, args=(server, listener, client), daemon=True).start()
        with suppress(OSError):  # nobody listens there any more
            server.send(data)


def _answers(server: socket.socket, listener: socket.socket, client: Address) -> None:
    own, asked = (f"{each[0]}:".encode() for each in (server.getsockname(), client))
    with server, suppress(OSError):  # it is silent for too long, or gone
        while True:
            listener.sendto(server.recv(_DATAGRAM).replace(own, asked), client)
