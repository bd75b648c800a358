"""The agent's part for what comes piece by piece: TCP, UDP, WebSocket, Server-Sent Events, gRPC.

Each function does what one call asked for and never raises: what went wrong is told beside what came before.
Times are milliseconds since the call began. Stands beside agent.py in the client pod.
"""

import asyncio
import base64
import os
import socket
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import websocket

os.environ.setdefault("GRPC_DNS_RESOLVER", "native")  # the pod's resolver, as everything else here
import grpc

DATAGRAM_WAIT_S: Final = 2.0
WORDS_KEPT: Final = 500  # characters
STREAM_KEPT: Final = 1 << 20  # bytes of one direction that travel back


class Since:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()

    def ms(self) -> float:
        """So far."""
        return (time.perf_counter() - self.begun) * 1000.0

    def arrival(self, data: bytes, kind: str = "binary") -> dict[str, Any]:
        """Something that came just now."""
        return {"at_ms": self.ms(), "data": base64.b64encode(data).decode(), "kind": kind}


def spelled(address: tuple[str, int]) -> str:
    """An address as ``ip:port``."""
    return f"{address[0]}:{address[1]}"


def words(error: BaseException) -> str:
    """An error as it is told."""
    return f"{type(error).__name__}: {error}"[:WORDS_KEPT]


async def tcp(asked: dict[str, Any]) -> dict[str, Any]:
    """Chunks over one TCP connection, and whatever comes back, read all the while.

    Reading ends when the peer closes, when ``until`` came, or ``end_after_ms`` after the last chunk.
    """
    since = Since()
    told: dict[str, Any] = {
        "local": None,
        "peer": None,
        "error": None,
        "first_byte_ms": None,
        "closed": False,
    }
    received = bytearray()
    chunks = [base64.b64decode(each) for each in asked["chunks"]]
    try:
        async with asyncio.timeout(asked["timeout_s"]):
            reader, writer = await asyncio.open_connection(
                asked["host"], asked["port"], family=socket.AF_INET
            )
            try:
                told["local"] = spelled(writer.get_extra_info("sockname"))
                told["peer"] = spelled(writer.get_extra_info("peername"))
                reading = asyncio.create_task(_read(reader, received, told, since, asked))
                try:
                    await _write(writer, chunks, asked)
                    limit_ms = asked["end_after_ms"]
                    await asyncio.wait([reading], timeout=None if limit_ms is None else limit_ms / 1000.0)
                    if reading.done():
                        reading.result()
                finally:
                    reading.cancel()
                    await asyncio.wait([reading])
            finally:
                writer.close()
    except (OSError, TimeoutError, UnicodeError) as error:
        told["error"] = words(error)
    told["sent"] = base64.b64encode(b"".join(chunks)[:STREAM_KEPT]).decode()
    told["received"] = base64.b64encode(received[:STREAM_KEPT]).decode()
    told["total_ms"] = since.ms()
    return told


async def _write(writer: asyncio.StreamWriter, chunks: list[bytes], asked: dict[str, Any]) -> None:
    for index, chunk in enumerate(chunks):
        if index:
            await asyncio.sleep(asked["pause_ms"] / 1000.0)
        writer.write(chunk)
        await writer.drain()
    if asked["half_close"]:
        writer.write_eof()


async def _read(
    reader: asyncio.StreamReader,
    received: bytearray,
    told: dict[str, Any],
    since: Since,
    asked: dict[str, Any],
) -> None:
    until = base64.b64decode(asked["until"])
    while chunk := await reader.read(65_536):
        if told["first_byte_ms"] is None:
            told["first_byte_ms"] = since.ms()
        received += chunk
        if until and until in received:
            return
    told["closed"] = True


async def udp(asked: dict[str, Any]) -> dict[str, Any]:
    """One datagram there, one back."""
    since = Since()
    told: dict[str, Any] = {"sent": asked["data"], "received": "", "local": None, "peer": None, "error": None}
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(asked["timeout_s"]):
            found = await loop.getaddrinfo(
                asked["host"], asked["port"], family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
                endpoint.setblocking(False)
                endpoint.connect(found[0][4])
                await loop.sock_sendall(endpoint, base64.b64decode(asked["data"]))
                async with asyncio.timeout(DATAGRAM_WAIT_S):
                    received = await loop.sock_recv(endpoint, 65_535)
                told["received"] = base64.b64encode(received).decode()
                told["local"], told["peer"] = spelled(endpoint.getsockname()), spelled(endpoint.getpeername())
    except (OSError, TimeoutError, UnicodeError) as error:
        told["error"] = words(error)
    told["total_ms"] = since.ms()
    return told


async def events(client: httpx.AsyncClient, asked: dict[str, Any]) -> dict[str, Any]:
    """A response as its parts arrive: each event of an event stream, else each piece of the body."""
    since = Since()
    told: dict[str, Any] = {
        "url": asked["url"],
        "status": None,
        "headers": [],
        "headers_ms": None,
        "arrivals": [],
        "error": None,
    }
    try:
        async with asyncio.timeout(asked["timeout_s"]):
            async with client.stream(
                "GET", asked["url"], headers=asked["headers"], timeout=asked["timeout_s"]
            ) as got:
                told |= {"status": got.status_code, "headers": got.headers.multi_items()}
                told["headers_ms"] = since.ms()
                one_by_one = got.headers.get("content-type", "").startswith("text/event-stream")
                async for part in _events_in(got) if one_by_one else got.aiter_raw():
                    told["arrivals"].append(since.arrival(part))
    except Exception as error:  # noqa: BLE001  # whatever it was, the other end is to hear of it
        told["error"] = words(error)
    told["total_ms"] = since.ms()
    return told


async def _events_in(response: httpx.Response) -> AsyncIterator[bytes]:
    data: list[str] = []
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield "\n".join(data).encode()
            data.clear()


def web_socket(asked: dict[str, Any]) -> dict[str, Any]:
    """Open a WebSocket, read its greeting, send each message when the one before was answered, and close."""
    since = Since()
    told: dict[str, Any] = {"url": asked["url"], "status": None, "headers": [], "error": None}
    told |= {"greeting": None, "messages": [], "close_code": None}
    try:
        connection = websocket.create_connection(
            asked["url"],
            timeout=asked["timeout_s"],
            header=[f"{name}: {value}" for name, value in asked["headers"]],
            subprotocols=asked["subprotocols"] or None,
            http_no_proxy=["*"],
        )
        told |= {"status": connection.getstatus(), "headers": list((connection.getheaders() or {}).items())}
        try:
            _converse(connection, asked, told, since)
        finally:
            connection.shutdown()  # type: ignore[no-untyped-call]
    except websocket.WebSocketBadStatusException as error:
        headers = list((error.resp_headers or {}).items())
        told |= {"status": error.status_code, "headers": headers, "error": words(error)}
    except (websocket.WebSocketException, OSError, ValueError) as error:
        told["error"] = words(error)
    told["total_ms"] = since.ms()
    return told


def _converse(
    connection: websocket.WebSocket, asked: dict[str, Any], told: dict[str, Any], since: Since
) -> None:
    for number, message in enumerate([None, *asked["messages"]]):
        if message is not None:
            connection.send(base64.b64decode(message["data"]), _OPCODES[message["kind"]])
        opcode, frame = connection.recv_data_frame(control_frame=False)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            told["close_code"] = _code(frame.data)
            return
        kind = "text" if opcode == websocket.ABNF.OPCODE_TEXT else "binary"
        came = since.arrival(frame.data, kind)
        if number == 0:
            told["greeting"] = came
        else:
            told["messages"].append(came)
    connection.send_close(asked["close_code"], asked["close_reason"].encode())
    while told["close_code"] is None:
        opcode, frame = connection.recv_data_frame(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            told["close_code"] = _code(frame.data)


_OPCODES: Final = {"text": websocket.ABNF.OPCODE_TEXT, "binary": websocket.ABNF.OPCODE_BINARY}


def _code(data: bytes) -> int:
    return int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005  # RFC 6455, 7.4.1: none was given


async def grpc_call(asked: dict[str, Any]) -> dict[str, Any]:
    """One gRPC call over a connection of its own; messages are bytes, whatever they mean."""
    since = Since()
    told: dict[str, Any] = {"method": asked["method"], "messages": [], "error": None}
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    messages = [base64.b64decode(each) for each in asked["messages"]]
    async with grpc.aio.insecure_channel(f"{asked['host']}:{asked['port']}", options=options) as channel:
        stub = getattr(channel, _STUBS[asked["kind"]])(asked["method"])
        settings = {"timeout": asked["timeout_s"], "metadata": [tuple(each) for each in asked["metadata"]]}
        call = stub(**settings) if asked["kind"] == "bidi" else stub(_outgoing(asked, messages), **settings)
        try:
            async for answer in _answers(call, asked["kind"], messages):
                told["messages"].append(since.arrival(answer))
        except grpc.aio.AioRpcError as error:
            told["error"] = error.debug_error_string()
        except asyncio.InvalidStateError as error:  # the call ended before everything was sent
            told["error"] = words(error)
        told["initial_metadata"] = _pairs(await call.initial_metadata())
        told["trailing_metadata"] = _pairs(await call.trailing_metadata())
        told["code"] = (await call.code()).name
        told["details"] = await call.details() or ""
    told["total_ms"] = since.ms()
    return told


_STUBS: Final = {
    "unary": "unary_unary",
    "server_stream": "unary_stream",
    "client_stream": "stream_unary",
    "bidi": "stream_stream",
}


def _outgoing(asked: dict[str, Any], messages: list[bytes]) -> Any:
    return messages if asked["kind"] == "client_stream" else messages[0]


async def _answers(call: Any, kind: str, messages: list[bytes]) -> AsyncIterator[bytes]:
    if kind == "bidi":
        for message in messages:  # each is sent when the one before was answered
            await call.write(message)
            if (answer := await call.read()) is grpc.aio.EOF:
                return
            yield answer
        await call.done_writing()
        while (answer := await call.read()) is not grpc.aio.EOF:
            yield answer
    elif kind == "server_stream":
        async for answer in call:
            yield answer
    else:
        yield await call


def _pairs(metadata: Any) -> list[tuple[str, str]]:
    return [
        (name, value if isinstance(value, str) else base64.b64encode(value).decode())
        for name, value in metadata or ()
    ]
