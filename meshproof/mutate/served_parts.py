"""Parts of a served configuration: how changes find routers, services and middlewares, and add to them.

Traefik refuses a configuration with an element that is there and empty: ``tidied`` takes those out that a
change leaves behind.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = [
    "FIRST",
    "KINDS",
    "NOBODY",
    "Change",
    "Configuration",
    "Scope",
    "add",
    "balancers",
    "branch",
    "cluster_url",
    "hosts_of",
    "named",
    "parts_of",
    "port_of",
    "routers",
    "section",
    "swap_port",
    "target_of",
    "targets",
    "use",
]

NOBODY: Final = "127.0.0.1:9"  # of a proxy's pod: nobody listens there

Configuration = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """What a change may need to know.

    ``namespace`` is the run's: only what stands in it is changed. ``memory`` is kept from one poll to the
    next, and emptied when the mutant is changed. ``nodes`` are the ranges of the nodes' pods, the control
    plane's first, ``caller`` is the address of the proxy that asks. ``away``: the controller does not answer.
    """

    namespace: str
    memory: dict[str, Any] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    caller: str = ""
    away: bool = False


Change = Callable[[Configuration, Scope], None]

FIRST: Final = "http-5000"  # the entry point of every HTTP service's first port
KINDS: Final = ("routers", "services", "middlewares", "serversTransports")
HOST: Final = re.compile(r"Host\(`([^.`]+)\.([^.`]+)\.traefik\.mesh`\)")
TARGET: Final = re.compile(r"(?P<target>.+)-(?P<port>\d+)-traffic-target-(?P<way>direct|indirect)")
PORT: Final = re.compile(r":(\d+)(?=/|$)")


def named(*changes: Change) -> Mapping[str, Change]:
    """Changes by their names, with dashes."""
    return {each.__name__.replace("_", "-"): tidied(each) for each in changes}


def tidied(change: Change) -> Change:
    """The change, and no empty section after it."""

    @functools.wraps(change)
    def tidy(configuration: Configuration, scope: Scope) -> None:
        change(configuration, scope)
        for protocol in ("http", "tcp", "udp"):
            sections = configuration.get(protocol)
            if sections is None:
                continue
            for kind in KINDS:
                if not sections.get(kind, True):
                    del sections[kind]
            if not sections:
                del configuration[protocol]

    return tidy


def section(configuration: Configuration, kind: str, protocol: str = "http") -> dict[str, Any]:
    """All routers, services or middlewares; where there are none, what is put in is lost: see ``add``."""
    found: dict[str, Any] = (configuration.get(protocol) or {}).get(kind) or {}
    return found


def add(configuration: Configuration, kind: str, name: str, element: object, protocol: str = "http") -> None:
    """Put an element in, in place of one of the same name."""
    sections = configuration.get(protocol) or {}
    elements = sections.get(kind) or {}
    elements[name] = element
    sections[kind] = elements
    configuration[protocol] = sections


def hosts_of(router: Mapping[str, Any]) -> tuple[str, str] | None:
    """Service and namespace of an HTTP router, by its rule."""
    found = HOST.search(router.get("rule", ""))
    return (found[1], found[2]) if found else None


def parts_of(name: str, namespace: str) -> tuple[str, str] | None:
    """Service and port of ``<namespace>-<service>-<port>``; None for another name."""
    found = re.fullmatch(rf"{re.escape(namespace)}-(.+)-(\d+)", name)
    return (found[1], found[2]) if found else None


def routers(
    configuration: Configuration, scope: Scope, *services: str, protocol: str = "http"
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The namespace's routers and those of namespaces that begin like it; of these services, if any is named.

    They may be taken away meanwhile.
    """
    for name, router in list(section(configuration, "routers", protocol).items()):
        if not name.startswith(f"{scope.namespace}-"):
            continue
        found = hosts_of(router) if protocol == "http" else parts_of(name, scope.namespace)
        if not services or (found and found[0] in services):
            yield name, router


def targets(
    configuration: Configuration, scope: Scope, *services: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The routers of TrafficTargets, or of those whose destination these services have."""
    for name, router in routers(configuration, scope, *services):
        if "-traffic-target-" in name:
            yield name, router


def target_of(name: str, router: Mapping[str, Any]) -> tuple[str, str, str]:
    """Service, target, and direct or indirect, of a target's router."""
    service, namespace = hosts_of(router) or ("", "")
    found = TARGET.fullmatch(name.removeprefix(f"{namespace}-{service}-"))
    return (service, found["target"], found["way"]) if found else (service, "", "")


def balancers(
    configuration: Configuration, scope: Scope, *services: str, protocol: str = "http"
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The load balancers that lead to pods, of the namespaces and services that ``routers`` tells."""
    for name, service in list(section(configuration, "services", protocol).items()):
        balancer = service.get("loadBalancer")
        if balancer is None or not name.startswith(f"{scope.namespace}-"):
            continue
        if name.endswith("-traffic-split-backend"):
            continue
        found = parts_of(name, scope.namespace)
        if not services or (found and found[0] in services):
            yield name, balancer


def use(
    configuration: Configuration,
    scope: Scope,
    middleware: Mapping[str, Any],
    *services: str,
    name: str = "mutant",
) -> None:
    """Have requests pass one more middleware, as the last before the servers."""
    for _, router in routers(configuration, scope, *services):
        router["middlewares"] = [*router.get("middlewares", []), name]
        add(configuration, "middlewares", name, dict(middleware))


def branch(configuration: Configuration, name: str, suffix: str, condition: str, **changed: Any) -> None:
    """Add a router beside one, before it: it takes the requests that fulfil a condition, too."""
    router = section(configuration, "routers")[name]
    rule, priority = f"({router['rule']}) && {condition}", router.get("priority", 0) + 1
    twin = {**router, "rule": rule, "priority": priority, **changed}
    add(configuration, "routers", f"{name}-{suffix}", twin)


def port_of(address: str) -> str:
    """The port of a server's URL or address."""
    found = PORT.search(address)
    return found[1] if found else ""


def swap_port(balancer: dict[str, Any], port: str) -> None:
    """Have a load balancer's servers asked at another port."""
    for server in balancer.get("servers", []):
        for key, address in server.items():
            server[key] = PORT.sub(f":{port}", address)


def cluster_url(service: str, namespace: str, port: str) -> str:
    """A service's own address, past the mesh."""
    return f"http://{service}.{namespace}.svc.cluster.local:{port}"
