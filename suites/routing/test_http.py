"""HTTP through the mesh: it gets there, whole, and comes back whole."""

import hashlib
from typing import Final

import pytest

from fixtures.catalogue import requirement
from fixtures.probe import Client, Metered
from fixtures.wire import IDENTITY, Wire, new_identity
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import backends, evenness, went_around
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.raw_http import raw_request, raw_responses

SAMPLE: Final = 40  # requests: twenty turns of a balancer over two replicas
PAUSE_MS: Final = 100.0  # between a request's head and its body: the interim answer takes a few milliseconds
METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
BODY_SIZES: Final = [0, 1, 1_000, 65_536, 1_000_000, 10_000_000]


@requirement("TM-ROUTE-001")
def test_request_crosses_a_proxy(metered: Metered, client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """All witnesses agree that a request to a mesh name went through a proxy of the mesh."""
    requests = [client.request(echo.mesh_url("/?format=json")) for _ in range(4)]

    exchanges, movement = metered.send(requests, service=echo.label, expected=4)

    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]
    assert movement.total == 4


@requirement("TM-ROUTE-002")
def test_direct_request_stays_direct(metered: Metered, client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """The plain name leads to the plain service: the mesh neither touches nor counts the request."""
    requests = [client.request(echo.direct_url("/?format=json")) for _ in range(4)]

    exchanges, movement = metered.send(requests, service=echo.label, expected=0)

    proxies = {each.ip for each in mesh.proxies()}
    for seen in (each.seen_by_server for each in exchanges):
        assert not [name for name in seen.headers if name.lower().startswith(("x-forwarded", "x-real"))]
        assert seen.remote_ip not in proxies
    assert movement.total == 0


@requirement("TM-ROUTE-003")
def test_requests_are_spread_evenly(
    metered: Metered, client: Client, echo: Echo, workloads: Workloads, mesh: TraefikMesh
) -> None:
    """Every ready replica gets its share, and nobody else gets any."""
    requests = [client.request(echo.mesh_url("/?format=json")) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=echo.label, expected=SAMPLE)

    assert movement.reloads == 0, "a proxy reloaded twice while the sample was taken"
    assert movement.total == SAMPLE
    replicas = [each.name for each in workloads.pods("server") if each.ready]
    assert evenness(backends(exchanges), replicas, proxies=len(mesh.proxies())) is None


@requirement("TM-ROUTE-005")
@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/a/b/c", id="plain"),
        pytest.param("/a%20b/%C3%A9?q=%26%3D&empty=&twice=1&twice=2", id="encoded"),
        pytest.param("/a%2fb/%c3%a9?q=%26%3d", id="encoded-in-small-letters"),
        pytest.param("/a//b/c", id="empty-segment"),
        pytest.param("/" + "x" * 2000, id="long"),
    ],
)
def test_path_and_query_arrive_as_sent(client: Client, echo: Echo, mesh: TraefikMesh, target: str) -> None:
    """The target reaches the server to the letter."""
    sent = f"{target}{'&' if '?' in target else '?'}format=json"

    exchange = client.get(echo.mesh_url(sent))

    assert went_around(exchange.seen_by_server, mesh.proxies()) is None
    assert exchange.seen_by_server.url == sent


@requirement("TM-ROUTE-006")
@pytest.mark.parametrize("method", METHODS)
def test_method_is_passed_on(metered: Metered, client: Client, echo: Echo, method: str) -> None:
    """The server sees the method that was sent, which it tells in a header: HEAD has no body."""
    request = client.request(echo.mesh_url("/?format=json"), method=method)

    exchanges, movement = metered.send([request], service=echo.label, expected=1)

    response = exchanges[0].response
    assert response is not None, exchanges[0].told()
    assert response.status == 200
    assert response.header("X-Echo-Method") == method
    assert movement.requests == {("200", method): 1}


@requirement("TM-ROUTE-006")
def test_preflight_request_is_passed_on(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """A browser's question before a request from another site is the server's to answer, not the proxy's."""
    question = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "PUT"}
    request = client.request(echo.mesh_url("/?format=json"), method="OPTIONS", headers=[*question.items()])

    seen = client.send([request])[0].seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert seen.method == "OPTIONS"
    assert {name: seen.header(name) for name in question} == question


@requirement("TM-ROUTE-091")
@pytest.mark.parametrize("method", METHODS)
def test_request_arrives_once(client: Client, echo: Echo, workloads: Workloads, method: str) -> None:
    """All servers together have seen a request once."""
    identity = new_identity()

    client.send([client.request(echo.mesh_url("/"), method=method, headers=[(IDENTITY, identity)])])

    assert Wire(client, echo, workloads).times_seen(identity) == {identity: 1}


@requirement("TM-ROUTE-007")
@pytest.mark.parametrize("size", BODY_SIZES, ids=lambda size: f"{size}B")
def test_body_arrives_unchanged(client: Client, echo: Echo, mesh: TraefikMesh, size: int) -> None:
    """The server read the very bytes that the client sent."""
    body = bytes(index % 251 for index in range(1024)) * (size // 1024 + 1)
    request = client.request(echo.mesh_url("/?format=json"), method="POST", body=body[:size])

    seen = client.send([request])[0].seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert seen.body_length == size
    assert seen.body_sha256 == hashlib.sha256(body[:size]).hexdigest()


@requirement("TM-ROUTE-008")
@pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 404, 429, 500, 503])
def test_status_comes_back(
    metered: Metered, client: Client, echo: Echo, workloads: Workloads, status: int
) -> None:
    """The client gets the status that the server answered, and the server's own answer with it."""
    request = client.request(echo.mesh_url(f"/status/{status}"))

    exchanges, movement = metered.send([request], service=echo.label, expected=1)

    response = exchanges[0].response
    assert response is not None, exchanges[0].told()
    assert response.status == status
    replicas = {each.name for each in workloads.pods("server")}
    assert response.header("X-Echo-Hostname") in replicas, "the answer is not the server's own"
    assert movement.requests == {(str(status), "GET"): 1}


@requirement("TM-ROUTE-008")
def test_body_comes_back_unchanged(metered: Metered, client: Client, echo: Echo) -> None:
    """A megabyte is the same through the mesh as without it, and not packed for a client that unpacks."""
    unpacks = [("Accept-Encoding", "gzip, deflate, br, zstd")]
    ways = (echo.mesh_url, echo.direct_url)
    requests = [client.request(url("/bytes/1000000"), headers=unpacks) for url in ways]

    exchanges, movement = metered.send(requests, service=echo.label, expected=1)

    meshed, direct = (each.response for each in exchanges)
    assert meshed is not None, exchanges[0].told()
    assert direct is not None, exchanges[1].told()
    assert meshed.body_length == 1_000_000
    assert meshed.body_sha256 == direct.body_sha256
    for name in ("Content-Encoding", "Content-Length"):
        assert meshed.header(name) == direct.header(name)
    assert movement.requests == {("200", "GET"): 1}


@requirement("TM-ROUTE-012")
def test_second_port_is_reachable(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """A service's other ports lead through the mesh as its first does."""
    seen = client.get(echo.mesh_url("/?format=json", port=8081)).seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert seen.header("X-Forwarded-Port") == "8081"


@requirement("TM-ROUTE-015")
def test_large_header_arrives_whole(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """Eight kibibytes of one header reach the server."""
    value = "0123456789abcdef" * 512

    seen = client.get(echo.mesh_url("/?format=json"), headers=[("X-Large", value)]).seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert seen.header("X-Large") == value


@requirement("TM-ROUTE-018")
def test_kept_connection_is_balanced(
    metered: Metered, client: Client, echo: Echo, workloads: Workloads, mesh: TraefikMesh
) -> None:
    """Requests one after another over a pooled connection take turns between the replicas."""
    requests = [client.request(echo.mesh_url("/?format=json"), fresh=False) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=echo.label, expected=SAMPLE, concurrency=1)

    connected = [each for each in exchanges if each.timing.connect_ms is not None]
    assert len(connected) <= 1, "the connection was not kept: the proxy closed it"
    assert movement.reloads == 0, "a proxy reloaded twice while the sample was taken"
    replicas = [each.name for each in workloads.pods("server") if each.ready]
    assert evenness(backends(exchanges), replicas, proxies=len(mesh.proxies())) is None


@requirement("TM-ROUTE-055")
def test_client_that_expects_continue_is_told(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """A client that asks before it sends its body hears 100, and the body arrives."""
    head = [f"Host: {echo.mesh_host}", "Content-Length: 5", "Expect: 100-continue"]
    asked = raw_request("/?format=json", [*head, "Connection: close"], method="POST")

    interim = client.tcp(echo.mesh_host, 80, asked, half_close=False, until=b"\r\n\r\n")
    whole = client.tcp(echo.mesh_host, 80, asked, b"hello", half_close=False, pause_ms=PAUSE_MS)

    answers = raw_responses(whole.received)
    assert interim.received.startswith(b"HTTP/1.1 100 Continue\r\n"), interim
    assert [each.status for each in answers] == [200]
    seen = answers[0].seen
    assert seen is not None
    assert went_around(seen, mesh.proxies()) is None
    assert seen.body_sha256 == hashlib.sha256(b"hello").hexdigest()


@requirement("TM-ROUTE-056")
def test_many_headers_arrive_in_their_order(client: Client, echo: Echo, mesh: TraefikMesh) -> None:
    """A hundred headers reach the server, and one that is given several times keeps its values' order."""
    many = [(f"X-Many-{number}", f"value {number}") for number in range(100)]
    values = ["c", "a", "b", "a"]

    seen = client.get(
        echo.mesh_url("/?format=json"), headers=[*many, *(("X-Again", each) for each in values)]
    ).seen_by_server

    assert went_around(seen, mesh.proxies()) is None
    assert [(name, seen.header(name)) for name, _ in many] == many
    assert [each for name, found in seen.headers.items() if name == "X-Again" for each in found] == values
