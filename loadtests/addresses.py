"""Where an arm's name leads: resolved and timed before the clock starts. Standard library only."""

import socket
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

__all__ = ["Address", "resolved"]

LOOKUPS: Final = 5  # times that each name is resolved; the first may be a cold one


@dataclass(frozen=True, kw_only=True)
class Address:
    """What to send an arm's requests to, and what it took to find out."""

    url: str  # with an address in place of the name, without a path's last slash
    authority: str  # the Host header
    lookups_ms: list[float]


def resolved(arm: str, url: str) -> Address:
    """Resolve the name of an arm's base URL. Raises OSError naming it where it does not resolve."""
    parts = urlsplit(url)
    name, port = parts.hostname or "", parts.port or 80
    spans = []
    for _ in range(LOOKUPS):
        began = time.perf_counter()
        try:
            found = socket.getaddrinfo(_absolute(name), port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise OSError(f"{name} of the {arm} arm does not resolve: {error}") from error
        spans.append((time.perf_counter() - began) * 1000)
    address = _reachable([str(info[4][0]) for info in found], port)
    literal = f"[{address}]" if ":" in address else address
    return Address(
        url=f"http://{literal}:{port}{parts.path.rstrip('/')}", authority=parts.netloc, lookups_ms=spans
    )


def _absolute(name: str) -> str:
    """A name with its root dot, which spares the search domains; addresses and bare names as they are."""
    if ":" in name or "." not in name or name.replace(".", "").isdigit():
        return name
    return name.rstrip(".") + "."


def _reachable(addresses: list[str], port: int) -> str:
    """The first address that takes a connection (an IPv6 one may have no server), else the first."""
    for address in addresses:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            continue
        return address
    return addresses[0]
