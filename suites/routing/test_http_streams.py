"""Bodies through the mesh that come piece by piece, carry trailers, or are not there at all."""

import hashlib
from typing import Final

import msgspec
import pytest

from fixtures.catalogue import requirement
from fixtures.pace import beside_direct
from fixtures.probe import Client
from fixtures.workloads import Echo
from meshproof.judge.crossing import went_around
from meshproof.judge.pace import held_back, whole_at
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import SeenByServer
from meshproof.model.raw_http import raw_request
from meshproof.model.streams import EventStream
from meshproof.observe.counters import Counters

EVERY_MS: Final = 500  # between two parts of the server: a hundred times what one takes through the mesh
PARTS: Final = 3
PART: Final = 65_536  # bytes, twice a buffer of the proxy's


def counted(client: Client, echo: Echo, counters: Counters, path: str) -> EventStream:
    """A stream through the mesh: the proxies' counters say that it was one."""
    before = counters.scrape()
    stream = client.events(echo.mesh_url(path))
    assert counters.settled(before, echo.label, expected=1).total == 1
    return stream


@requirement("TM-ROUTE-024")
def test_events_arrive_one_by_one(client: Client, echo: Echo, counters: Counters) -> None:
    """Each Server-Sent Event is with the client before the server sends the next."""
    path = f"/sse?count={PARTS}&every={EVERY_MS}"

    def times(stream: EventStream) -> list[float]:
        return [each.at_ms for each in stream.arrivals]

    stream = beside_direct(
        lambda: counted(client, echo, counters, path),
        lambda: client.events(echo.direct_url(path)),
        times_ms=times,
        every_ms=EVERY_MS,
    )

    assert stream.data == [str(number) for number in range(PARTS)], stream.error
    assert held_back(times(stream), EVERY_MS) == []


@requirement("TM-ROUTE-025")
def test_response_trailers_come_back(client: Client, echo: Echo, counters: Counters) -> None:
    """Trailers that the server announced are announced to the client, and follow the body."""
    asked = raw_request("/trailers?parts=3", [f"Host: {echo.mesh_host}", "Connection: close"])

    before = counters.scrape()
    received = client.tcp(echo.mesh_host, 80, asked, half_close=False).received

    assert counters.settled(before, echo.label, expected=1).total == 1
    head, _, rest = received.partition(b"\r\n\r\n")
    chunks, _, trailers = rest.partition(b"\r\n0\r\n")
    body = b"".join(chunks.split(b"\r\n")[1::2])
    assert b"\r\nTrailer: X-Echo-Trailer\r\n" in head + b"\r\n", received
    assert body == b"0" * 16 + b"1" * 16 + b"2" * 16
    assert trailers == b"X-Echo-Trailer: " + hashlib.sha256(body).hexdigest().encode() + b"\r\n\r\n"


@requirement("TM-ROUTE-034")
def test_request_trailers_arrive(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """Trailers that the client announced reach the server, after a body that arrives whole."""
    head = [
        "POST /?format=json HTTP/1.1",
        f"Host: {echo.mesh_host}",
        "Transfer-Encoding: chunked",
        "Trailer: X-Checksum",
        "Connection: close",
    ]
    sent = "\r\n".join([*head, "", "5", "hello", "0", "X-Checksum: 5d41402a", "", ""])

    answer = client.tcp(echo.mesh_host, 80, sent.encode(), half_close=False).received

    seen = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=SeenByServer)
    assert went_around(seen, mesh.proxies()) is None
    assert seen.body_length == 5
    assert seen.trailers == {"X-Checksum": ["5d41402a"]}


@requirement("TM-ROUTE-026")
@pytest.mark.parametrize("http2", [pytest.param(False, id="HTTP/1.1"), pytest.param(True, id="h2c")])
@pytest.mark.parametrize("size", [1, 100_000, 5_000_000], ids=lambda size: f"{size}B")
def test_body_of_unknown_length_arrives_whole(
    client: Client,
    echo: Echo,
    mesh: TraefikMesh,
    size: int,
    http2: bool,  # noqa: FBT001  # a table's column
) -> None:
    """A body whose length was not told first reaches the server to the last byte."""
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    request = client.request(
        echo.mesh_url("/?format=json"), method="POST", body=body, chunked=True, http2=http2
    )

    seen = client.send([request])[0].seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert (seen.body_length, seen.body_sha256) == (size, hashlib.sha256(body).hexdigest())
    assert seen.header("Content-Length") is None


@requirement("TM-ROUTE-027")
def test_answers_without_a_body_keep_the_connection(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """After HEAD, 204 and 304 the next request over the same connection gets its own answer."""
    url = echo.mesh_url
    requests = [
        client.request(url("/bytes/1000"), method="HEAD", fresh=False),
        client.request(url("/status/204"), fresh=False),
        client.request(url("/status/304"), fresh=False),
        client.request(url("/?format=json"), fresh=False),
    ]

    exchanges = client.send(requests, concurrency=1)

    responses = [each.response for each in exchanges]
    assert [each and (each.status, each.body_length) for each in responses[:3]] == [
        (200, 0),
        (204, 0),
        (304, 0),
    ]
    assert responses[0] is not None
    assert responses[0].header("Content-Length") == "1000"
    assert went_around(exchanges[3].seen_by_server, mesh.proxies()) is None
    assert [each.timing.connect_ms for each in exchanges[1:]] == [None] * 3, "the connection was not kept"


@requirement("TM-ROUTE-032")
def test_large_response_is_not_held_back(client: Client, echo: Echo, counters: Counters) -> None:
    """Each part of a large and slow body is with the client before the server sends the next."""
    path = f"/trailers?parts={PARTS}&every={EVERY_MS}&bytes={PART}"

    def times(stream: EventStream) -> list[float]:
        return whole_at(((each.at_ms, len(each.data)) for each in stream.arrivals), PART)

    stream = beside_direct(
        lambda: counted(client, echo, counters, path),
        lambda: client.events(echo.direct_url(path)),
        times_ms=times,
        every_ms=EVERY_MS,
    )

    assert stream.status == 200, stream.error
    assert len(times(stream)) == PARTS
    assert held_back(times(stream), EVERY_MS) == []
