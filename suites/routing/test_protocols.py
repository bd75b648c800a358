"""Protocols beyond plain HTTP/1.1 through the mesh: HTTP/2, gRPC, WebSocket, and servers over TLS."""

import hashlib
import secrets
from typing import Final

import pytest

from fixtures.catalogue import requirement
from fixtures.pace import beside_direct
from fixtures.probe import Client
from fixtures.services import ServiceNamed
from fixtures.workloads import Echo
from meshproof.judge.crossing import went_around
from meshproof.judge.pace import held_back
from meshproof.mesh.certificates import Certificates
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Request
from meshproof.model.streams import GrpcCall, Message

EVERY_MS: Final = 500  # between two messages of the server: a hundred times what one takes through the mesh
MESSAGES: Final = 3
IDENTITY: Final = "X-Meshproof-Id"  # the echo servers count requests by this header


def other_than_a_proxy(call: GrpcCall, mesh: TraefikMesh) -> str | None:
    """Who called the server, where it was not a proxy of the mesh."""
    caller = (call.metadata("x-echo-remote") or "").rpartition(":")[0]
    named = call.metadata("x-echo-forwarded-server")
    crossed = any((named, caller) == (each.name, each.ip) for each in mesh.proxies())
    return None if crossed else f"{named!r} at {caller!r}, {call.code}: {call.details}"


@requirement("TM-ROUTE-019")
def test_client_speaks_http2_without_tls(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """A proxy takes HTTP/2 with prior knowledge, several requests over one connection."""
    requests = [client.request(echo.mesh_url("/?format=json"), http2=True, fresh=False) for _ in range(4)]

    exchanges = client.send(requests)

    assert [each.response and each.response.http_version for each in exchanges] == ["HTTP/2"] * 4
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]


@requirement("TM-ROUTE-020")
def test_server_is_spoken_to_in_h2c(
    client: Client, echo: Echo, protocol_service: ServiceNamed, mesh: TraefikMesh
) -> None:
    """A service with the scheme h2c is asked in HTTP/2; the same pods behind a service without it are not."""
    asked = client.get(protocol_service("server-h2c").mesh_url("/?format=json")).seen_by_server
    plain = client.get(echo.mesh_url("/?format=json")).seen_by_server

    assert went_around(asked, mesh.proxies()) is None
    assert (asked.proto, plain.proto) == ("HTTP/2.0", "HTTP/1.1")


@requirement("TM-ROUTE-021")
@pytest.mark.parametrize("size", [0, 5, 1_000_000], ids=lambda size: f"{size}B")
def test_grpc_message_comes_back(
    client: Client, protocol_service: ServiceNamed, mesh: TraefikMesh, size: int
) -> None:
    """A unary call's message reaches the server and comes back whole, with the status OK."""
    message = bytes(index % 251 for index in range(size))

    call = client.grpc(protocol_service("server-h2c").mesh_host, "Unary", message)

    assert (call.code, call.error) == ("OK", None)
    assert call.data == [message]
    assert other_than_a_proxy(call, mesh) is None


@requirement("TM-ROUTE-021")
@pytest.mark.parametrize(
    ("method", "code", "details"),
    [
        pytest.param("Fail", "FAILED_PRECONDITION", "this method always fails", id="failed"),
        pytest.param("None", "UNIMPLEMENTED", "no method /meshproof.v1.Echo/None", id="no-method"),
    ],
)
def test_grpc_status_comes_back(
    client: Client,
    protocol_service: ServiceNamed,
    mesh: TraefikMesh,
    method: str,
    code: str,
    details: str,
) -> None:
    """What a call ends with travels in trailers: the server's code and its words reach the client."""
    call = client.grpc(protocol_service("server-h2c").mesh_host, method, b"a")

    assert (call.code, call.details) == (code, details)
    assert other_than_a_proxy(call, mesh) is None


@requirement("TM-ROUTE-022")
def test_grpc_server_stream_is_not_held_back(
    client: Client, protocol_service: ServiceNamed, mesh: TraefikMesh
) -> None:
    """Each message of the server is with the client before the server sends the next."""
    service = protocol_service("server-h2c")
    asked = f"{MESSAGES} {EVERY_MS}".encode()

    def streamed(host: str) -> GrpcCall:
        return client.grpc(host, "ServerStream", asked, kind="server_stream")

    def times(call: GrpcCall) -> list[float]:
        return [each.at_ms for each in call.messages]

    call = beside_direct(
        lambda: streamed(service.mesh_host),
        lambda: streamed(service.direct_host),
        times_ms=times,
        every_ms=EVERY_MS,
    )

    assert call.data == [str(number).encode() for number in range(MESSAGES)], call.error
    assert held_back(times(call), EVERY_MS) == []
    assert other_than_a_proxy(call, mesh) is None


@requirement("TM-ROUTE-022")
def test_grpc_client_stream_arrives_whole(
    client: Client, protocol_service: ServiceNamed, mesh: TraefikMesh
) -> None:
    """The server got all messages of the client, in order, and one answer comes back."""
    messages = [f"message {number}".encode() for number in range(20)]

    call = client.grpc(
        protocol_service("server-h2c").mesh_host, "ClientStream", *messages, kind="client_stream"
    )

    assert call.data == [f"20 {hashlib.sha256(b''.join(messages)).hexdigest()}".encode()], call.error
    assert other_than_a_proxy(call, mesh) is None


@requirement("TM-ROUTE-022")
def test_grpc_dialogue_goes_back_and_forth(
    client: Client, protocol_service: ServiceNamed, mesh: TraefikMesh
) -> None:
    """In one call each message is answered before the next is sent: neither direction waits for its end."""
    messages = [f"message {number}".encode() for number in range(5)]

    call = client.grpc(protocol_service("server-h2c").mesh_host, "Bidi", *messages, kind="bidi")

    assert (call.code, call.data) == ("OK", messages), call.error
    assert other_than_a_proxy(call, mesh) is None


@requirement("TM-ROUTE-023")
def test_websocket_carries_both_kinds_both_ways(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """After the upgrade text and bytes go both ways unchanged, and the close code comes back."""
    messages = [
        Message(data="Grüße".encode()),
        Message(data=b"\x00\xff" * 50_000, kind="binary"),
        Message(data=b""),
    ]

    talk = client.websocket(
        echo.mesh_url("/ws").replace("http:", "ws:"),
        messages,
        subprotocols=["left", "right"],
        close_code=4001,
    )

    assert talk.status == 101, talk.error
    assert went_around(talk.seen_by_server, mesh.proxies()) is None
    assert ("sec-websocket-protocol", "left") in talk.headers
    assert [(each.data, each.kind) for each in talk.messages] == [(each.data, each.kind) for each in messages]
    assert talk.close_code == 4001


@requirement("TM-ROUTE-030")
def test_server_over_tls_is_reached(
    client: Client, protocol_service: ServiceNamed, certificates: Certificates, mesh: TraefikMesh
) -> None:
    """A service with the scheme https is reached over TLS where the proxies trust who signed for it."""
    del certificates

    seen = client.get(protocol_service("secured").mesh_url("/?format=json")).seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert seen.tls


@requirement("TM-ROUTE-035")
def test_certificate_for_the_services_names_is_accepted(
    client: Client, protocol_service: ServiceNamed, certificates: Certificates, mesh: TraefikMesh
) -> None:
    """A certificate that names the Service, as certificates do, serves for each of its pods."""
    del certificates

    seen = client.get(protocol_service("named").mesh_url("/?format=json")).seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert seen.tls


@requirement("TM-ROUTE-031")
def test_server_with_a_strangers_certificate_is_refused(
    client: Client, protocol_service: ServiceNamed, certificates: Certificates
) -> None:
    """Signed by somebody whom the proxies do not know: an error for the client, nothing for the server."""
    del certificates
    plain = protocol_service("unverified-plain")
    over_tls, past_it = (f"{way}-{secrets.token_hex(4)}" for way in ("over-tls", "plain"))

    def identified(url: str, identity: str) -> Request:
        return client.request(url, headers=[(IDENTITY, identity)])

    refused, control = client.send(
        [
            identified(protocol_service("unverified").mesh_url("/?format=json"), over_tls),
            identified(plain.direct_url("/?format=json"), past_it),
        ]
    )
    counted = [
        each.response and each.response.body
        for each in client.send(
            [client.request(plain.direct_url(f"/count/{name}")) for name in (over_tls, past_it)]
        )
    ]

    assert control.status == 200
    assert refused.status in range(500, 600), refused.told()
    assert counted == [b'{"count":0}\n', b'{"count":1}\n']
