"""Traces as Jaeger tells them."""

from typing import Any

import pytest

from meshproof.model.span import Trace


def told(**span: Any) -> dict[str, Any]:
    """A trace of one span, the call to a server, changed as said."""
    whole = {
        "traceID": "00000000000000aa",
        "spanID": "00000000000000bb",
        "operationName": "forward",
        "references": [{"refType": "CHILD_OF", "traceID": "00000000000000aa", "spanID": "00000000000000aa"}],
        "startTime": 1_700_000_000_250_000,
        "duration": 2_500,
        "tags": [
            {"key": "span.kind", "type": "string", "value": "client"},
            {"key": "http.status_code", "type": "int64", "value": 503},
            {"key": "error", "type": "bool", "value": True},
        ],
        "processID": "p1",
    }
    return {
        "traceID": "00000000000000aa",
        "spans": [{**whole, **span}],
        "processes": {"p1": {"serviceName": "traefik-mesh", "tags": []}},
    }


def test_span_is_read() -> None:
    span = Trace.parse(told()).spans[0]

    assert (span.trace_id, span.span_id, span.parent_id) == (0xAA, 0xBB, 0xAA)
    assert (span.service, span.operation, span.kind, span.failed) == (
        "traefik-mesh",
        "forward",
        "client",
        True,
    )
    assert span.started_at == pytest.approx(1_700_000_000.25)
    assert span.ended_at - span.started_at == pytest.approx(0.0025, abs=1e-6)


def test_span_without_a_parent_starts_its_trace() -> None:
    assert Trace.parse(told(references=[])).spans[0].parent_id is None


def test_span_that_follows_another_is_no_child() -> None:
    after = [{"refType": "FOLLOWS_FROM", "traceID": "aa", "spanID": "aa"}]

    assert Trace.parse(told(references=after)).spans[0].parent_id is None


def test_span_without_the_mark_has_not_failed() -> None:
    assert not Trace.parse(told(tags=[])).spans[0].failed


def test_spans_stand_in_the_order_of_their_start() -> None:
    whole = told()
    earlier = {**whole["spans"][0], "spanID": "cc", "startTime": 1}

    trace = Trace.parse({**whole, "spans": [*whole["spans"], earlier]})

    assert [each.span_id for each in trace.spans] == [0xCC, 0xBB]


def test_trace_as_evidence() -> None:
    facts = Trace.parse(told()).facts()

    assert facts["trace"] == "aa"
    assert facts["spans"][0]["parent"] == "aa"
    assert facts["spans"][0]["ms"] == 2.5


@pytest.mark.parametrize(
    "wrong",
    [{}, {"spans": [], "processes": {}}, told(processID="p2"), told(references=None), told(traceID="x")],
    ids=["empty", "no-id", "unknown-process", "no-references", "no-number"],
)
def test_what_is_no_trace_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not a trace|invalid literal"):
        Trace.parse(wrong)
