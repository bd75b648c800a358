"""The mutants that the shim makes: of the served configuration, and fronts that it leads the proxies to."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from meshproof.model.mutant import MutantKind
from meshproof.mutate import served
from meshproof.mutate.disturbs import DISTURBS
from meshproof.mutate.front_behaviours import named
from meshproof.mutate.mutant import Ground, Mutant

__all__ = ["SHIMMED", "Served"]


@dataclass(frozen=True, kw_only=True)
class Served:
    """The shim serves a changed configuration, or leads the proxies to a front."""

    name: str

    @property
    def kind(self) -> MutantKind:
        """Where it is broken."""
        return MutantKind.FRONT if named(self.name) else MutantKind.SERVED

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """Every proxy follows the changed configuration inside the block, and the controller's after it."""
        try:
            ground.shim.follow(ground.shim.order(self.name, namespace=ground.namespace))
            yield
        finally:
            ground.shim.follow(ground.shim.order())


def _mutants(table: Mapping[str, str]) -> Iterator[Mutant]:
    for name, breaks in table.items():
        yield Mutant(
            name=name,
            breaks=breaks,
            change=Served(name=name),
            disturbs={**_COMPARED, **DISTURBS.get(name, {})},
        )


_COMPARED: Final = dict.fromkeys(
    ("TM-API-002", "TM-ROUTE-082"),
    "the proxies' configuration is to be the controller's: the shim changes it",
)

_FRONTS: Final = {
    "trace-header-stripped": "The server gets no trace header.",
    "trace-restarted": "Each request gets a trace of its own, whatever trace it came with.",
    "sampling-forced": "Every trace is marked as sampled, whatever the caller decided.",
    "tenth-trace-unsampled": "One trace of ten is marked as not sampled.",
    "trace-id-repeated": "Every request has the same trace id.",
    "trace-id-cut": "A trace id of 128 bits loses its first half.",
    "baggage-dropped": "The server gets the trace, but not its baggage.",
    "only-first-baggage": "Of a trace's baggage the server gets the first item alone.",
    "header-values-sorted": "The headers, and the values of one that came several times, are sorted.",
    "repeated-header-first-only": "Of a header that came several times the first value alone arrives.",
    "header-cut": "Header values are cut after 4 KiB.",
    "header-cut-short-of-8-kib": "Header values are cut after 8,000 bytes.",
    "headers-few": "Headers beyond the sixtieth are dropped.",
    "hop-by-hop-forwarded": "Headers of the client's own connection reach the server.",
    "host-lowercased": "The Host arrives in small letters.",
    "path-decoded": "Encoded slashes in a path are decoded.",
    "escapes-capitalised": "The escapes of a target arrive in capitals: %2F for %2f.",
    "encoded-nul-dropped": "An encoded NUL in a target does not arrive.",
    "status-rewritten": "A server's statuses of 500 and more come back as 200.",
    "created-becomes-ok": "The statuses 201, 202 and 203 come back as 200.",
    "error-headers-dropped": "A server's error comes back without headers but those of its body.",
    "query-rewritten": "Semicolons of a query become ampersands.",
    "head-sent-as-get": "A request by the method HEAD reaches the server as GET.",
    "body-cut": "Bodies lose their last byte, there and back.",
    "body-forwarded-raw": "A server takes the body of a request for another request.",
    "trailers-dropped": "What follows a body is lost, there and back.",
    "expect-refused": "A client that expects 100-continue is refused.",
    "trailer-unannounced": "A server's trailers come without having been announced.",
    "binary-bytes-replaced": "Bytes of a request's body that are no ASCII arrive as question marks.",
    "byte-changed-beyond-a-megabyte": "One bit of a request's body is changed, after a million bytes.",
    "request-sent-twice": "The server gets every request twice.",
    "delete-sent-twice": "The server gets every request by the method DELETE twice.",
    "websocket-close-code-changed": "The code with which a server closes a WebSocket comes back as 1000.",
    "first-word-awaited": "A TCP server is connected to once the client has sent something.",
    "half-close-dropped": "The end of a TCP client's half does not reach the server.",
    "half-close-closes-both": "The end of a TCP client's half ends the server's half, too.",
    "tcp-bytes-changed": "Bytes of a TCP client arrive in upper case.",
    "tcp-byte-lost": "One byte of a TCP client is lost, after a hundred thousand.",
    "large-datagrams-dropped": "Datagrams of more than 1,200 bytes are lost.",
}

_HALF: Final = "plain-host-routed"  # of plain-name-through-the-mesh; the other half is in the DNS

_SERVED: Final = {
    name: inspect.getdoc(change) or "" for name, change in served.CHANGES.items() if name != _HALF
}

SHIMMED: Final = tuple(_mutants({**_FRONTS, **_SERVED}))
