"""Servers on loopback that answer piece by piece: events, WebSocket, gRPC, and TCP that speaks first."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from meshproof.engine.waiting import Look, eventually

STARTED_S = 20.0
PAUSE_S = 0.1  # between two events


@dataclass(frozen=True, kw_only=True)
class StreamServers:
    """Their ports."""

    http: int
    grpc: int
    greeting: int
    closed_codes: list[int]  # with which WebSockets were closed

    def url(self, path: str, scheme: str = "http") -> str:
        """A URL of the HTTP server."""
        return f"{scheme}://127.0.0.1:{self.http}{path}"


async def events(request: Request) -> Response:
    """Three parts, a pause between two of them."""

    async def parts() -> AsyncIterator[str]:
        for number in range(3):
            if number:
                await asyncio.sleep(PAUSE_S)
            yield f"id: {number}\ndata: {number}\ndata: more\n\n" if kind == "text/event-stream" else "x" * 10
        if "broken" in request.query_params:
            raise RuntimeError

    kind = "text/plain" if "plain" in request.query_params else "text/event-stream"
    return StreamingResponse(parts(), media_type=kind)


def socket_echo(closed_codes: list[int]) -> Any:
    """Greets with the subprotocols it was offered, then echoes; ``leave`` makes it close by itself."""

    async def echo(socket: WebSocket) -> None:
        offered = socket.scope["subprotocols"]
        await socket.accept(subprotocol=offered[0] if offered else None)
        await socket.send_text(socket.headers.get("x-greeting", ""))
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            if message.get("text") == "leave":
                await socket.close(4000)
                return
            kept = {key: message[key] for key in ("text", "bytes") if message.get(key) is not None}
            await socket.send({"type": "websocket.send", **kept})
        closed_codes.append(message["code"])

    return echo


class Calls(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio ships no types
    """The methods of the echo server's gRPC service, as far as the agent can tell."""

    def service(self, details: Any) -> Any:
        """The method that was called."""
        match details.method.rpartition("/")[2]:
            case "Unary":
                return grpc.unary_unary_rpc_method_handler(self._unary)
            case "ServerStream":
                return grpc.unary_stream_rpc_method_handler(self._server_stream)
            case "ClientStream":
                return grpc.stream_unary_rpc_method_handler(self._client_stream)
            case "Bidi":
                return grpc.stream_stream_rpc_method_handler(self._bidi)
        return None

    async def _unary(self, message: bytes, context: Any) -> bytes:
        await context.send_initial_metadata(
            [
                ("x-echo-hostname", "loopback"),
                *(each for each in context.invocation_metadata() if each[0] == "x-a"),
            ]
        )
        if message == b"fail":
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "asked for")
        return message

    async def _server_stream(self, message: bytes, _context: Any) -> AsyncIterator[bytes]:
        for number in range(int(message)):
            yield str(number).encode()

    async def _client_stream(self, messages: AsyncIterator[bytes], _context: Any) -> bytes:
        return b"+".join([each async for each in messages])

    async def _bidi(self, messages: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for each in messages:
            if each == b"fail":
                await context.abort(grpc.StatusCode.ABORTED, "asked for")
            yield each


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks first, then echoes until the client closes its half; ``reset`` breaks the connection."""
    writer.write(b"HELLO\n")
    while data := await reader.read(1000):
        if data == b"reset":
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
            writer.transport.abort()
            return
        writer.write(data)
    writer.close()


@contextmanager
def serving_streams() -> Iterator[StreamServers]:
    """All of them in one thread, until the block ends."""
    ready: list[StreamServers] = []
    closed_codes: list[int] = []
    routes = [Route("/events", events), WebSocketRoute("/ws", socket_echo(closed_codes))]

    async def serve() -> None:
        calls = grpc.aio.server()
        calls.add_generic_rpc_handlers((Calls(),))
        grpc_port = calls.add_insecure_port("127.0.0.1:0")
        await calls.start()
        greeting = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = listener.getsockname()[1]
        ready.append(
            StreamServers(
                http=port,
                grpc=grpc_port,
                greeting=greeting.sockets[0].getsockname()[1],
                closed_codes=closed_codes,
            )
        )
        await server.serve(sockets=[listener])
        await calls.stop(None)
        greeting.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = uvicorn.Config(
            Starlette(routes=routes), log_level="critical", ws="wsproto", lifespan="off"
        )
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        try:
            eventually(
                lambda: Look(met=server.started, value=None, seen="not started"),
                what="the servers listen",
                within=STARTED_S,
                every=0.02,
            )
            yield ready[0]
        finally:
            server.should_exit = True
            thread.join(STARTED_S)
