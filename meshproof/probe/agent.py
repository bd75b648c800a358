"""The agent: sends requests from inside the cluster and tells what came back.

It runs in the client pod (``python3 agent.py``), mounted from a ConfigMap together with the other agent_*.py,
and imports nothing else of meshproof. Its interface is JSON over HTTP, behind the bearer token of the run.
The forms are those of meshproof.model.exchange and meshproof.model.streams, bodies in base64.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

try:
    from meshproof.probe import agent_steady, agent_streams
except ImportError:  # in the pod they lie side by side
    import agent_steady  # type: ignore[import-not-found, no-redef]
    import agent_streams  # type: ignore[import-not-found, no-redef]

BODY_KEPT: Final = (
    65_536  # bytes of a response body that travel back; longer ones are told by length and hash
)
PIECE: Final = 16_384  # bytes of a body that is sent in chunks

_LIMITS: Final = httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=60.0)
_TLS: Final = ssl.create_default_context()  # loading the trust store costs 20 ms: once, not for each client


class Clock:
    """Notes when httpx connects and when the response's headers are there (httpx's ``trace`` extension)."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.connect_ms: float | None = None
        self.first_byte_ms: float | None = None

    async def __call__(self, event: str, _info: dict[str, Any]) -> None:
        """One event of httpcore."""
        if event == "connection.connect_tcp.complete":
            self.connect_ms = self.elapsed_ms()
        elif event.endswith("receive_response_headers.complete"):
            self.first_byte_ms = self.elapsed_ms()

    def elapsed_ms(self) -> float:
        """Milliseconds since the request began."""
        return (time.perf_counter() - self.begun) * 1000.0


def new_client(*, http2: bool) -> httpx.AsyncClient:
    """A client that adds nothing of its own: no proxy from the environment, no redirects, no retries."""
    return httpx.AsyncClient(http1=not http2, http2=http2, trust_env=False, limits=_LIMITS, verify=_TLS)


def failure_kind(error: Exception) -> str:
    """DNS, connect, timeout, protocol or other, from what httpx raised and what it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "dns"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "connect"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "timeout"
    if isinstance(error, httpx.TransportError):
        return "protocol"
    return "other"


async def exchange(client: httpx.AsyncClient, asked: dict[str, Any]) -> dict[str, Any]:
    """Send one request; never raises."""
    client.cookies.clear()  # a pool keeps connections, not what servers asked it to remember
    clock = Clock()
    told: dict[str, Any] = {"request": asked}
    started_at = time.time()
    try:
        request = client.build_request(
            asked["method"],
            asked["url"],
            headers=[(name, value) for name, value in asked["headers"]],
            content=content_of(asked),
            timeout=asked["timeout_s"],
            extensions={"trace": clock},
        )
        async with asyncio.timeout(asked["timeout_s"]):
            response = await client.send(request)
        told["response"] = describe(response)
    except Exception as error:  # noqa: BLE001  # whatever it was, the other end is to hear of it
        told["failure"] = {"kind": failure_kind(error), "text": f"{type(error).__name__}: {error}"}
    told["timing"] = {
        "started_at": started_at,
        "connect_ms": clock.connect_ms,
        "first_byte_ms": clock.first_byte_ms,
        "total_ms": clock.elapsed_ms(),
    }
    return told


def content_of(asked: dict[str, Any]) -> bytes | AsyncIterator[bytes] | None:
    """The body; ``chunked``: in pieces, so that its length is not known before it ends."""
    body = base64.b64decode(asked["body"])

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), PIECE):
            yield body[at : at + PIECE]

    return pieces() if asked["chunked"] else body or None


def describe(response: httpx.Response) -> dict[str, Any]:
    """A response as JSON."""
    stream = response.extensions.get("network_stream")
    address = stream.get_extra_info("server_addr") if stream else None
    body = response.content
    return {
        "status": response.status_code,
        "http_version": response.http_version,
        "headers": response.headers.multi_items(),
        "body": base64.b64encode(body[:BODY_KEPT]).decode(),
        "body_length": len(body),
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "peer": address[0] if address else None,
    }


async def one(asked: dict[str, Any], *, kept: Mapping[bool, httpx.AsyncClient]) -> dict[str, Any]:
    """One request, over the pool that is kept for its HTTP version (2: True) or a connection of its own."""
    pool = kept.get(asked["http2"])
    if pool and not asked["fresh"]:
        return await exchange(pool, asked)
    async with new_client(http2=asked["http2"]) as client:
        return await exchange(client, asked)


class Agent:
    """Holds a pool of HTTP/1.1 connections; those of HTTP/2 are kept for one batch."""

    def __init__(self) -> None:
        self.pool = new_client(http2=False)
        # Of its own: in one pool a burst of constant traffic would close connections that others keep.
        steadily = partial(one, kept={False: new_client(http2=False)})
        self.traffic = agent_steady.Traffic(steadily)

    async def on_exchange(self, request: Request) -> Response:
        """Send all requests of a batch, at most ``concurrency`` at once; answers keep their order."""
        batch = await request.json()
        gate = asyncio.Semaphore(batch["concurrency"])
        async with AsyncExitStack() as batch_only:
            kept = {False: self.pool}
            if any(each["http2"] and not each["fresh"] for each in batch["requests"]):
                # Traefik does not take such a connection for idle: it would wait for its end before its own.
                kept[True] = await batch_only.enter_async_context(new_client(http2=True))

            async def gated(asked: dict[str, Any]) -> dict[str, Any]:
                async with gate:
                    return await one(asked, kept=kept)

            exchanges = await asyncio.gather(*map(gated, batch["requests"]))
        return JSONResponse({"exchanges": exchanges})

    async def on_resolve(self, request: Request) -> Response:
        """Look names up through the pod's resolver, one after another so that the times are their own."""
        batch = await request.json()
        return JSONResponse({"resolutions": [await resolve(name) for name in batch["names"]]})

    async def on_tcp(self, request: Request) -> Response:
        """Send bytes over one TCP connection and read what comes."""
        return JSONResponse(await agent_streams.tcp(await request.json()))

    async def on_udp(self, request: Request) -> Response:
        """Send one datagram, wait for one."""
        return JSONResponse(await agent_streams.udp(await request.json()))

    async def on_events(self, request: Request) -> Response:
        """Read a response part by part."""
        async with new_client(http2=False) as client:
            return JSONResponse(await agent_streams.events(client, await request.json()))

    async def on_websocket(self, request: Request) -> Response:
        """Hold one conversation over a WebSocket."""
        return JSONResponse(await asyncio.to_thread(agent_streams.web_socket, await request.json()))

    async def on_grpc(self, request: Request) -> Response:
        """Make one gRPC call."""
        return JSONResponse(await agent_streams.grpc_call(await request.json()))

    async def on_steady(self, request: Request) -> Response:
        """Begin constant traffic."""
        return JSONResponse({"number": self.traffic.start(await request.json())})

    async def on_steady_end(self, request: Request) -> Response:
        """End constant traffic and tell what became of it."""
        return JSONResponse(await self.traffic.stop((await request.json())["number"]))


async def resolve(name: str) -> dict[str, Any]:
    """One name's IPv4 addresses, or the resolver's error."""
    begun = time.perf_counter()
    addresses: list[str] = []
    error = None
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            name, None, family=socket.AF_INET, type=socket.SOCK_STREAM
        )
        addresses = sorted({str(entry[4][0]) for entry in found})
    except (OSError, UnicodeError) as failure:  # UnicodeError: no name at all, as with a label of 64
        error = str(failure)
    elapsed_ms = (time.perf_counter() - begun) * 1000.0
    return {"name": name, "addresses": addresses, "error": error, "total_ms": elapsed_ms}


class TokenRequired:
    """Answers 401 to everyone who does not hold the run's token; ``/health`` is open."""

    def __init__(self, app: Any, token: str) -> None:
        self.app = app
        self.expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One ASGI call."""
        if scope["type"] == "http" and scope["path"] != "/health":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self.expected):
                await PlainTextResponse("the token of the run is missing\n", 401)(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def health(_request: Request) -> Response:
    """Ready as soon as it answers."""
    return PlainTextResponse("ok\n")


def application(token: str) -> TokenRequired:
    """The agent as an ASGI application."""
    agent = Agent()
    routes = [
        Route("/health", health),
    ]
    posts = {
        "/v1/exchange": agent.on_exchange,
        "/v1/resolve": agent.on_resolve,
        "/v1/tcp": agent.on_tcp,
        "/v1/udp": agent.on_udp,
        "/v1/events": agent.on_events,
        "/v1/websocket": agent.on_websocket,
        "/v1/grpc": agent.on_grpc,
        "/v1/steady": agent.on_steady,
        "/v1/steady/end": agent.on_steady_end,
    }
    routes += [Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()]
    return TokenRequired(Starlette(routes=routes), token)


if __name__ == "__main__":
    uvicorn.run(
        application(os.environ["MESHPROOF_TOKEN"]),
        host="0.0.0.0",  # noqa: S104  # the pod's own network namespace
        port=int(os.environ.get("MESHPROOF_AGENT_PORT", "8090")),
        log_level="warning",
    )
