"""Mutants of one proxy among several: each is told by the node that it asks from.

The one that is served something else is the control plane's, which never falls silent.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

try:
    from meshproof.mutate import served_backends, served_middlewares, served_time
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_backends  # type: ignore[import-not-found, no-redef]
    import served_middlewares  # type: ignore[import-not-found, no-redef]
    import served_parts as parts  # type: ignore[import-not-found, no-redef]
    import served_time  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]


def _is_the_one(scope: parts.Scope) -> bool:
    """Whether the proxy that asks is the one that is served something else; alone it is not."""
    return len(scope.nodes) > 1 and _node_of(scope.caller, scope) == scope.nodes[0]


def _node_of(address: str, scope: parts.Scope) -> str:
    """The range of the node that a pod's address belongs to, "" for none."""
    ranges = (each for each in scope.nodes if ipaddress.ip_address(address) in ipaddress.ip_network(each))
    return next(ranges, "")


def one_proxy_lags(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """One of the proxies is served what was so 20 s ago."""
    if _is_the_one(scope):
        served_time.proxy_lags(configuration, scope)


def backend_dropped_on_one_proxy(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """For one of the proxies each service with several pods lacks the last of them."""
    if _is_the_one(scope):
        served_backends.backend_dropped(configuration, scope)


def limit_off_on_one_proxy(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """For one of the proxies no service has its rate limit."""
    if _is_the_one(scope):
        served_middlewares.rate_limit_dropped(configuration, scope)


def local_backends_only(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Each proxy knows the pods of its own node alone."""
    here = _node_of(scope.caller, scope)
    for _, balancer in parts.balancers(configuration, scope):
        servers = balancer.get("servers", [])
        local = [each for each in servers if _node_of(urlsplit(each["url"]).hostname or "", scope) == here]
        if local:
            balancer["servers"] = local


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    one_proxy_lags,
    backend_dropped_on_one_proxy,
    limit_off_on_one_proxy,
    local_backends_only,
)
