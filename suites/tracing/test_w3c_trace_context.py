"""The rules of W3C Trace Context, level 1, put to a Traefik v3: what is sent, and what must arrive."""

from typing import Final

import pytest

from fixtures.catalogue import requirement
from fixtures.observability import Carrier
from meshproof.model.trace_context import TRACEPARENT, TRACESTATE, TraceParent, TraceState

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
PARENT: Final = "b7ad6b7169203331"
VALID: Final = f"00-{TRACE}-{PARENT}-01"
LATER: Final = f"cc-{TRACE}-{PARENT}-01"

ALL_KEY_CHARACTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
ALL_VALUE_CHARACTERS: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in ",=")

CONTINUED: Final = [
    pytest.param(TRACEPARENT, VALID, id="lower-case-name"),
    pytest.param("Traceparent", VALID, id="capitalised-name"),
    pytest.param("TRACEPARENT", VALID, id="upper-case-name"),
    pytest.param("TrAcEpArEnT", VALID, id="mixed-case-name"),
    pytest.param(TRACEPARENT, f" {VALID}", id="space-before"),
    pytest.param(TRACEPARENT, f"\t{VALID}", id="tab-before"),
    pytest.param(TRACEPARENT, f"{VALID} \t", id="blanks-after"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT}-00", id="not-sampled"),
]
UNREADABLE: Final = [
    pytest.param(TRACEPARENT, "", id="empty"),
    pytest.param(TRACEPARENT, "not-a-trace", id="no-form"),
    pytest.param("trace-parent", VALID, id="name-with-a-dash"),
    pytest.param("trace.parent", VALID, id="name-with-a-dot"),
    pytest.param(TRACEPARENT, f"ff-{TRACE}-{PARENT}-01", id="version-ff"),
    pytest.param(TRACEPARENT, f"ff-{TRACE}-{PARENT}-01-more", id="version-ff-and-more"),
    pytest.param(TRACEPARENT, f".0-{TRACE}-{PARENT}-01", id="version-not-hexadecimal"),
    pytest.param(TRACEPARENT, f"0-{TRACE}-{PARENT}-01", id="version-short"),
    pytest.param(TRACEPARENT, f"000-{TRACE}-{PARENT}-01", id="version-long"),
    pytest.param(TRACEPARENT, f"CC-{TRACE}-{PARENT}-01", id="version-upper-case"),
    pytest.param(TRACEPARENT, f"{TRACE}-{PARENT}-01", id="version-missing"),
    pytest.param(TRACEPARENT, f"00-{'0' * 32}-{PARENT}-01", id="trace-id-zero"),
    pytest.param(TRACEPARENT, f"00-{TRACE[:-1]}.-{PARENT}-01", id="trace-id-not-hexadecimal"),
    pytest.param(TRACEPARENT, f"00-{TRACE[:-1]}-{PARENT}-01", id="trace-id-short"),
    pytest.param(TRACEPARENT, f"00-{TRACE}0-{PARENT}-01", id="trace-id-long"),
    pytest.param(TRACEPARENT, f"00-{TRACE.upper()}-{PARENT}-01", id="trace-id-upper-case"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{'0' * 16}-01", id="parent-id-zero"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-.{PARENT[1:]}-01", id="parent-id-not-hexadecimal"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT[:-1]}-01", id="parent-id-short"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT}0-01", id="parent-id-long"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT.upper()}-01", id="parent-id-upper-case"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT}-0.", id="flags-not-hexadecimal"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT}-1", id="flags-short"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT}-001", id="flags-long"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT}", id="flags-missing"),
    pytest.param(TRACEPARENT, f"00_{TRACE}_{PARENT}_01", id="underscores-between"),
    pytest.param(TRACEPARENT, f"00-{TRACE}-{PARENT} 01", id="blank-between"),
    pytest.param(TRACEPARENT, f"{VALID}.", id="dot-at-the-end"),
    pytest.param(TRACEPARENT, f"{VALID}-more", id="version-00-and-more"),
    pytest.param(TRACEPARENT, f"{VALID},{VALID}", id="two-in-one"),
    pytest.param(TRACEPARENT, "f" * 4000, id="oversized"),
]
FUTURE: Final = [
    pytest.param(LATER, id="version-cc"),
    pytest.param(f"01-{TRACE}-{PARENT}-01", id="version-01"),
    pytest.param(f"fe-{TRACE}-{PARENT}-01", id="version-fe"),
    pytest.param(f"{LATER}-", id="dash-at-the-end"),
    pytest.param(f"{LATER}-what-the-future-brings", id="more-fields"),
    pytest.param(f"cc-{TRACE}-{PARENT}-09", id="unknown-flag"),
]
FUTURE_UNREADABLE: Final = [
    pytest.param(f"{LATER}.what-the-future-brings", id="no-dash-after-flags"),
    pytest.param(LATER[:-1], id="too-short"),
    pytest.param(f"cc-{TRACE[:-1]}.-{PARENT}-01", id="trace-id-not-hexadecimal"),
    pytest.param(f"cc-{TRACE}-{'0' * 16}-01", id="parent-id-zero"),
]
KEPT: Final = [
    pytest.param(TRACESTATE, "congo=t61rcWkgMzE", id="one"),
    pytest.param(TRACESTATE, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", id="order"),
    pytest.param("TraceState", "foo=1", id="capitalised-name"),
    pytest.param("TRACESTATE", "foo=1", id="upper-case-name"),
    pytest.param(TRACESTATE, "fw529a3039@dt=FfAAAAK4AAkAAA,1tenant@foo=2", id="multi-tenant-key"),
    pytest.param(TRACESTATE, f"{ALL_KEY_CHARACTERS}=1", id="every-key-character"),
    pytest.param(TRACESTATE, f"foo={ALL_VALUE_CHARACTERS}", id="every-value-character"),
    pytest.param(TRACESTATE, "foo= 1 2", id="blanks-in-a-value"),
    pytest.param(TRACESTATE, "foo=1 \t , \t bar=2,\tbaz=3", id="blanks-between"),
    pytest.param(TRACESTATE, " \tfoo=1 \t", id="blanks-around"),
    pytest.param(TRACESTATE, "foo=1,,bar=2,", id="empty-members"),
    pytest.param(TRACESTATE, "foo=1, ,bar=2", id="blank-member"),
]
COMBINED: Final = [
    pytest.param(["foo=1", "bar=2"], id="two"),
    pytest.param(["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], id="three-with-several-each"),
    pytest.param(["foo=1", "", "bar=2"], id="an-empty-one-between"),
]
LIMITS: Final = [
    pytest.param(f"a={'x' * 252},b={'y' * 255}", id="512-characters"),
    pytest.param(",".join(f"k{number}=v" for number in range(32)), id="32-members"),
    pytest.param(f"{'z' * 256}=1", id="key-of-256"),
    pytest.param(f"{'t' * 241}@{'s' * 14}=1", id="multi-tenant-key-of-256"),
    pytest.param(f"foo={'v' * 256}", id="value-of-256"),
]
STATE_UNREADABLE: Final = [
    pytest.param("foo", id="no-value"),
    pytest.param("foo=", id="empty-value"),
    pytest.param("=1", id="empty-key"),
    pytest.param("foo=1=2", id="two-equals-signs"),
    pytest.param("FOO=1", id="upper-case-key"),
    pytest.param("foo bar=1", id="blank-in-a-key"),
    pytest.param("foo@=1,bar=2", id="no-system-after-the-tenant"),
    pytest.param("foo@bar@baz=1", id="two-tenants"),
    pytest.param("foo=1,foo=2", id="key-twice"),
    pytest.param(",".join(f"k{number}=v" for number in range(33)), id="33-members"),
    pytest.param(f"{'z' * 257}=1", id="key-of-257"),
    pytest.param(",", id="commas-alone"),
    pytest.param("", id="empty"),
]


def continues(parent: TraceParent) -> bool:
    """Whether the caller's trace goes on, under a span of the proxy's own."""
    return parent.trace_id == TRACE and parent.parent_id != PARENT


@requirement("TM-TRACE-020")
@pytest.mark.parametrize(("name", "value"), CONTINUED)
def test_valid_traceparent_is_continued(carrier: Carrier, name: str, value: str) -> None:
    """The server gets the caller's trace id, in one header of version 00."""
    assert continues(carrier.send((name, value)).parent)


@requirement("TM-TRACE-021")
@pytest.mark.parametrize(("name", "value"), UNREADABLE)
def test_unreadable_traceparent_is_replaced(carrier: Carrier, name: str, value: str) -> None:
    """The request is served, under a trace of its own."""
    assert carrier.send((name, value)).parent.trace_id not in {TRACE, TRACE.upper()}


@requirement("TM-TRACE-022")
def test_every_request_gets_a_span_of_its_own(carrier: Carrier) -> None:
    """Requests of one trace share its id and nothing else; requests of none share nothing."""
    of_one = [carrier.send((TRACEPARENT, VALID)).parent for _ in range(8)]
    of_none = [carrier.send().parent for _ in range(8)]

    assert {each.trace_id for each in of_one} == {TRACE}
    assert len({each.parent_id for each in of_one} | {PARENT}) == 9
    assert len({each.trace_id for each in of_none}) == 8


@requirement("TM-TRACE-023")
@pytest.mark.parametrize("sampled", [True, False], ids=["sampled", "not-sampled"])
def test_sampled_flag_is_kept(carrier: Carrier, sampled: bool) -> None:  # noqa: FBT001  # a pytest parameter
    """The proxy records what the caller records, and says so."""
    sent = TraceParent(trace_id=TRACE, parent_id=PARENT, flags=int(sampled))

    parent = carrier.send((TRACEPARENT, str(sent))).parent

    assert continues(parent)
    assert parent.sampled is sampled


@requirement("TM-TRACE-024")
@pytest.mark.parametrize("flags", ["04", "09", "81", "ff"])
def test_reserved_flags_are_ignored(carrier: Carrier, flags: str) -> None:
    """Flags that mean nothing yet neither end a trace nor travel on."""
    parent = carrier.send((TRACEPARENT, f"00-{TRACE}-{PARENT}-{flags}")).parent

    assert continues(parent)
    assert parent.reserved_flags == 0
    assert parent.sampled is bool(int(flags, 16) & 1)


@requirement("TM-TRACE-025")
@pytest.mark.parametrize(("name", "value"), KEPT)
def test_tracestate_is_kept(carrier: Carrier, name: str, value: str) -> None:
    """Keys and values arrive as they were sent, in their order."""
    carried = carrier.send((TRACEPARENT, VALID), (name, value))

    assert continues(carried.parent)
    assert carried.state == TraceState.parse([value])


@requirement("TM-TRACE-026")
@pytest.mark.parametrize("values", COMBINED)
def test_several_tracestate_headers_are_combined(carrier: Carrier, values: list[str]) -> None:
    """Nothing of what several headers say is lost, and their order stays."""
    carried = carrier.send((TRACEPARENT, VALID), *((TRACESTATE, value) for value in values))

    assert carried.state == TraceState.parse(values)


@requirement("TM-TRACE-027")
@pytest.mark.parametrize("value", LIMITS)
def test_tracestate_within_the_limits_is_kept_whole(carrier: Carrier, value: str) -> None:
    """512 characters, 32 members, and the longest key and value arrive."""
    assert carrier.send((TRACEPARENT, VALID), (TRACESTATE, value)).state == TraceState.parse([value])


@requirement("TM-TRACE-028")
@pytest.mark.parametrize("value", STATE_UNREADABLE)
def test_unreadable_tracestate_leaves_the_trace_alone(carrier: Carrier, value: str) -> None:
    """The trace goes on, whatever becomes of its state."""
    assert continues(carrier.send((TRACEPARENT, VALID), (TRACESTATE, value)).parent)


@requirement("TM-TRACE-029")
@pytest.mark.parametrize("value", FUTURE)
def test_later_version_is_read_as_far_as_it_is_known(carrier: Carrier, value: str) -> None:
    """The trace goes on, in the version that the proxy knows, with its state."""
    carried = carrier.send((TRACEPARENT, value), (TRACESTATE, "foo=1"))

    assert continues(carried.parent)
    assert carried.parent.sampled
    assert carried.parent.reserved_flags == 0
    assert carried.state == TraceState.parse(["foo=1"])


@requirement("TM-TRACE-029")
@pytest.mark.parametrize("value", FUTURE_UNREADABLE)
def test_later_version_that_cannot_be_read_is_replaced(carrier: Carrier, value: str) -> None:
    """What does not begin as version 00 does begins a new trace."""
    assert carrier.send((TRACEPARENT, value)).parent.trace_id != TRACE


@requirement("TM-TRACE-030")
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no-traceparent"),
        pytest.param([(TRACEPARENT, f"00-{'0' * 32}-{PARENT}-01")], id="traceparent-of-zeros"),
        pytest.param([(TRACEPARENT, f"ff-{TRACE}-{PARENT}-01")], id="version-ff"),
    ],
)
def test_tracestate_without_a_trace_is_dropped(carrier: Carrier, headers: list[tuple[str, str]]) -> None:
    """The state of a trace that was not continued does not travel with the new one."""
    carried = carrier.send(*headers, (TRACESTATE, "foo=1"))

    assert carried.parent.trace_id != TRACE
    assert carried.state == TraceState()


@requirement("TM-TRACE-031")
@pytest.mark.parametrize(
    "second",
    [
        pytest.param(f"00-{TRACE[::-1]}-{PARENT}-01", id="two-traces"),
        pytest.param(VALID, id="the-same-twice"),
    ],
)
def test_two_traceparents_are_none(carrier: Carrier, second: str) -> None:
    """Which of two parents is meant cannot be known: the request begins a trace of its own."""
    parent = carrier.send((TRACEPARENT, VALID), (TRACEPARENT, second)).parent

    assert parent.trace_id not in {TRACE, TRACE[::-1]}


@requirement("TM-TRACE-032")
def test_version_00_ends_with_its_flags(carrier: Carrier) -> None:
    """A dash that announces a further field makes a header of version 00 invalid."""
    assert carrier.send((TRACEPARENT, f"{VALID}-")).parent.trace_id != TRACE
