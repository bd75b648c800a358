"""Jaeger's propagation header: ``trace-id:span-id:parent-span-id:flags``, all hexadecimal.

Source: Jaeger client library documentation, "Propagation Format" (the ``uber-trace-id`` header).
"""

import re
import secrets
from typing import Any, Final, Self

import msgspec

__all__ = ["HEADER", "UberTraceId"]

HEADER: Final = "Uber-Trace-Id"

_FORM: Final = re.compile(
    r"([0-9a-f]{1,32}):([0-9a-f]{1,16}):([0-9a-f]{1,16}):([0-9a-f]{1,2})", re.IGNORECASE
)
_SAMPLED: Final = 0x01


class UberTraceId(msgspec.Struct, frozen=True, kw_only=True):
    """A trace context in Jaeger's form. Ids are numbers: leading zeros carry no meaning in this header."""

    trace_id: int
    span_id: int
    parent_id: int
    flags: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a header value. Raises ValueError for any other form, and for a trace or span id of zero."""
        if not (found := _FORM.fullmatch(text.strip())):
            raise ValueError(f"not trace-id:span-id:parent-id:flags in hexadecimal: {text!r}")
        trace_id, span_id, parent_id, flags = (int(part, 16) for part in found.groups())
        if trace_id == 0 or span_id == 0:
            raise ValueError(f"a trace id and a span id of zero are invalid: {text!r}")
        return cls(trace_id=trace_id, span_id=span_id, parent_id=parent_id, flags=flags)

    @classmethod
    def new(cls, *, sampled: bool = True, bits: int = 64) -> Self:
        """A root context with random ids of ``bits`` (64 or 128) for the trace, 64 for the span."""
        span = secrets.randbits(63) | 1
        trace = span if bits == 64 else secrets.randbits(bits - 1) | (1 << (bits - 1))
        return cls(trace_id=trace, span_id=span, parent_id=0, flags=_SAMPLED if sampled else 0)

    @property
    def sampled(self) -> bool:
        """Whether the caller asked for this trace to be recorded."""
        return bool(self.flags & _SAMPLED)

    def headers(self) -> list[tuple[str, str]]:
        """The context as request headers."""
        return [(HEADER, str(self))]

    def facts(self) -> dict[str, Any]:
        """The context as evidence."""
        return {"trace_context": str(self)}

    def __str__(self) -> str:
        """The header's value."""
        return f"{self.trace_id:x}:{self.span_id:x}:{self.parent_id:x}:{self.flags:x}"
