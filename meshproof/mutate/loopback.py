"""Mutants of the Traefik v3 on loopback: what its server is shown of the trace headers is changed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec

from meshproof.model.exchange import SeenByServer
from meshproof.model.mutant import MutantKind
from meshproof.model.trace_context import TRACEPARENT, TRACESTATE
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.observe.loopback import LoopbackProxy

__all__ = ["MUTANTS", "Shown"]

_Headers = dict[str, list[str]]  # names in lower case
_Edit = Callable[[_Headers, Sequence[tuple[str, str]]], None]

_NAMES: Final = (TRACEPARENT, TRACESTATE)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The server is shown other trace headers than the proxy sent; ``edit`` knows the client's, too."""

    edit: _Edit
    kind: MutantKind = MutantKind.FRONT

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """For every Traefik on loopback of this process."""
        del ground
        carry = LoopbackProxy.carry

        def carried(proxy: LoopbackProxy, headers: Sequence[tuple[str, str]]) -> SeenByServer:
            seen = carry(proxy, headers)
            shown = {name.lower(): list(values) for name, values in seen.headers.items()}
            self.edit(shown, headers)
            return msgspec.structs.replace(seen, headers=shown)

        setattr(LoopbackProxy, "carry", carried)  # noqa: B010 - a method of a class, for the block alone
        try:
            yield
        finally:
            setattr(LoopbackProxy, "carry", carry)  # noqa: B010 - as above


def _stripped(shown: _Headers, _sent: Sequence[tuple[str, str]]) -> None:
    for name in _NAMES:
        shown.pop(name, None)


def _untouched(shown: _Headers, sent: Sequence[tuple[str, str]]) -> None:
    for name in _NAMES:
        if values := [value.strip() for each, value in sent if each.lower() == name]:
            shown[name] = values


def _flipped(shown: _Headers, _sent: Sequence[tuple[str, str]]) -> None:
    shown[TRACEPARENT] = [
        f"{each[:-1]}{int(each[-1], 16) ^ 1:x}" for each in shown.get(TRACEPARENT, []) if each
    ]


def _reordered(shown: _Headers, _sent: Sequence[tuple[str, str]]) -> None:
    if TRACESTATE in shown:
        shown[TRACESTATE] = [",".join(reversed(",".join(shown[TRACESTATE]).split(",")))]


def _thirty_one_members(shown: _Headers, _sent: Sequence[tuple[str, str]]) -> None:
    if TRACESTATE in shown:
        shown[TRACESTATE] = [",".join(",".join(shown[TRACESTATE]).split(",")[:31])]


MUTANTS: Final[tuple[Mutant, ...]] = tuple(
    Mutant(name=name, breaks=breaks, change=Shown(edit=edit))
    for name, breaks, edit in (
        ("w3c-headers-stripped", "The server gets no W3C trace header.", _stripped),
        ("w3c-headers-untouched", "The client's W3C trace headers arrive as they were sent.", _untouched),
        ("w3c-sampled-flag-flipped", "The server is told the opposite sampling decision.", _flipped),
        ("w3c-tracestate-reordered", "The members of tracestate arrive in the opposite order.", _reordered),
        (
            "w3c-tracestate-thirty-one-members",
            "Of a tracestate's members those beyond the thirty-first are lost.",
            _thirty_one_members,
        ),
    )
)
