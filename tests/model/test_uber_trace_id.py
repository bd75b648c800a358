"""Jaeger's header: read, written, made."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshproof.model.uber_trace_id import HEADER, UberTraceId

_contexts = st.builds(
    UberTraceId,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    parent_id=st.integers(0, 2**64 - 1),
    flags=st.integers(0, 255),
)


@settings(deadline=None)  # the machine may be busy
@given(_contexts)
def test_every_context_reads_back_as_it_was_written(context: UberTraceId) -> None:
    assert UberTraceId.parse(str(context)) == context


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_any_text_is_read_or_refused_with_value_error(text: str) -> None:
    try:
        context = UberTraceId.parse(text)
    except ValueError:
        return

    assert UberTraceId.parse(str(context)) == context


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1:2:0:1", (1, 2, 0, 1), id="short"),
        pytest.param("000000000000000a:000000000000000B:0:1", (10, 11, 0, 1), id="leading-zeros"),
        pytest.param(f"{'f' * 32}:1:1:03", (2**128 - 1, 1, 1, 3), id="128-bit"),
        pytest.param("  1:2:3:0\t", (1, 2, 3, 0), id="blanks-around"),
    ],
)
def test_header_is_read(text: str, expected: tuple[int, int, int, int]) -> None:
    context = UberTraceId.parse(text)

    assert (context.trace_id, context.span_id, context.parent_id, context.flags) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("1:2:0", id="three-parts"),
        pytest.param("1:2:0:1:0", id="five-parts"),
        pytest.param("g:2:0:1", id="not-hexadecimal"),
        pytest.param(f"{'1' * 33}:2:0:1", id="trace-id-too-long"),
        pytest.param(f"1:{'2' * 17}:0:1", id="span-id-too-long"),
        pytest.param("1:2:0:100", id="flags-too-long"),
        pytest.param("0:2:0:1", id="trace-id-zero"),
        pytest.param("1:0:0:1", id="span-id-zero"),
        pytest.param("-1:2:0:1", id="signed"),
        pytest.param("1:2:0:1\n1:2:0:1", id="two-lines"),
        pytest.param("1%3A2%3A0%3A1", id="percent-encoded"),
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|invalid"):
        UberTraceId.parse(text)


@pytest.mark.parametrize("bits", [pytest.param(64, id="64-bit"), pytest.param(128, id="128-bit")])
def test_new_context_is_a_root_of_the_length_asked_for(bits: int) -> None:
    context = UberTraceId.new(bits=bits)

    assert context.parent_id == 0
    assert 0 < context.span_id < 2**64
    assert context.trace_id >= (2**127 if bits == 128 else 1)
    assert context.trace_id < 2**bits


@pytest.mark.parametrize("sampled", [pytest.param(True, id="yes"), pytest.param(False, id="no")])
def test_new_context_is_sampled_as_asked(sampled: bool) -> None:  # noqa: FBT001  # a table's column
    assert UberTraceId.new(sampled=sampled).sampled is sampled


def test_new_contexts_differ() -> None:
    assert UberTraceId.new() != UberTraceId.new()


def test_context_as_header_and_as_evidence() -> None:
    context = UberTraceId.parse("a:b:0:1")

    assert context.headers() == [(HEADER, "a:b:0:1")]
    assert context.facts() == {"trace_context": "a:b:0:1"}
