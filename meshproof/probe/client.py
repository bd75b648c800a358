"""The agent's client: brings back Exchanges. One connection, many requests at once."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
import msgspec

from meshproof.model.errors import HarnessError
from meshproof.model.exchange import Exchange, Request, Resolution, StreamExchange
from meshproof.model.streams import EventStream, GrpcCall, GrpcKind, Message, SteadyTraffic, WebSocketTalk

__all__ = ["AgentError", "Probe"]

T = TypeVar("T")

_AGENT_MARGIN_S: Final = 20.0  # what the agent may take beyond the requests' own time limits


class AgentError(HarnessError):
    """The agent did not answer as it should: says nothing about the mesh."""

    code = "AGENT"


class Probe:
    """Sends traffic from the client pod through the agent at ``base_url``."""

    def __init__(self, base_url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30.0
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def healthy(self) -> bool:
        """Whether the agent answers at all."""
        try:
            return self._http.get("/health", timeout=2.0).status_code == 200
        except httpx.TransportError:
            return False

    def send(self, requests: Sequence[Request], *, concurrency: int = 16) -> list[Exchange]:
        """Send requests, at most ``concurrency`` at once; the exchanges come in the order of the requests.

        Raises AgentError when the agent itself fails; a request that fails is an Exchange with its failure.
        """
        if not requests:
            return []
        waves = -(-len(requests) // concurrency)
        limit = waves * max(each.timeout_s for each in requests) + _AGENT_MARGIN_S
        body = {"requests": requests, "concurrency": concurrency}
        answer = self._post("/v1/exchange", body, dict[str, list[Exchange]], limit)
        return answer["exchanges"]

    def resolve(self, names: Iterable[str]) -> list[Resolution]:
        """Look names up through the client pod's resolver."""
        wanted = list(names)
        if not wanted:
            return []
        answer = self._post("/v1/resolve", {"names": wanted}, dict[str, list[Resolution]], 15.0 * len(wanted))
        return answer["resolutions"]

    def tcp(
        self,
        host: str,
        port: int,
        *chunks: bytes,
        pause_ms: float = 0.0,
        half_close: bool = True,
        until: bytes = b"",
        end_after_ms: float | None = None,
        timeout_s: float = 5.0,
    ) -> StreamExchange:
        """Send chunks over one TCP connection, ``pause_ms`` apart, and read what comes all the while.

        ``half_close`` closes the sending half after the last. Reading ends when the peer closes, when
        ``until`` is among what came, or ``end_after_ms`` after the last chunk.
        """
        body = {
            "host": host,
            "port": port,
            "chunks": chunks,
            "pause_ms": pause_ms,
            "half_close": half_close,
            "until": until,
            "end_after_ms": end_after_ms,
            "timeout_s": timeout_s,
        }
        return self._post("/v1/tcp", body, StreamExchange, timeout_s + _AGENT_MARGIN_S)

    def udp(self, host: str, port: int, data: bytes, *, timeout_s: float = 5.0) -> StreamExchange:
        """Send one datagram and wait for one."""
        body = {"host": host, "port": port, "data": data, "timeout_s": timeout_s}
        return self._post("/v1/udp", body, StreamExchange, timeout_s + _AGENT_MARGIN_S)

    def events(
        self, url: str, *, headers: Sequence[tuple[str, str]] = (), timeout_s: float = 10.0
    ) -> EventStream:
        """Read one response, and tell when each part of it came."""
        body = {"url": url, "headers": headers, "timeout_s": timeout_s}
        return self._post("/v1/events", body, EventStream, timeout_s + _AGENT_MARGIN_S)

    def websocket(
        self,
        url: str,
        messages: Sequence[Message] = (),
        *,
        headers: Sequence[tuple[str, str]] = (),
        subprotocols: Sequence[str] = (),
        close_code: int = 1000,
        close_reason: str = "",
        timeout_s: float = 10.0,
    ) -> WebSocketTalk:
        """Open a WebSocket that greets, send each message when the one before was answered, close it."""
        body = {
            "url": url,
            "messages": messages,
            "headers": headers,
            "subprotocols": subprotocols,
            "close_code": close_code,
            "close_reason": close_reason,
            "timeout_s": timeout_s,
        }
        return self._post("/v1/websocket", body, WebSocketTalk, timeout_s + _AGENT_MARGIN_S)

    def grpc(
        self,
        host: str,
        port: int,
        method: str,
        messages: Sequence[bytes],
        *,
        kind: GrpcKind = "unary",
        metadata: Sequence[tuple[str, str]] = (),
        timeout_s: float = 10.0,
    ) -> GrpcCall:
        """Make one gRPC call over its own connection; in a ``bidi`` call each message awaits its answer."""
        body = {
            "host": host,
            "port": port,
            "method": method,
            "kind": kind,
            "messages": messages,
            "metadata": metadata,
            "timeout_s": timeout_s,
        }
        return self._post("/v1/grpc", body, GrpcCall, timeout_s + _AGENT_MARGIN_S)

    def start_traffic(
        self,
        urls: Sequence[str],
        *,
        rate: float,
        seconds: float,
        most: int,
        headers: Sequence[tuple[str, str]] = (),
        fresh: bool = False,
        timeout_s: float = 5.0,
    ) -> int:
        """Begin constant traffic to ``urls`` in turn, ``rate`` a second, ``seconds`` or ``most`` at most."""
        body = {
            "urls": urls,
            "rate": rate,
            "seconds": seconds,
            "most": most,
            "headers": headers,
            "fresh": fresh,
            "timeout_s": timeout_s,
        }
        return self._post("/v1/steady", body, dict[str, int], _AGENT_MARGIN_S)["number"]

    def end_traffic(self, number: int, *, timeout_s: float = 5.0) -> SteadyTraffic:
        """End constant traffic; what is on its way is waited for."""
        return self._post("/v1/steady/end", {"number": number}, SteadyTraffic, timeout_s + _AGENT_MARGIN_S)

    def _post(self, path: str, body: Any, answer: type[T], timeout: float) -> T:
        where = str(self._http.base_url.join(path))
        try:
            got = self._http.post(path, content=msgspec.json.encode(body), timeout=timeout)
            got.raise_for_status()
            return msgspec.json.decode(got.content, type=answer)
        except (httpx.HTTPError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AgentError(
                where=where,
                problem=f"the agent in the client pod did not answer as it should: {error}",
                remedy="see the client pod's log and events in the run's folder; run again",
            ) from error
