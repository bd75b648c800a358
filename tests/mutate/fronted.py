"""A server that tells what it was asked, and what asks it through a front."""

import http.client
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from meshproof.engine.waiting import Look, eventually
from meshproof.mutate.front import Listeners
from meshproof.mutate.front_behaviours import Behaviour

__all__ = ["PROXY", "Answer", "Ask", "Echo", "exchanged", "header", "heard_of"]

HEARD_S = 5.0  # some milliseconds on an idle machine
PROXY = "127.0.0.22"  # another loopback address than the front's


class Echo(BaseHTTPRequestHandler):
    """Tells what it got; a body in chunks with its trailers, as they came."""

    protocol_version = "HTTP/1.1"
    seen: int

    def answer(self) -> None:
        type(self).seen += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        while "Transfer-Encoding" in self.headers and not body.endswith(b"\r\n\r\n"):
            body += self.rfile.readline()
        told = json.dumps(
            {
                "method": self.command,
                "target": self.path,
                "headers": self.headers.items(),
                "body": body.decode("latin-1"),
                "remoteAddr": f"{self.client_address[0]}:{self.client_address[1]}",
            }
        ).encode()
        self.send_response({"/fails": 500, "/makes": 201}.get(self.path, 200))
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Own", "1")
        self.send_header("Trailer", "X-Sum")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told)

    do_GET = do_HEAD = do_POST = do_DELETE = answer  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass


def heard_of(times: int) -> None:
    """The server is asked so many times: the last may come after the answer to the first is there."""

    def look() -> Look[None]:
        return Look(met=Echo.seen == times, value=None, seen=f"{Echo.seen} times")

    eventually(look, what=f"the server is asked {times} times", within=HEARD_S, every=0.01)


Answer = tuple[int, dict[str, Any] | bytes]
Ask = Callable[..., Answer]


def exchanged(server: str, behaviour: Behaviour, method: str, target: str, **more: Any) -> Any:
    """The answer through a front of this behaviour, read to its end."""
    port = Listeners(behaviour).port_for(server)
    assert port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=(PROXY, 0))
    connection.request(method, target, **more)
    answer = connection.getresponse()
    answer.told = answer.read()  # type: ignore[attr-defined]  # for the tests alone
    connection.close()
    return answer


def header(told: dict[str, Any] | bytes, name: str) -> list[str]:
    assert isinstance(told, dict)
    return [value for each, value in told["headers"] if each.lower() == name.lower()]
