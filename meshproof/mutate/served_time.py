"""Mutants that need a memory: configurations that come late, never, or that keep what is gone.

Nothing of the memory is handed out: what is served is a copy.
"""

import copy
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

LAG_S: Final = 20.0  # beyond the 15 s in which a change is to be followed
ENDPOINTS_LAG_S: Final = 18.0  # as well
PHASE_S: Final = 4.0  # a proxy polls each second and applies a change each two: it sees every phase
FLAP_S: Final = 1.0  # in a campaign it polls four times a second; the check that is to notice takes four
PROTOCOLS: Final = ("http", "tcp", "udp")
KINDS: Final = ("routers", "services", "middlewares")


def _serve(configuration: parts.Configuration, other: parts.Configuration) -> None:
    configuration.clear()
    configuration.update(copy.deepcopy(other))


def configuration_frozen(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """What was served first is served for ever."""
    if "first" not in scope.memory:
        scope.memory["first"] = copy.deepcopy(configuration)
    _serve(configuration, scope.memory["first"])


def controller_stalls_on_error(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Nothing is taken up any more, and what comes after a service in error never was."""
    configuration_frozen(configuration, scope)
    for name, _ in parts.routers(configuration, scope, "said-http"):
        del parts.section(configuration, "routers")[name]


def proxy_lags(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """What is served was so 20 s ago; until then, what was so first."""
    known: list[tuple[float, parts.Configuration]] = scope.memory.setdefault("known", [])
    now = time.monotonic()
    if not known or known[-1][1] != configuration:
        known.append((now, copy.deepcopy(configuration)))
    while len(known) > 1 and known[1][0] <= now - LAG_S:
        del known[0]
    _serve(configuration, known[0][1])


def backend_stale(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A pod that has gone stays a server of its service."""
    for protocol in PROTOCOLS:
        for name, balancer in parts.balancers(configuration, scope, protocol=protocol):
            known: list[dict[str, str]] = scope.memory.setdefault(f"{protocol} {name}", [])
            known.extend(dict(each) for each in balancer.get("servers", []) if each not in known)
            if known:
                balancer["servers"] = [dict(each) for each in known]


def endpoints_follow_late(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service whose pods change has those of before for 18 s; a new service has its own at once."""
    now = time.monotonic()
    for protocol in PROTOCOLS:
        for name, balancer in parts.balancers(configuration, scope, protocol=protocol):
            servers: list[dict[str, str]] = [dict(each) for each in balancer.get("servers", [])]
            known: list[tuple[float, list[dict[str, str]]]]
            known = scope.memory.setdefault(f"{protocol} {name}", [(now, servers)])
            if known[-1][1] != servers:
                known.append((now, servers))
            while len(known) > 1 and known[1][0] <= now - ENDPOINTS_LAG_S:
                del known[0]
            balancer.pop("servers", None)
            if known[0][1]:
                balancer["servers"] = [dict(each) for each in known[0][1]]


def route_kept_after_deletion(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The router of a service that was deleted goes on leading to its pods."""
    services = parts.section(configuration, "services")
    known: dict[str, Any] = scope.memory.setdefault("routes", {})
    for name, router in parts.routers(configuration, scope):
        service = services.get(router.get("service", ""), {})
        if parts.parts_of(name, scope.namespace) and "loadBalancer" in service:
            known[name] = copy.deepcopy((router, service))
    present = parts.section(configuration, "routers")
    for name in known.keys() - present.keys():
        router, service = copy.deepcopy(known[name])
        parts.add(configuration, "services", f"{name}-kept", service)
        parts.add(configuration, "routers", name, {**router, "service": f"{name}-kept"})


def _drop_routers(configuration: parts.Configuration, scope: parts.Scope, *services: str) -> None:
    for name, _ in parts.routers(configuration, scope, *services):
        del parts.section(configuration, "routers")[name]


def route_flaps(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The routers of ``server`` come and go, 1 s each."""
    now = time.monotonic()
    since: float = scope.memory.setdefault("since", now)
    if int((now - since) / FLAP_S) % 2:
        _drop_routers(configuration, scope, "server")


def router_dropped_on_change(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """For 4 s after any change of a service none has a router."""
    now, served = time.monotonic(), json.dumps(configuration.get("http"), sort_keys=True)
    if scope.memory.setdefault("served", served) != served:
        scope.memory.update(served=served, changed=now)
    if now - scope.memory.get("changed", -PHASE_S) < PHASE_S:
        _drop_routers(configuration, scope)


def _keep(configuration: parts.Configuration, scope: parts.Scope, holds: Callable[[str], bool]) -> None:
    """Serve every element again whose name was there once and fulfils a condition."""
    known: dict[tuple[str, str, str], Any] = scope.memory.setdefault("kept", {})
    for protocol in PROTOCOLS:
        for kind in KINDS:
            for name, element in parts.section(configuration, kind, protocol).items():
                if name.startswith(f"{scope.namespace}-") and holds(name):
                    known[protocol, kind, name] = copy.deepcopy(element)
    for (protocol, kind, name), element in known.items():
        if name not in parts.section(configuration, kind, protocol):
            parts.add(configuration, kind, name, copy.deepcopy(element), protocol)


def split_kept_after_removal(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TrafficSplit that was removed goes on dividing."""
    _keep(configuration, scope, lambda name: "-traffic-split" in name)


def removal_does_not_revoke(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TrafficTarget that was removed goes on letting in."""
    _keep(configuration, scope, lambda name: "-traffic-target" in name)


def split_frozen(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TrafficSplit keeps the weights that it had first."""
    for protocol in PROTOCOLS:
        for name, service in parts.section(configuration, "services", protocol).items():
            if name.startswith(f"{scope.namespace}-") and "weighted" in service:
                first = scope.memory.setdefault(f"{protocol} {name}", copy.deepcopy(service["weighted"]))
                service["weighted"] = copy.deepcopy(first)


def whitelist_frozen(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TrafficTarget keeps letting in the addresses that its sources had first."""
    for name, middleware in parts.section(configuration, "middlewares").items():
        if name.startswith(f"{scope.namespace}-") and "sourceRange" in middleware.get("ipWhiteList", {}):
            listed = middleware["ipWhiteList"]
            listed["sourceRange"] = list(scope.memory.setdefault(name, list(listed["sourceRange"])))


def tcp_port_leaked(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TCP port that a service has left carries nobody else."""
    _leak(configuration, scope, "tcp")


def udp_port_leaked(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A UDP port that a service has left carries nobody else."""
    _leak(configuration, scope, "udp")


def _leak(configuration: parts.Configuration, scope: parts.Scope, protocol: str) -> None:
    for name, router in parts.routers(configuration, scope, protocol=protocol):
        holders = [scope.memory.setdefault(point, name) for point in router.get("entryPoints", [])]
        if name in holders:
            continue
        if protocol == "udp":  # without a router Traefik goes on as before
            service = parts.section(configuration, "services", "udp")[router["service"]]
            service["loadBalancer"]["servers"] = [{"address": parts.NOBODY}]
        else:
            del parts.section(configuration, "routers", protocol)[name]


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    configuration_frozen,
    controller_stalls_on_error,
    proxy_lags,
    backend_stale,
    endpoints_follow_late,
    route_kept_after_deletion,
    route_flaps,
    router_dropped_on_change,
    split_kept_after_removal,
    removal_does_not_revoke,
    split_frozen,
    whitelist_frozen,
    tcp_port_leaked,
    udp_port_leaked,
)
