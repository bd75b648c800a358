"""W3C Trace Context: read, written, made."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshproof.model.trace_context import TraceParent, TraceState

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"

_parents = st.builds(
    TraceParent,
    trace_id=st.integers(1, 2**128 - 1).map(lambda number: f"{number:032x}"),
    parent_id=st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}"),
    flags=st.integers(0, 255),
)


@settings(deadline=None)  # the machine may be busy
@given(_parents)
def test_every_traceparent_reads_back_as_it_was_written(parent: TraceParent) -> None:
    assert TraceParent.parse(str(parent)) == parent


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_any_text_is_read_or_refused_with_value_error(text: str) -> None:
    try:
        parent = TraceParent.parse(text)
    except ValueError:
        return

    assert str(parent) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(f"01-{TRACE}-{PARENT}-01", id="another-version"),
        pytest.param(f"00-{TRACE.upper()}-{PARENT}-01", id="upper-case"),
        pytest.param(f"00-{'0' * 32}-{PARENT}-01", id="trace-id-zero"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="parent-id-zero"),
        pytest.param(f"00-{TRACE}-{PARENT}-01-", id="dash-at-the-end"),
        pytest.param(f"00-{TRACE}-{PARENT}-01\n", id="line-end"),
        pytest.param(f"00-{TRACE}-{PARENT}", id="flags-missing"),
    ],
)
def test_traceparent_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid|not 00-"):
        TraceParent.parse(text)


@pytest.mark.parametrize(
    ("flags", "sampled", "reserved"), [(0, False, 0), (1, True, 0), (3, True, 0), (0xFE, False, 0xFC)]
)
def test_flags_are_bits(flags: int, sampled: bool, reserved: int) -> None:  # noqa: FBT001  # table
    parent = TraceParent(trace_id=TRACE, parent_id=PARENT, flags=flags)

    assert (parent.sampled, parent.reserved_flags) == (sampled, reserved)


def test_new_contexts_are_valid_and_differ() -> None:
    one, other = TraceParent.new(), TraceParent.new(sampled=False)

    assert TraceParent.parse(str(one)) == one
    assert one.sampled
    assert not other.sampled
    assert one.trace_id != other.trace_id


@pytest.mark.parametrize(
    ("values", "members"),
    [
        pytest.param([], (), id="none"),
        pytest.param([""], (), id="empty"),
        pytest.param([", ,\t"], (), id="blank-members"),
        pytest.param(["foo=1,bar=2"], (("foo", "1"), ("bar", "2")), id="two"),
        pytest.param(["foo=1", "", "bar=2"], (("foo", "1"), ("bar", "2")), id="several-headers"),
        pytest.param([" foo=1 \t,\tbar=2 "], (("foo", "1"), ("bar", "2")), id="blanks-around"),
        pytest.param(["foo= 1 2"], (("foo", " 1 2"),), id="blanks-in-a-value"),
        pytest.param(["1a@b=1"], (("1a@b", "1"),), id="multi-tenant"),
    ],
)
def test_tracestate_is_read(values: list[str], members: tuple[tuple[str, str], ...]) -> None:
    state = TraceState.parse(values)

    assert state.members == members
    assert TraceState.parse([str(state)]) == state


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("foo", id="no-value"),
        pytest.param("foo=", id="empty-value"),
        pytest.param("foo=1=2", id="two-equals-signs"),
        pytest.param("FOO=1", id="upper-case"),
        pytest.param("1foo=1", id="digit-first"),
        pytest.param("a@b@c=1", id="two-tenants"),
        pytest.param("foo=1,foo=2", id="twice"),
        pytest.param("foo=\u00e9", id="not-ascii"),
        pytest.param(",".join(f"k{number}=v" for number in range(33)), id="33-members"),
        pytest.param(f"{'z' * 257}=1", id="key-too-long"),
        pytest.param(f"z={'1' * 257}", id="value-too-long"),
    ],
)
def test_tracestate_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"not key=value|twice|members"):
        TraceState.parse([value])


@pytest.mark.parametrize(
    "value",
    [
        ",".join(f"k{number}=v" for number in range(32)),
        f"{'z' * 256}=1",
        f"{'t' * 241}@{'s' * 14}=1",
        f"z={'1' * 256}",
    ],
)
def test_tracestate_at_its_limits_is_read(value: str) -> None:
    assert str(TraceState.parse([value])) == value
