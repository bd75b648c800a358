"""The mutants of a gate before the proxies: shadow services lead to the shim, which reads what comes."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.model.mutant import MutantKind
from meshproof.mutate import gate
from meshproof.mutate.edits import edited
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.reach import shadow_path, wait_heard
from meshproof.mutate.shim import LABELS

__all__ = ["MUTANTS", "Gated"]

_PORT: Final = 80  # the first one of every service that a gate stands before


@dataclass(frozen=True, kw_only=True)
class Gated:
    """The shim's gate of this name takes the clients of some services in the proxies' place."""

    name: str
    kind: MutantKind = MutantKind.FRONT

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """Whoever connects meets the gate inside the block, and a proxy after it."""
        proxies = [each.ip for each in ground.mesh.proxies()]
        with ExitStack() as stack:
            stack.callback(lambda: ground.shim.follow(ground.shim.order()))
            ground.shim.follow(ground.shim.order(self.name, namespace=ground.namespace, proxies=proxies))
            for service in gate.GATES[self.name].services:
                stack.enter_context(_led_to_the_gate(ground, service))
            yield


@contextmanager
def _led_to_the_gate(ground: Ground, service: str) -> Iterator[None]:
    path = shadow_path(ground, service)

    def leads(*, to_the_gate: bool) -> None:
        wait_heard(
            ground,
            path,
            _PORT,
            gate.HELLO,
            lambda heard: bool(heard) and (heard == gate.HELLO) is to_the_gate,
            what=f"{service} leads to {'the gate' if to_the_gate else 'the proxies'}",
        )

    with edited(
        ground.kube,
        path,
        _select_the_shim,
        broken=lambda: leads(to_the_gate=True),
        whole=lambda: leads(to_the_gate=False),
    ):
        yield


def _select_the_shim(service: dict[str, Any]) -> None:
    service["spec"]["selector"] = dict(LABELS)


_CLIENT: Final = "it compares the client's address, which is the gate's"
_READ: Final = "the gate has read the request before a proxy does"
_AT_THE_GATE: Final[Mapping[str, str]] = {
    "TM-ROUTE-009": _CLIENT,
    "TM-ROUTE-010": _CLIENT,
    "TM-ROUTE-079": _CLIENT,
    "TM-SEC-0": _READ,
}

_BREAKS: Final[Mapping[str, str]] = {
    "lenient-http-parser": "Requests that are none are mended, and where they end is guessed.",
    "absolute-target-ignored": "The Host header counts, whatever host a target names.",
    "no-header-limit": "A head of any size is taken, and made smaller.",
    "one-connection-at-a-time": "A connection waits for the end of the one before it.",
    "http2-refused": "A client that speaks HTTP/2 without TLS is hung up on.",
    "trace-untouched": "The caller's trace header reaches the server as it was sent.",
    "trace-of-another-span": "The trace goes on below a span that is not the caller's.",
}
_DISTURBS: Final[Mapping[str, Mapping[str, str]]] = {
    "one-connection-at-a-time": dict.fromkeys(
        ["TM-ROUTE", "TM-METRIC", "TM-TRACE"], "it may have to wait for a connection that is kept"
    ),
    "http2-refused": dict.fromkeys(["TM-ROUTE-020", "TM-ROUTE-026"], "it speaks HTTP/2"),
}

MUTANTS: Final[tuple[Mutant, ...]] = tuple(
    Mutant(
        name=name,
        breaks=breaks,
        change=Gated(name=name),
        disturbs={**_AT_THE_GATE, **_DISTURBS.get(name, {})},
    )
    for name, breaks in _BREAKS.items()
)
