"""Trees and times of spans."""

from typing import Any

import msgspec
import pytest

from meshproof.judge.spans import entry_of, not_one_tree, not_sane_times
from meshproof.model.span import Span, Trace

CALLER = 0x1


def span(number: int, parent: int | None, **changed: Any) -> Span:
    whole = Span(
        trace_id=7,
        span_id=number,
        parent_id=parent,
        operation=f"span {number}",
        service="traefik-mesh",
        started_at=100.0,
        seconds=0.05,
        tags={},
    )
    return msgspec.structs.replace(whole, **changed)


def trace(*spans: Span) -> Trace:
    return Trace(trace_id=7, spans=spans)


ENTRY = span(2, CALLER, tags={"span.kind": "server"})
CALL = span(3, 2, started_at=100.001, seconds=0.048, tags={"span.kind": "client"})


def test_entry_and_call_are_one_tree() -> None:
    assert not_one_tree(trace(ENTRY, CALL), below=CALLER) is None


def test_trace_of_its_own_hangs_below_nothing() -> None:
    root = msgspec.structs.replace(ENTRY, parent_id=None)

    assert not_one_tree(trace(root, CALL), below=None) is None


@pytest.mark.parametrize(
    ("spans", "below", "said"),
    [
        pytest.param([ENTRY, span(3, 9)], CALLER, "not one root", id="parent-unknown"),
        pytest.param([ENTRY, span(3, None)], CALLER, "not one root", id="beside"),
        pytest.param([ENTRY, CALL], 5, "hangs below 1, not below 5", id="another-caller"),
        pytest.param([ENTRY, CALL], None, "hangs below 1, not below None", id="no-caller"),
        pytest.param([ENTRY, span(2, 2)], CALLER, "stands there twice", id="same-id"),
        pytest.param([ENTRY, span(3, 2, trace_id=8)], CALLER, "of another trace", id="foreign"),
        pytest.param([], None, "not one root", id="none"),
    ],
)
def test_what_is_no_tree_is_told(spans: list[Span], below: int | None, said: str) -> None:
    assert said in str(not_one_tree(trace(*spans), below=below))


def test_times_that_fit() -> None:
    assert not_sane_times(trace(ENTRY, CALL), began=99.999, ended=100.05, server_s=0.04) is None


def test_entry_point_may_end_after_the_client_has_its_answer() -> None:
    assert not_sane_times(trace(ENTRY), began=100.0, ended=100.049, server_s=0.04) is None


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        pytest.param([span(2, 1, started_at=99.0)], "starts -0.990000 s after", id="before"),
        pytest.param([span(2, 1, started_at=101.0)], "starts 1.010000 s after", id="after"),
        pytest.param([span(2, 1, seconds=0.01)], "took 0.010000 s, the server alone", id="short"),
        pytest.param([ENTRY, span(3, 2, seconds=0.06)], "does not lie within 'span 2'", id="outlives"),
    ],
)
def test_times_that_do_not_fit_are_told(spans: list[Span], said: str) -> None:
    assert said in str(not_sane_times(trace(*spans), began=99.99, ended=100.05, server_s=0.04))


def test_entry_is_the_server_span() -> None:
    assert entry_of(trace(CALL, ENTRY)) is ENTRY


@pytest.mark.parametrize("spans", [[CALL], [ENTRY, ENTRY]], ids=["none", "two"])
def test_not_one_entry_breaks_the_claim(spans: list[Span]) -> None:
    with pytest.raises(AssertionError, match="not one span of kind server"):
        entry_of(trace(*spans))
