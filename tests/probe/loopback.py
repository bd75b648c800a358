"""Servers on loopback for the agent to send to: an echo over HTTP, TCP and UDP."""

import hashlib
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Loopback:
    """Where they listen; ``release`` lets everything go that ``/slow`` holds back."""

    def __init__(self, http: int, tcp: int, udp: int) -> None:
        self.url = f"http://127.0.0.1:{http}"
        self.tcp, self.udp = tcp, udp


def body_of(request: BaseHTTPRequestHandler) -> bytes:
    """A request's body, by its length or in chunks."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    body = b""
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def echo_handler(release: threading.Event) -> type[BaseHTTPRequestHandler]:
    """What the echo program does, as far as the agent can tell."""

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = body_of(self)
            match self.path:
                case "/slow":
                    release.wait(30)
                case "/garbage":
                    self.wfile.write(b"this is not HTTP\r\n\r\n")
                    self.close_connection = True
                    return
                case "/big":
                    self._answer(200, b"x" * 100_000)
                    return
                case "/moved":
                    self._answer(302, b"", Location="/elsewhere")
                    return
                case "/cookie":
                    self._answer(200, b"", **{"Set-Cookie": "backend=1"})
                    return
            self._answer(200, json.dumps(self._seen(body)).encode(), **{"X-Echo-Hostname": "loopback"})

        do_POST = do_GET  # noqa: N815  # the name that http.server calls
        log_message: Callable[..., None] = staticmethod(lambda *_: None)

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _seen(self, body: bytes) -> dict[str, Any]:
            host, port = self.client_address[:2]
            return {
                "hostname": "loopback",
                "ip": ["127.0.0.1"],
                "remoteAddr": f"{host}:{port}",
                "method": self.command,
                "url": self.path,
                "host": self.headers["Host"],
                "proto": self.request_version,
                "headers": {name: self.headers.get_all(name) for name in set(self.headers)},
                "bodyLength": len(body),
                "bodySha256": hashlib.sha256(body).hexdigest(),
            }

    return Echo


class TcpEcho(socketserver.StreamRequestHandler):
    """Answers only when the client has closed its sending half."""

    def handle(self) -> None:
        self.wfile.write(b"echo:" + self.rfile.read())


class UdpEcho(socketserver.BaseRequestHandler):
    """Answers each datagram but ``silence``."""

    def handle(self) -> None:
        data, endpoint = self.request
        if data != b"silence":
            endpoint.sendto(b"echo:" + data, self.client_address)


class TcpServer(socketserver.ThreadingTCPServer):
    """Its handlers must not keep the tests from ending."""

    daemon_threads = True


@contextmanager
def listening() -> Iterator[Loopback]:
    """All three, until the block ends."""
    release = threading.Event()
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), echo_handler(release)) as http,
        TcpServer(("127.0.0.1", 0), TcpEcho) as tcp,
        socketserver.UDPServer(("127.0.0.1", 0), UdpEcho) as udp,
    ):
        servers: tuple[socketserver.BaseServer, ...] = (http, tcp, udp)
        threads = [threading.Thread(target=each.serve_forever, args=(0.02,)) for each in servers]
        for thread in threads:
            thread.start()
        try:
            yield Loopback(http.server_port, tcp.server_address[1], udp.server_address[1])
        finally:
            release.set()
            for each in servers:
                each.shutdown()
            for thread in threads:
                thread.join()
