"""Exchanges made of values."""

import json
from typing import Any

from meshproof.model.exchange import Exchange, Failure, FailureKind, Request, Response, Timing

SEEN: dict[str, Any] = {
    "hostname": "server-1",
    "ip": ["10.244.0.9"],
    "remoteAddr": "10.244.0.5:41234",
    "method": "GET",
    "url": "/a?b=c",
    "host": "server.demo.traefik.mesh",
    "proto": "HTTP/1.1",
    "headers": {"X-Forwarded-Server": ["proxy-1"], "X-Many": ["a", "b"]},
    "bodyLength": 0,
    "bodySha256": "e3b0",
}


def seen_body(**changes: Any) -> bytes:
    """What the echo server answers, with some of it changed."""
    return json.dumps({**SEEN, **changes}).encode()


def an_exchange(*, response: Response | None = None, failure: FailureKind | None = None) -> Exchange:
    """An exchange that ended so."""
    return Exchange(
        request=Request(id="1", url="http://server/a"),
        timing=Timing(started_at=0, connect_ms=None, first_byte_ms=None, total_ms=1.25),
        response=response,
        failure=Failure(kind=failure, text="its words") if failure else None,
    )


def a_response(body: bytes, *, status: int = 200, echo: bool = True) -> Response:
    """A response, the echo server's unless told otherwise."""
    return Response(
        status=status,
        http_version="HTTP/1.1",
        headers=[("Content-Type", "text/plain"), *([("x-echo-hostname", "server-1")] if echo else [])],
        body=body,
        body_length=len(body),
        body_sha256="",
        peer="10.96.0.1",
    )


def echoed(**changes: Any) -> Exchange:
    """An exchange that reached the echo server, with some of what it saw changed."""
    return an_exchange(response=a_response(seen_body(**changes)))
