"""Do the spans of one request make sense? Each judge says what is wrong in words, or None."""

from typing import Final

from meshproof.model.span import Span, Trace

__all__ = ["entry_of", "not_one_tree", "not_sane_times"]

_ROUNDING_S: Final = 5e-6  # start and duration are each cut to microseconds


def entry_of(trace: Trace) -> Span:
    """The span of the entry point: the only one of kind server. Raises AssertionError where it is not one."""
    found = trace.of_kind("server")
    if len(found) != 1:
        raise AssertionError(f"not one span of kind server: {[each.operation for each in found]}")
    return found[0]


def not_one_tree(trace: Trace, *, below: int | None) -> str | None:
    """Why the spans are not one tree whose only root hangs below span ``below`` (None: below nothing)."""
    ids = [each.span_id for each in trace.spans]
    if len(set(ids)) != len(ids):
        return f"a span id stands there twice: {[f'{each:x}' for each in ids]}"
    if strangers := [each.operation for each in trace.spans if each.trace_id != trace.trace_id]:
        return f"spans of another trace: {strangers}"
    roots = [each for each in trace.spans if each.parent_id not in ids]
    if len(roots) != 1:
        return f"not one root: {[each.operation for each in roots]}"
    if roots[0].parent_id != below:
        parent, wanted = (None if each is None else f"{each:x}" for each in (roots[0].parent_id, below))
        return f"the root {roots[0].operation!r} hangs below {parent}, not below {wanted}"
    return None


def not_sane_times(trace: Trace, *, began: float, ended: float, server_s: float) -> str | None:
    """Why the spans' times do not fit a request that the client began and ended then (epoch, seconds).

    Each span starts while the client waits and takes at least the server's time; a child lies within its
    parent. (An entry point's span may end after the client has its answer.)
    """
    by_id = {each.span_id: each for each in trace.spans}
    for span in trace.spans:
        if not began <= span.started_at <= ended:
            late = (
                f"starts {span.started_at - began:.6f} s after the client, which took {ended - began:.6f} s"
            )
            return f"{span.operation!r} {late}"
        if span.seconds < server_s:
            return f"{span.operation!r} took {span.seconds:.6f} s, the server alone {server_s:.6f} s"
        parent = by_id.get(span.parent_id or 0)
        if parent and not (
            parent.started_at - _ROUNDING_S <= span.started_at
            and span.ended_at <= parent.ended_at + _ROUNDING_S
        ):
            return f"{span.operation!r} does not lie within {parent.operation!r}"
    return None
