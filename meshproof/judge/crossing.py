"""Did a request cross the mesh? The witnesses are the server's own view and the live proxies."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from meshproof.mesh.adapter import ProxyPod
from meshproof.model.exchange import Exchange, SeenByServer

__all__ = ["backends", "evenness", "went_around"]


def went_around(seen: SeenByServer, proxies: Collection[ProxyPod]) -> str | None:
    """Why a request did not cross a proxy of the mesh, or None when it did.

    The server must have been told the name of a live proxy (X-Forwarded-Server), and its connection must come
    from that proxy's address: the header alone could be forged by whoever sent the request.
    """
    named = seen.header("X-Forwarded-Server")
    proxy = next((each for each in proxies if each.name == named), None)
    if proxy is None:
        live = ", ".join(each.name for each in proxies) or "none"
        return f"X-Forwarded-Server is {named!r}, which names no live proxy (live: {live})"
    if seen.remote_ip != proxy.ip:
        return f"the connection came from {seen.remote_ip}, not from {proxy.name} at {proxy.ip}"
    return None


def backends(exchanges: Iterable[Exchange]) -> Counter[str]:
    """How many of the exchanges each backend answered."""
    return Counter(each.seen_by_server.hostname for each in exchanges)


def evenness(counts: Counter[str], expected: Sequence[str], *, proxies: int) -> str | None:
    """Why requests were not balanced evenly over the backends, or None.

    Traefik's weighted round robin is deterministic: with equal weights, in one configuration epoch, any two
    backends' counts differ by at most one for each proxy that took part.
    """
    if strangers := set(counts) - set(expected):
        return f"answered by pods that are not ready replicas: {', '.join(sorted(strangers))}"
    if missed := set(expected) - set(counts):
        return f"never reached: {', '.join(sorted(missed))} of {dict(counts)}"
    if max(counts.values()) - min(counts.values()) > proxies:
        return f"not even: {dict(counts)}"
    return None
