"""HTTP/1.1 as bytes between two sockets: heads, chunked bodies, and what passes them on (RFC 9112).

This file also lies beside ``interposer.py`` in a pod: it imports nothing but the standard library.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

__all__ = ["IDLE_S", "PIECE", "Head", "Rechunked", "head_of", "listened", "pipe", "shut"]

IDLE_S: Final = 20.0  # no check is silent for longer
PIECE: Final = 65_536
_MOST_HEAD: Final = 2_000_000  # bytes: more than any proxy of the mesh lets through

Target = tuple[str, int]
Serve = Callable[[socket.socket], None]


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

    def aim(self, edit: Callable[[str], str]) -> None:
        """Change a request's target, which may have blanks where it should not."""
        method, _, rest = self.line.partition(" ")
        target, _, version = rest.rpartition(" ")
        self.line = f"{method} {edit(target)} {version}"

    def bytes(self) -> bytes:
        """As it goes over the wire."""
        lines = [self.line, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")


@dataclass
class Rechunked:
    """Passes a chunked body on, but for its last ``lost`` bytes and, without ``trailers``, for these."""

    lost: int = 0
    trailers: bool = True
    _read: bytes = b""
    _held: bytes = b""  # of the data: the last bytes so far
    _ended: bool = False

    def __call__(self, piece: bytes) -> bytes:
        """What is to be passed on now that this piece has come."""
        self._read += piece
        passed = b""
        while not self._ended and (chunk := self._chunk()) is not None:
            passed += chunk
        if self._ended:
            passed, self._read = passed + self._read, b""
        return passed

    def _chunk(self) -> bytes | None:
        """The next chunk as it is passed on; None where it has not come whole."""
        line, _, rest = self._read.partition(b"\r\n")
        size = int(line.partition(b";")[0] or b"0", 16)
        if not size:
            return self._end(rest)
        if len(rest) < size + 2:
            return None
        self._read = rest[size + 2 :]
        data = self._held + rest[:size]
        kept = len(data) - min(self.lost, len(data))
        data, self._held = data[:kept], data[kept:]
        return b"%x\r\n%s\r\n" % (len(data), data) if data else b""

    def _end(self, rest: bytes) -> bytes | None:
        trailers, found, after = (b"\r\n" + rest).partition(b"\r\n\r\n")
        if not found:
            return None
        self._ended, self._read = True, after
        return b"0" + (trailers if self.trailers else b"") + b"\r\n\r\n"


def listened(port: int, serve: Serve, *, one_by_one: Callable[[], bool] = lambda: False) -> int:
    """Serve every connection to a port (0: any that is free) from now on; the port.

    As long as ``one_by_one`` holds a connection waits until the one before has ended.
    """
    listener = socket.create_server(("", port), backlog=200)

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            client.settimeout(IDLE_S)
            if one_by_one():
                _guarded(client, serve)
            else:
                threading.Thread(target=_guarded, args=(client, serve), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    bound: int = listener.getsockname()[1]
    return bound


def _guarded(client: socket.socket, serve: Serve) -> None:
    with client, suppress(OSError, ValueError):  # a side is gone, silent, or no HTTP: closing tells the other
        serve(client)


def head_of(source: socket.socket, begun: bytes = b"") -> tuple[Head, bytes] | None:
    """A message's head and what came with it of the body; None where the connection ended before."""
    data = begun
    while b"\r\n\r\n" not in data:
        piece = source.recv(PIECE)
        if not piece or len(data) > _MOST_HEAD:
            return None
        data += piece
    text, _, rest = data.partition(b"\r\n\r\n")
    line, *lines = text.decode("latin-1").split("\r\n")
    pairs = [each.partition(":") for each in lines]
    return Head(line, [(name, value.strip()) for name, _, value in pairs]), rest


def pipe(
    source: socket.socket,
    sink: socket.socket,
    most: int | None = None,
    *,
    edit: Callable[[bytes], bytes] = bytes,
    end: bool = True,
) -> None:
    """Pass on what comes until the end, and then, with ``end``, the end; at most ``most`` bytes of it."""
    left = most
    with suppress(OSError):  # as above
        while piece := source.recv(PIECE):
            wanted = piece if left is None else piece[:left]
            if wanted and (passed := edit(wanted)):
                sink.sendall(passed)
            if left is not None:
                left -= len(wanted)
    if end:
        shut(sink, socket.SHUT_WR)


def shut(which: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    """End one half, or both, of a connection that may be gone already."""
    with suppress(OSError):
        which.shutdown(how)
