"""What a real Jaeger gets of a request, found by its trace id."""

from collections.abc import Sequence
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.observability import Collector
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.spans import entry_of, not_one_tree, not_sane_times
from meshproof.model.exchange import Exchange, Request
from meshproof.model.uber_trace_id import HEADER, UberTraceId
from meshproof.observe.jaeger import Jaeger
from meshproof.probe.client import Probe

pytestmark = profile("observed")

SPANS: Final = 2  # of a request that is forwarded: the entry point's, and that of the call to the server
DELAY_MS: Final = 40  # the server's own time: far above what a proxy adds
BACK_S: Final = 45.0  # the proxies look their collector's name up again every 30 s
GONE_S: Final = 20.0  # the pod is told to stop, and has 2 s to


def trace_seen(exchange: Exchange) -> UberTraceId:
    """The context that the server got."""
    value = exchange.seen_by_server.header(HEADER)
    assert value is not None, f"no {HEADER} reached the server"
    return UberTraceId.parse(value)


@requirement("TM-TRACE-008")
def test_spans_arrive_under_the_meshs_name(client: Client, echo: Echo, collector: Collector) -> None:
    """What a proxy did for a request is in the collector soon, under the name that the mesh was given."""
    exchange = client.get(echo.mesh_url("/?format=json"))

    trace = collector.trace(trace_seen(exchange).trace_id, spans=SPANS)

    assert {each.service for each in trace.spans} == {"traefik-mesh"}


@requirement("TM-TRACE-009")
def test_spans_tell_the_request(client: Client, echo: Echo, collector: Collector) -> None:
    """Method, host, path with query, and status stand in every span of the request."""
    sent = UberTraceId.new()
    path = "/status/404?format=json&question=why"
    client.send([client.request(echo.mesh_url(path), method="POST", headers=sent.headers())])

    trace = collector.trace(sent.trace_id, spans=SPANS)

    for span in trace.spans:
        assert span.tags["http.method"] == "POST"
        assert span.tags["http.status_code"] in {404, "404"}
        assert str(span.tags["http.url"]).endswith(path)
        assert span.tags["http.host"] == echo.mesh_host


@requirement("TM-TRACE-010")
def test_callers_span_is_the_parent(client: Client, echo: Echo, collector: Collector) -> None:
    """The proxy's first span hangs below the caller's."""
    sent = UberTraceId.new(bits=128)
    client.get(echo.mesh_url("/"), headers=sent.headers())

    trace = collector.trace(sent.trace_id, spans=SPANS)

    assert entry_of(trace).parent_id == sent.span_id


@requirement("TM-TRACE-011")
def test_errors_are_marked(client: Client, echo: Echo, collector: Collector) -> None:
    """A server's error marks every span of its request; a success, or the client's own error, marks none."""
    sent = {status: UberTraceId.new() for status in (200, 404, 500, 503)}
    client.send(
        [
            client.request(echo.mesh_url(f"/status/{status}"), headers=each.headers())
            for status, each in sent.items()
        ]
    )

    traces = {status: collector.trace(each.trace_id, spans=SPANS) for status, each in sent.items()}

    marked = {status: [span.failed for span in trace.spans] for status, trace in traces.items()}
    assert marked == {200: [False] * 2, 404: [False] * 2, 500: [True] * 2, 503: [True] * 2}


@requirement("TM-TRACE-012")
def test_spans_form_one_tree(client: Client, echo: Echo, collector: Collector) -> None:
    """The entry point's span comes first, the call to the service below it, at times that fit the request."""
    sent = UberTraceId.new()
    requests = [
        client.request(echo.mesh_url(f"/delay/{DELAY_MS}?format=json"), headers=headers)
        for headers in (sent.headers(), [])
    ]

    continued, started = client.send(requests)

    for exchange, below in ((continued, sent.span_id), (started, None)):
        trace = collector.trace(trace_seen(exchange).trace_id, spans=SPANS)
        began = exchange.timing.started_at
        ended = began + exchange.timing.total_ms / 1000
        assert not_one_tree(trace, below=below) is None
        assert not_sane_times(trace, began=began, ended=ended, server_s=DELAY_MS / 1000) is None
        entry, call = trace.spans
        assert (entry.kind, call.kind) == ("server", "client")
        assert call.tags["traefik.router.name"] == echo.label
        assert call.tags["traefik.service.name"] == echo.label.removesuffix("@http")


@requirement("TM-TRACE-013")
def test_unsampled_trace_leaves_no_span(client: Client, echo: Echo, collector: Collector) -> None:
    """Once a sampled request that came later has arrived, nothing of the unsampled ones before it has."""
    unsampled = [UberTraceId.new(sampled=False) for _ in range(4)]
    client.send([client.request(echo.mesh_url("/"), headers=each.headers()) for each in unsampled])
    later = UberTraceId.new()
    client.get(echo.mesh_url("/"), headers=later.headers())

    collector.trace(later.trace_id, spans=SPANS)

    assert not [each for each in unsampled if collector.knows(each.trace_id)]


@requirement("TM-TRACE-014")
def test_server_is_told_a_span_of_the_proxy(client: Client, echo: Echo, collector: Collector) -> None:
    """The span under which the server would hang its own is the proxy's call to it."""
    exchange = client.get(echo.mesh_url("/?format=json"), headers=UberTraceId.new().headers())
    seen = trace_seen(exchange)

    trace = collector.trace(seen.trace_id, spans=SPANS)

    assert [each.span_id for each in trace.of_kind("client")] == [seen.span_id]


@pytest.fixture(scope="module")
def sent_without_a_collector(
    probe: Probe, routed: float, echo: Echo, monitoring: Workloads
) -> Sequence[Exchange]:
    """Requests that were sent while no collector ran; it is there again."""
    del routed
    url = echo.mesh_url("/?format=json")
    requests = [
        Request(id=str(number), url=url, headers=UberTraceId.new().headers(), timeout_s=5.0)
        for number in range(8)
    ]

    def gone() -> Look[None]:
        there = [each.name for each in monitoring.pods("jaeger")]
        return Look(met=not there, value=None, seen=f"still there: {there}")

    monitoring.scale("jaeger", 0)
    try:
        eventually(gone, what="the collector is gone", within=GONE_S)
        return probe.send(requests)
    finally:
        monitoring.scale("jaeger", 1)
        monitoring.wait_ready("jaeger")


@requirement("TM-TRACE-015")
@stage("change")
def test_traffic_does_not_need_the_collector(
    sent_without_a_collector: Sequence[Exchange], collector: Collector, evidence: Facts
) -> None:
    """Without a collector every request is answered and carries its trace; its spans are missing, no more."""
    for exchange in sent_without_a_collector:
        evidence.record_exchange(exchange.facts())

    assert [each.status for each in sent_without_a_collector] == [200] * len(sent_without_a_collector)
    for exchange in sent_without_a_collector:
        sent = UberTraceId.parse(dict(exchange.request.headers)[HEADER])
        assert trace_seen(exchange).trace_id == sent.trace_id
        assert trace_seen(exchange).span_id != sent.span_id
        assert not collector.knows(sent.trace_id)


@requirement("TM-TRACE-016")
@stage("change")
def test_spans_come_again_with_the_collector(
    sent_without_a_collector: Sequence[Exchange], client: Client, echo: Echo, jaeger: Jaeger, evidence: Facts
) -> None:
    """Once a collector is back the proxies find it by themselves: spans of what is sent then arrive."""
    assert sent_without_a_collector
    sent: list[UberTraceId] = []

    def arrives() -> Look[int]:
        sent.append(UberTraceId.new())
        client.look([client.request(echo.mesh_url("/"), headers=sent[-1].headers())])
        come = sum(jaeger.trace(each.trace_id) is not None for each in sent)
        return Look(met=come > 0, value=come, seen=f"none of {len(sent)} traces arrived")

    evidence.converged(eventually(arrives, what="spans arrive again", within=BACK_S).seconds)
