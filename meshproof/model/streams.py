"""What comes piece by piece, as the client saw it: events, WebSocket and gRPC messages, constant traffic."""

from typing import Any, Literal

import msgspec

from meshproof.model.exchange import SeenByServer

__all__ = [
    "Arrival",
    "EventStream",
    "GrpcCall",
    "GrpcKind",
    "Message",
    "SteadyTraffic",
    "Trouble",
    "WebSocketTalk",
]

GrpcKind = Literal["unary", "server_stream", "client_stream", "bidi"]
_SHOWN = 200  # characters of each message in the evidence


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A WebSocket message; ``data`` travels base64-encoded."""

    data: bytes
    kind: Literal["text", "binary"] = "text"


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A message, an event's data or a piece of a body; ``at_ms``: when it came, since the call began."""

    at_ms: float
    data: bytes
    kind: Literal["text", "binary"] = "binary"

    def facts(self) -> dict[str, Any]:
        """The arrival as evidence."""
        text = self.data[:_SHOWN].decode(errors="replace")
        return {"at_ms": round(self.at_ms, 3), "kind": self.kind, "length": len(self.data), "data": text}


class EventStream(msgspec.Struct, frozen=True, kw_only=True):
    """A response as it arrived: an event stream's events, else the body's pieces as they were read."""

    url: str
    status: int | None
    headers: list[tuple[str, str]]
    headers_ms: float | None
    arrivals: list[Arrival]
    error: str | None
    total_ms: float

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def data(self) -> list[str]:
        """What came, as text."""
        return [each.data.decode() for each in self.arrivals]

    def facts(self) -> dict[str, Any]:
        """The response as evidence, the first hundred arrivals of it."""
        shown = msgspec.structs.asdict(self) | {"arrivals": [each.facts() for each in self.arrivals[:100]]}
        return {"events": shown}


class WebSocketTalk(msgspec.Struct, frozen=True, kw_only=True):
    """A WebSocket from handshake to close.

    ``greeting`` is the first message that came, ``messages`` what answered each message sent, ``close_code``
    the peer's (1005: it gave none; None: it sent no close).
    """

    url: str
    status: int | None
    headers: list[tuple[str, str]]
    greeting: Arrival | None
    messages: list[Arrival]
    close_code: int | None
    error: str | None
    total_ms: float

    @property
    def seen_by_server(self) -> SeenByServer:
        """The handshake as the echo server saw it. Raises AssertionError telling what came instead."""
        if self.greeting is None:
            raise AssertionError(f"no WebSocket to an echo server at {self.url}: {self.status}, {self.error}")
        return msgspec.json.decode(self.greeting.data, type=SeenByServer)

    def facts(self) -> dict[str, Any]:
        """The conversation as evidence."""
        shown = msgspec.structs.asdict(self)
        shown |= {"greeting": self.greeting and self.greeting.facts()}
        return {"websocket": shown | {"messages": [each.facts() for each in self.messages[:100]]}}


class GrpcCall(msgspec.Struct, frozen=True, kw_only=True):
    """A gRPC call: ``code`` is the status by name (``OK``), ``details`` its message, ``error`` its words."""

    method: str
    messages: list[Arrival]
    initial_metadata: list[tuple[str, str]]
    trailing_metadata: list[tuple[str, str]]
    code: str
    details: str
    error: str | None
    total_ms: float

    @property
    def data(self) -> list[bytes]:
        """The messages that came."""
        return [each.data for each in self.messages]

    def metadata(self, name: str) -> str | None:
        """The first value of the initial metadata under this name."""
        return next((value for key, value in self.initial_metadata if key == name.lower()), None)

    def facts(self) -> dict[str, Any]:
        """The call as evidence."""
        shown = msgspec.structs.asdict(self)
        return {"grpc": shown | {"messages": [each.facts() for each in self.messages[:100]]}}


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A request of constant traffic without a 2xx answer: ``what`` is the status or the failure's kind."""

    at: float  # seconds since the epoch, the client pod's clock
    url: str
    what: str
    text: str


class SteadyTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """What became of constant traffic: requests by status, failures by kind, the first troubles in full.

    ``served_by`` counts 2xx answers by the echo server's host name; ``longest_gap_ms`` lies between two.
    """

    seconds: float
    sent: int
    answered: dict[int, int]
    failed: dict[str, int]
    served_by: dict[str, int]
    troubles: list[Trouble]
    longest_gap_ms: float

    @property
    def succeeded(self) -> int:
        """Requests that were answered with 2xx."""
        return sum(count for status, count in self.answered.items() if 200 <= status < 300)

    @property
    def lost(self) -> int:
        """Requests that were not."""
        return self.sent - self.succeeded

    def told(self) -> str:
        """One line, and one for each trouble."""
        rate = self.sent / self.seconds if self.seconds else 0.0
        summary = (
            f"{self.sent} requests at {rate:.0f}/s, {self.succeeded} answered with 2xx, "
            f"longest gap {self.longest_gap_ms:.0f} ms; answered {self.answered}, failed {self.failed}"
        )
        troubles = [f"{each.at:.3f} {each.url}: {each.what} {each.text}" for each in self.troubles]
        return "\n".join([summary, *troubles])

    def facts(self) -> dict[str, Any]:
        """The traffic as evidence."""
        return {"steady": msgspec.to_builtins(self)}
