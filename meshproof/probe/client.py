"""The agent's client: brings back Exchanges. One connection, many requests at once."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
import msgspec

from meshproof.model.errors import HarnessError
from meshproof.model.exchange import Exchange, Request, Resolution, StreamExchange

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

    def tcp(self, host: str, port: int, data: bytes, *, timeout_s: float = 5.0) -> StreamExchange:
        """Send bytes over one TCP connection, close the sending half, read what comes until the end."""
        return self._stream("/v1/tcp", host, port, data, timeout_s)

    def udp(self, host: str, port: int, data: bytes, *, timeout_s: float = 5.0) -> StreamExchange:
        """Send one datagram and wait for one."""
        return self._stream("/v1/udp", host, port, data, timeout_s)

    def _stream(self, path: str, host: str, port: int, data: bytes, timeout_s: float) -> StreamExchange:
        body = {"host": host, "port": port, "data": data, "timeout_s": timeout_s}
        return self._post(path, body, StreamExchange, timeout_s + _AGENT_MARGIN_S)

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
