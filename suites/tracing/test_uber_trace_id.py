"""Trace headers in Jaeger's form, as the server sees them."""

from typing import Final

import pytest

from fixtures.catalogue import requirement
from fixtures.probe import Client
from fixtures.workloads import Echo
from meshproof.model.exchange import Exchange
from meshproof.model.uber_trace_id import HEADER, UberTraceId

SAMPLE: Final = 40  # requests: enough for a proxy that samples nine of ten
MALFORMED: Final = [
    pytest.param("not-a-trace", id="no-form"),
    pytest.param("0:0:0:1", id="zero-ids"),
    pytest.param("1234:5678:9abc", id="part-missing"),
    pytest.param("xyz:1:0:1", id="not-hexadecimal"),
    pytest.param("f" * 4000, id="oversized"),
]


def trace_seen(exchange: Exchange) -> UberTraceId:
    """The context that reached the server; no header, or one of another form, fails the check."""
    value = exchange.seen_by_server.header(HEADER)
    assert value is not None, f"no {HEADER} reached the server"
    try:
        return UberTraceId.parse(value)
    except ValueError as error:
        raise AssertionError(f"the server got a {HEADER} that is none: {error}") from error


@requirement("TM-TRACE-001")
def test_proxy_starts_a_trace(client: Client, echo: Echo) -> None:
    """A request without a trace gets a sampled one of its own."""
    requests = [client.request(echo.mesh_url("/?format=json")) for _ in range(SAMPLE)]

    traces = [trace_seen(each) for each in client.send(requests)]

    assert all(each.sampled for each in traces)
    assert len({each.trace_id for each in traces}) == len(requests)


@requirement("TM-TRACE-002")
def test_proxy_continues_the_callers_trace(client: Client, echo: Echo) -> None:
    """A request that carries a trace keeps its trace id through the proxy and gets a new span id."""
    sent = UberTraceId.new()

    seen = trace_seen(client.get(echo.mesh_url("/?format=json"), headers=sent.headers()))

    assert seen.trace_id == sent.trace_id
    assert seen.span_id != sent.span_id
    assert seen.sampled


@requirement("TM-TRACE-003")
def test_unsampled_trace_stays_unsampled(client: Client, echo: Echo) -> None:
    """A caller that decided not to sample is not overruled."""
    sent = UberTraceId.new(sampled=False)

    seen = trace_seen(client.get(echo.mesh_url("/?format=json"), headers=sent.headers()))

    assert seen.trace_id == sent.trace_id
    assert seen.span_id != sent.span_id
    assert not seen.sampled


@requirement("TM-TRACE-004")
@pytest.mark.parametrize("header", MALFORMED)
def test_malformed_trace_is_replaced(client: Client, echo: Echo, header: str) -> None:
    """A header that is no trace hurts nobody: the request is served, under a trace of its own."""
    exchange = client.get(echo.mesh_url("/?format=json"), headers=[(HEADER, header)])

    assert exchange.status == 200
    assert exchange.seen_by_server.header(HEADER) != header
    assert trace_seen(exchange).sampled


@requirement("TM-TRACE-005")
def test_only_the_mesh_adds_a_trace(client: Client, echo: Echo) -> None:
    """The direct way adds no trace header, and leaves one that is there alone."""
    sent = UberTraceId.new()

    bare = client.get(echo.direct_url("/?format=json"))
    carried = client.get(echo.direct_url("/?format=json"), headers=sent.headers())
    meshed = client.get(echo.mesh_url("/?format=json"))

    assert bare.seen_by_server.header(HEADER) is None
    assert carried.seen_by_server.header(HEADER) == str(sent)
    assert trace_seen(meshed).sampled


@requirement("TM-TRACE-006")
def test_long_trace_id_is_kept_whole(client: Client, echo: Echo) -> None:
    """All 128 bits of a trace id reach the server."""
    sent = UberTraceId.new(bits=128)

    seen = trace_seen(client.get(echo.mesh_url("/?format=json"), headers=sent.headers()))

    assert seen.trace_id == sent.trace_id
    assert seen.span_id != sent.span_id


@requirement("TM-TRACE-007")
def test_baggage_travels_with_the_trace(client: Client, echo: Echo) -> None:
    """What the caller attached to its trace is still attached at the server."""
    sent = UberTraceId.new()

    baggage = {"uberctx-customer": "42", "uberctx-trial": "blue"}

    exchange = client.get(echo.mesh_url("/?format=json"), headers=[*sent.headers(), *baggage.items()])

    seen = trace_seen(exchange)
    assert seen.trace_id == sent.trace_id
    assert seen.span_id != sent.span_id
    assert {name: exchange.seen_by_server.header(name) for name in baggage} == baggage
