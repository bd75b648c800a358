"""W3C Trace Context, level 1: the headers ``traceparent`` and ``tracestate``, by the specification's grammar.

Source: W3C Recommendation "Trace Context" (2021), sections 3.2 (traceparent) and 3.3 (tracestate).
"""

import re
import secrets
from collections.abc import Sequence
from typing import Final, Self

import msgspec

__all__ = ["TRACEPARENT", "TRACESTATE", "TraceParent", "TraceState"]

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

MEMBERS: Final = 32  # of a tracestate, at most

_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_KEY_CHARACTERS: Final = r"[a-z0-9_\-*/]"
_KEY: Final = re.compile(
    rf"[a-z]{_KEY_CHARACTERS}{{0,255}}|[a-z0-9]{_KEY_CHARACTERS}{{0,240}}@[a-z]{_KEY_CHARACTERS}{{0,13}}"
)
_VALUE: Final = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_OWS: Final = " \t"
_SAMPLED: Final = 0x01
_RANDOM: Final = 0x02  # level 2's: a sender of level 1 may pass it on as 0 or as it came


class TraceParent(msgspec.Struct, frozen=True, kw_only=True):
    """A ``traceparent`` of version 00. Ids are their hexadecimal text: here leading zeros belong to them."""

    trace_id: str
    parent_id: str
    flags: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a header's value. Raises ValueError for any other form, and for an id of zeros alone."""
        if not (found := _PARENT.fullmatch(text)):
            raise ValueError(f"not 00-<32 hex>-<16 hex>-<2 hex> in lower case: {text!r}")
        trace_id, parent_id, flags = found.groups()
        if not int(trace_id, 16) or not int(parent_id, 16):
            raise ValueError(f"an id of zeros is invalid: {text!r}")
        return cls(trace_id=trace_id, parent_id=parent_id, flags=int(flags, 16))

    @classmethod
    def new(cls, *, sampled: bool = True) -> Self:
        """A context with random ids."""
        trace_id, parent_id = (f"{secrets.randbits(bits - 1) | 1:0{bits // 4}x}" for bits in (128, 64))
        return cls(trace_id=trace_id, parent_id=parent_id, flags=_SAMPLED if sampled else 0)

    @property
    def sampled(self) -> bool:
        """Whether the caller may have recorded this trace."""
        return bool(self.flags & _SAMPLED)

    @property
    def reserved_flags(self) -> int:
        """The flags that nobody may set yet."""
        return self.flags & ~(_SAMPLED | _RANDOM)

    def __str__(self) -> str:
        """The header's value."""
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags:02x}"


class TraceState(msgspec.Struct, frozen=True, kw_only=True):
    """A ``tracestate``: keys with their values, the newest first."""

    members: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, values: Sequence[str]) -> Self:
        """Read the values of all ``tracestate`` headers of one request, in their order.

        Raises ValueError for what the grammar does not know, a key that stands there twice, too many members.
        """
        members = [_member(part) for part in ",".join(values).split(",") if part.strip(_OWS)]
        keys = [key for key, _ in members]
        if len(set(keys)) != len(keys):
            raise ValueError(f"a key stands there twice: {', '.join(sorted(keys))}")
        if len(members) > MEMBERS:
            raise ValueError(f"{len(members)} members, at most {MEMBERS} are allowed")
        return cls(members=tuple(members))

    def __str__(self) -> str:
        """The header's value."""
        return ",".join(f"{key}={value}" for key, value in self.members)


def _member(text: str) -> tuple[str, str]:
    key, separator, value = text.strip(_OWS).partition("=")
    if not (separator and _KEY.fullmatch(key) and _VALUE.fullmatch(value)):
        raise ValueError(f"not key=value in the specification's characters: {text!r}")
    return key, value
