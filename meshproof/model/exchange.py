"""One exchange seen from both ends: what the client sent and got, what the server saw, and when."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

__all__ = [
    "Exchange",
    "Failure",
    "FailureKind",
    "Request",
    "Resolution",
    "Response",
    "SeenByServer",
    "StreamExchange",
    "Timing",
]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent is to send. ``body`` travels base64-encoded in JSON.

    ``fresh`` opens a connection for this request alone; otherwise the agent's pool is used, one for each
    HTTP version. ``http2`` speaks HTTP/2 with prior knowledge (h2c). ``chunked`` sends the body in pieces,
    without telling its length first.
    """

    id: str
    url: str
    method: str = "GET"
    headers: list[tuple[str, str]] = []
    body: bytes = b""
    timeout_s: float = 10.0
    fresh: bool = True
    http2: bool = False
    chunked: bool = False


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from the moment the agent began the request; ``connect_ms`` includes the look-up."""

    started_at: float  # seconds since the epoch, the client pod's clock
    connect_ms: float | None
    first_byte_ms: float | None
    total_ms: float


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What the client got. ``body`` is the first 64 KiB; length and SHA-256 are of all of it."""

    status: int
    http_version: str
    headers: list[tuple[str, str]]
    body: bytes
    body_length: int
    body_sha256: str
    peer: str | None  # address that the connection reached: a Service's, as seen before NAT

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class FailureKind(StrEnum):
    """Why there was no response."""

    DNS = "dns"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    OTHER = "other"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A request that got no response, in the client's words."""

    kind: FailureKind
    text: str


class SeenByServer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the echo server saw of a request, from its ``?format=json`` answer."""

    hostname: str
    ip: list[str]
    remote_addr: str
    method: str
    url: str
    host: str
    proto: str
    headers: dict[str, list[str]]
    body_length: int
    body_sha256: str
    tls: bool = False
    trailers: dict[str, list[str] | None] = {}  # None: announced, and never sent

    def header(self, name: str) -> str | None:
        """The only value of a header, None when it did not arrive; several values are joined by ', '."""
        for key, values in self.headers.items():
            if key.lower() == name.lower():
                return ", ".join(values)
        return None

    @property
    def remote_ip(self) -> str:
        """The address that the connection to the server came from: a proxy's, when one stands between."""
        return self.remote_addr.rpartition(":")[0].strip("[]")


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its response or failure."""

    request: Request
    timing: Timing
    response: Response | None = None
    failure: Failure | None = None

    @property
    def status(self) -> int | None:
        """The status code, None when there was no response."""
        return self.response.status if self.response else None

    @property
    def seen(self) -> SeenByServer | None:
        """The server's view, None when the answer is not the echo server's."""
        if self.response is None or self.response.header("X-Echo-Hostname") is None:
            return None
        try:
            return msgspec.json.decode(self.response.body, type=SeenByServer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    @property
    def seen_by_server(self) -> SeenByServer:
        """The server's view. Raises AssertionError telling what came instead: a check then fails with it."""
        if self.seen is None:
            raise AssertionError(f"the request did not reach an echo server: {self.told()}")
        return self.seen

    def told(self) -> str:
        """One line: what was asked, what came of it."""
        asked = f"{self.request.method} {self.request.url}"
        if self.failure:
            return f"{asked} -> {self.failure.kind} failure: {self.failure.text}"
        if self.response:
            body = self.response.body[:80].decode(errors="replace").strip()
            return f"{asked} -> {self.response.status} in {self.timing.total_ms:.1f} ms, body {body!r}"
        return f"{asked} -> nothing"

    def facts(self) -> dict[str, Any]:
        """The exchange as evidence: both ends' view, bodies as text and cut to 2,000 characters."""
        facts: dict[str, Any] = {
            "request": {
                "method": self.request.method,
                "url": self.request.url,
                "headers": self.request.headers,
            },
            "total_ms": round(self.timing.total_ms, 3),
        }
        if self.response:
            facts["response"] = {
                "status": self.response.status,
                "http_version": self.response.http_version,
                "headers": self.response.headers,
                "body_length": self.response.body_length,
            }
        if self.failure:
            facts["failure"] = {"kind": self.failure.kind.value, "text": self.failure.text}
        if self.seen:
            facts["seen_by_server"] = msgspec.to_builtins(self.seen)
        elif self.response:
            facts["body"] = self.response.body[:2000].decode(errors="replace")
        return facts


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """A name looked up in the client pod: IPv4 addresses, or the resolver's error; time in milliseconds."""

    name: str
    addresses: list[str]
    error: str | None
    total_ms: float

    def facts(self) -> dict[str, Any]:
        """The look-up as evidence."""
        return {"resolution": msgspec.to_builtins(self)}


class StreamExchange(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes sent over TCP or in one UDP datagram, and what came back; addresses as ``ip:port``.

    ``first_byte_ms`` counts from the call, TCP only; ``closed``: the peer closed its half in an orderly way.
    """

    sent: bytes
    received: bytes
    local: str | None
    peer: str | None
    error: str | None
    total_ms: float
    first_byte_ms: float | None = None
    closed: bool = False

    def facts(self) -> dict[str, Any]:
        """The exchange as evidence."""
        shown: Mapping[str, Any] = msgspec.to_builtins(self, builtin_types=(bytes,))
        return {
            "stream": {
                **shown,
                "sent": self.sent[:200].decode(errors="replace"),
                "received": self.received[:200].decode(errors="replace"),
            }
        }
