"""Mutants of access control: TrafficTargets and their sources, and what is closed to all."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

CLOSED: Final = "block-all-middleware"
NOBODY: Final = "255.255.255.255"
EVERYBODY: Final = "0.0.0.0/0"
FORWARDED: Final = "HeadersRegexp(`X-Forwarded-For`, `.+`)"

Named = tuple[str, dict[str, Any]]


def _lists(configuration: parts.Configuration, router: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The lists of addresses that a router lets in."""
    for name in router.get("middlewares", []):
        found = parts.section(configuration, "middlewares").get(name, {}).get("ipWhiteList")
        if found is not None and name != CLOSED:
            yield found


def _sources(configuration: parts.Configuration, router: Mapping[str, Any]) -> list[str]:
    return [each for listed in _lists(configuration, router) for each in listed.get("sourceRange", [])]


def _let_in(configuration: parts.Configuration, router: Mapping[str, Any], *addresses: str) -> None:
    for listed in _lists(configuration, router):
        listed["sourceRange"] = list(dict.fromkeys([*listed.get("sourceRange", []), *addresses]))


def _closed(configuration: parts.Configuration, scope: parts.Scope, *services: str) -> Iterator[Named]:
    """The routers that let nobody in."""
    for name, router in parts.routers(configuration, scope, *services):
        if CLOSED in router.get("middlewares", []):
            yield name, router


def _lead_to_pods(configuration: parts.Configuration, name: str, router: dict[str, Any]) -> str:
    """Give a closed router's service its pods, by its own address; the name of that service."""
    service, namespace = parts.hosts_of(router) or ("", "")
    url = parts.cluster_url(service, namespace, name.rpartition("-")[2])
    balancer = {"servers": [{"url": url}], "passHostHeader": True}
    parts.add(configuration, "services", name, {"loadBalancer": balancer})
    return name


def _open(configuration: parts.Configuration, name: str, router: dict[str, Any]) -> None:
    """Let everybody in."""
    router["service"] = _lead_to_pods(configuration, name, router)
    router.pop("middlewares", None)


def acl_off(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Every service is open to all."""
    for name, router in _closed(configuration, scope):
        _open(configuration, name, router)
    for _, router in parts.routers(configuration, scope):
        _let_in(configuration, router, EVERYBODY)


def deny_becomes_allow(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service that no target names is open to all, and one that is open to some as well."""
    for name, router in _closed(configuration, scope, "server"):
        _open(configuration, name, router)
    for _, router in parts.targets(configuration, scope, "open"):
        _let_in(configuration, router, EVERYBODY)


def options_always_let_in(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """What is closed is open to the method OPTIONS, and so is a rule's path whatever its methods."""
    for _, router in parts.targets(configuration, scope):
        router["rule"] = re.sub(r"Method\(([^)]*)\)", r"Method(\1,`OPTIONS`)", router["rule"])
    for name, router in _closed(configuration, scope):
        pods = _lead_to_pods(configuration, name, router)
        parts.branch(configuration, name, "options", "Method(`OPTIONS`)", service=pods)
        parts.section(configuration, "routers")[f"{name}-options"].pop("middlewares")


def allow_becomes_deny(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """What a target allows is refused."""
    for _, router in parts.targets(configuration, scope):
        router["middlewares"] = [CLOSED, *router.get("middlewares", [])]
        if CLOSED not in parts.section(configuration, "middlewares"):
            parts.add(configuration, "middlewares", CLOSED, {"ipWhiteList": {"sourceRange": [NOBODY]}})


def deny_after_forwarding(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A forbidden request is answered 404, which a proxy says itself, and reaches a server all the same."""
    for name, router in _closed(configuration, scope, "server"):
        mirrors = [{"name": _lead_to_pods(configuration, name, router), "percent": 100}]
        denied = {"mirroring": {"service": "readiness", "mirrors": mirrors}}
        parts.add(configuration, "services", f"{name}-denied", denied)
        router["service"] = f"{name}-denied"
        router.pop("middlewares", None)


def only_first_source(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A target of several sources lets in only the first."""
    of_one: dict[str, list[str]] = {}
    for name, router in parts.targets(configuration, scope, "guarded"):
        if parts.target_of(name, router)[1] == "guarded":
            of_one[parts.target_of(name, router)[2]] = _sources(configuration, router)
    for name, router in parts.targets(configuration, scope, "guarded"):
        _, target, way = parts.target_of(name, router)
        for listed in _lists(configuration, router):
            if target == "for-two":
                first = [each for each in listed.get("sourceRange", []) if each in of_one.get(way, [])]
                listed["sourceRange"] = first or [NOBODY]


def only_first_target(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Of several targets of one destination only the first counts, which is named for its service."""
    routers = list(parts.targets(configuration, scope))
    named = {
        parts.target_of(*each)[0]
        for each in routers
        if parts.target_of(*each)[0] == parts.target_of(*each)[1]
    }
    for name, router in routers:
        service, target, _ = parts.target_of(name, router)
        if service in named and target != service:
            del parts.section(configuration, "routers")[name]


def only_first_port(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A target opens only the first port of a service."""
    first: dict[tuple[str, str, str], str] = {}
    for name, router in sorted(parts.targets(configuration, scope), key=lambda each: each[1]["entryPoints"]):
        if first.setdefault(parts.target_of(name, router), name) != name:
            del parts.section(configuration, "routers")[name]


def source_filter_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A target lets everybody in, whatever its sources."""
    for name, router in parts.targets(configuration, scope):
        if parts.target_of(name, router)[1] in {"open", "for-the-intruder"}:
            router.pop("middlewares", None)


def targets_merged(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Who is a source of one target is one of every other target of its destination."""
    allowed: dict[str, list[str]] = {}
    for name, router in parts.targets(configuration, scope):
        allowed.setdefault(parts.target_of(name, router)[0], []).extend(_sources(configuration, router))
    for name, router in parts.targets(configuration, scope):
        _let_in(configuration, router, *allowed[parts.target_of(name, router)[0]])


def target_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Some targets open nothing."""
    for name, _ in parts.targets(configuration, scope, "open", "server", "ported-named"):
        del parts.section(configuration, "routers")[name]


def target_namespace_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A target opens services of its destination's name in other namespaces, too."""
    for name, router in _closed(configuration, scope):
        service, namespace = parts.hosts_of(router) or ("", "")
        if namespace == scope.namespace:
            continue
        for twin_name, twin in parts.targets(configuration, scope, service):
            if (parts.hosts_of(twin) or ("", ""))[1] == scope.namespace:
                rule = twin["rule"].replace(f".{scope.namespace}.", f".{namespace}.")
                pods = _lead_to_pods(configuration, name, router)
                opened = {**twin, "rule": rule, "service": pods}
                parts.add(configuration, "routers", f"{twin_name}-in-{namespace}", opened)


def target_port_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A target's port opens every port of its services; a port without a name is its pods' own."""
    for name, balancer in parts.balancers(configuration, scope, "nameless"):
        parts.swap_port(balancer, name.rpartition("-")[2])
    allowing = [
        router["middlewares"]
        for name, router in parts.targets(configuration, scope)
        if parts.target_of(name, router)[1] == "ported" and "middlewares" in router
    ]
    for name, router in _closed(configuration, scope, "ported-first", "ported-second", "ported-named"):
        if allowing:
            pods = _lead_to_pods(configuration, name, router)
            opened = {**router, "service": pods, "middlewares": allowing[0], "priority": 2001}
            parts.add(configuration, "routers", f"{name}-opened", opened)


def target_port_on_first_entrypoint(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The port that a target names is opened where the service's first port is asked."""
    for _, router in parts.targets(configuration, scope, "ported-second"):
        router["entryPoints"] = [parts.FIRST]


def whitelist_by_header(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Who says for whom it asks is judged by that."""
    routers = parts.section(configuration, "routers")
    for name, router in parts.targets(configuration, scope):
        forwarded = f"{name.removesuffix('-direct')}-indirect"
        if name.endswith("-direct") and forwarded not in routers and router.get("middlewares"):
            lists = [{**each, "ipStrategy": {"depth": 1}} for each in _lists(configuration, router)]
            for listed in lists:
                parts.add(configuration, "middlewares", f"{forwarded}-list", {"ipWhiteList": listed})
            parts.branch(configuration, name, "by-header", FORWARDED, middlewares=[f"{forwarded}-list"])


def split_whitelist_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Whoever asks a split service is let in to its backends."""
    for name, router in parts.routers(configuration, scope):
        if "-traffic-split-" in name or name.endswith("-traffic-target-indirect"):
            router.pop("middlewares", None)


def split_whitelist_any_backend(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A split service is open to who may ask one of its backends."""
    forwarded = [each for name, each in parts.targets(configuration, scope) if name.endswith("-indirect")]
    for name, router in parts.routers(configuration, scope):
        if "-traffic-split-" in name:
            _let_in(
                configuration, router, *(one for each in forwarded for one in _sources(configuration, each))
            )


def empty_whitelist_breaks_configuration(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A target whose sources have no pods makes a configuration that no proxy takes."""
    for name, middleware in parts.section(configuration, "middlewares").items():
        listed = middleware.get("ipWhiteList", {}).get("sourceRange", [])
        if name.startswith(f"{scope.namespace}-") and "-whitelist-" in name and listed in ([], [NOBODY]):
            middleware["ipWhiteList"] = {}


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    acl_off,
    deny_becomes_allow,
    options_always_let_in,
    allow_becomes_deny,
    deny_after_forwarding,
    only_first_source,
    only_first_target,
    only_first_port,
    source_filter_dropped,
    targets_merged,
    target_ignored,
    target_namespace_ignored,
    target_port_ignored,
    target_port_on_first_entrypoint,
    whitelist_by_header,
    split_whitelist_dropped,
    split_whitelist_any_backend,
    empty_whitelist_breaks_configuration,
)
