"""A small API server on loopback: answers from a table, writes down what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it arrived; ``target`` with its query, as on the wire."""

    method: str
    target: str
    content_type: str | None
    body: Any


class ApiServer:
    """``answers`` are by target without its query; what is not there is answered 404."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []

    def gives(self, path: str, document: Any, status: int = 200) -> None:
        """Answer ``path`` with JSON."""
        self.answers[path] = (status, json.dumps(document).encode())


@contextmanager
def serving() -> Iterator[ApiServer]:
    """The server, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(
                method=self.command,
                target=self.path,
                content_type=self.headers.get("Content-Type"),
                body=json.loads(body) if body else None,
            )
            server.asked.append(asked)
            missing = (404, b'{"kind": "Status", "message": "not found"}')
            status, answer = server.answers.get(self.path.partition("?")[0], missing)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        log_message: Callable[..., None] = staticmethod(lambda *_: None)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        server = ApiServer(httpd.server_port)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            httpd.shutdown()
            thread.join()


def a_node(name: str, *, ready: str | None = "True") -> dict[str, Any]:
    """A node as the API lists it; with ``ready`` None it has no conditions yet."""
    conditions = [{"type": "MemoryPressure", "status": "False"}]
    if ready:
        conditions.append({"type": "Ready", "status": ready, "message": "the kubelet's words"})
    info = {
        "kubeletVersion": "v1.34.1",
        "containerRuntimeVersion": "containerd://2.1.0",
        "osImage": "Debian",
        "kernelVersion": "6.1",
    }
    return {
        "metadata": {"name": name},
        "status": {"nodeInfo": info, **({"conditions": conditions} if ready else {})},
    }
