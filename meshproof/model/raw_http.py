"""HTTP/1.1 to the byte: requests that no client library would send, and what comes back for them."""

import io
from collections.abc import Iterable
from http.client import HTTPException, HTTPResponse
from socket import socket
from typing import cast

import msgspec

from meshproof.model.exchange import SeenByServer

__all__ = ["RawResponse", "raw_request", "raw_responses"]


class RawResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One response of a connection."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def seen(self) -> SeenByServer | None:
        """The echo server's view of the request, None when the answer is not that."""
        if self.header("X-Echo-Hostname") is None:
            return None
        try:
            return msgspec.json.decode(self.body, type=SeenByServer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


def raw_request(
    target: str, lines: Iterable[str | bytes], *, method: str = "GET", body: bytes = b""
) -> bytes:
    """A request of exactly these header lines, nothing added; what is wrong in them stays wrong."""
    head = [f"{method} {target} HTTP/1.1".encode("latin-1")]
    head += [each if isinstance(each, bytes) else each.encode("latin-1") for each in lines]
    return b"\r\n".join([*head, b"", body])


def raw_responses(data: bytes) -> list[RawResponse]:
    """The whole responses of one connection, in order; interim ones (1xx) are left out."""
    wire = _Wire(data)
    found = []
    while not wire.exhausted:
        response = HTTPResponse(cast("socket", wire))  # all that it uses of a socket is makefile
        try:
            response.begin()
            body = response.read()
        except (HTTPException, ValueError):
            break
        found.append(RawResponse(status=response.status, headers=response.getheaders(), body=body))
    return found


class _Stays(io.BytesIO):
    """A file that http.client cannot close after the first response: more may follow."""

    def close(self) -> None:
        """Stay open."""


class _Wire:
    """What was received, in the guise of a socket."""

    def __init__(self, data: bytes) -> None:
        self._file = _Stays(data)
        self._length = len(data)

    def makefile(self, _mode: str) -> io.BytesIO:
        return self._file

    @property
    def exhausted(self) -> bool:
        return self._file.tell() >= self._length
