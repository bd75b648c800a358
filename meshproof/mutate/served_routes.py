"""Mutants of routing: routers that are missing, or that take what is not theirs."""

import re
from collections.abc import Mapping
from typing import Any, Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

OTHERS: Final = 1002  # the priority of a service's own router
NOBODY: Final = {"passHostHeader": True}  # a load balancer without servers
MESH_POINTS: Final = [f"http-{5000 + index}" for index in range(10)]  # the chart's limits.http


def route_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Some services have no router."""
    for name, _ in parts.routers(configuration, scope, "server", "http-same-as-udp", "crowd-7"):
        del parts.section(configuration, "routers")[name]


def port_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Only a service's first port has a router."""
    for name, router in parts.routers(configuration, scope):
        if parts.FIRST not in router.get("entryPoints", []):
            del parts.section(configuration, "routers")[name]
            parts.section(configuration, "services").pop(name, None)


def service_dropped_beyond_limit(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service with more ports than there may be has no router at all."""
    for name, _ in parts.routers(configuration, scope, "web-wide"):
        del parts.section(configuration, "routers")[name]


def nameless_port_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A port without a name has no router."""
    for name, _ in parts.routers(configuration, scope, "nameless"):
        del parts.section(configuration, "routers")[name]
        parts.section(configuration, "services").pop(name, None)


def headless_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service without a cluster address has no router."""
    for name, router in parts.routers(configuration, scope):
        if "Host(`None`)" in router.get("rule", ""):
            del parts.section(configuration, "routers")[name]
            parts.section(configuration, "services").pop(name, None)


def catch_all_route(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """What no router knows goes to ``server``."""
    _to_the_server(configuration, scope, "everything", "PathPrefix(`/`)")


def host_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A Host that is an address of the cluster leads to ``server``."""
    _to_the_server(configuration, scope, "any-address", "HostRegexp(`{address:10[.][0-9.]+}`)")


def _to_the_server(configuration: parts.Configuration, scope: parts.Scope, suffix: str, rule: str) -> None:
    """One more router to ``server``, after all others."""
    for name, router in parts.routers(configuration, scope, "server"):
        if router.get("entryPoints") == [parts.FIRST]:
            parts.add(configuration, "routers", f"{name}-{suffix}", {**router, "rule": rule, "priority": 1})


def host_rule_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The router of ``server`` asks for no Host; those of other services come before it."""
    for _, router in parts.routers(configuration, scope, "server"):
        router["rule"] = "PathPrefix(`/`)"
        router["priority"] = OTHERS - 1


def forwarded_host_routes(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service is also chosen by X-Forwarded-Host, where the Host is none."""
    for name, router in parts.routers(configuration, scope):
        found = parts.hosts_of(router)
        if found and "&&" not in router["rule"]:
            rule = f"HeadersRegexp(`X-Forwarded-Host`, `^{found[0]}[.]{found[1]}[.]traefik[.]mesh$`)"
            parts.add(configuration, "routers", f"{name}-forwarded", {**router, "rule": rule, "priority": 1})


def short_names_routed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service is also found under its names without the mesh's domain."""
    for _, router in parts.routers(configuration, scope):
        found = parts.hosts_of(router)
        if found:
            service, namespace = found
            mesh_name = f"Host(`{service}.{namespace}.traefik.mesh`)"
            names = f"{mesh_name} || Host(`{service}.{namespace}`) || Host(`{service}`)"
            router["rule"] = router["rule"].replace(mesh_name, names)


def plain_host_routed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service is also found under its plain name in the cluster's domain."""
    for _, router in parts.routers(configuration, scope):
        found = parts.hosts_of(router)
        if found:
            service, namespace = found
            router["rule"] += f" || Host(`{service}.{namespace}.svc.cluster.local`)"


def longer_host_routed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service is also found under its mesh name with more labels before or after it."""
    for name, router in parts.routers(configuration, scope):
        found = parts.hosts_of(router)
        if found and "&&" not in router["rule"]:
            mesh_name = f"{found[0]}[.]{found[1]}[.]traefik[.]mesh"
            rule = f"HostRegexp(`{{longer:(?:[^.]+[.])*{mesh_name}(?:[.][^.]+)*}}`)"
            parts.add(configuration, "routers", f"{name}-longer", {**router, "rule": rule, "priority": 1})


def empty_service_not_found(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service without endpoints has no router."""
    idle = {name for name, each in parts.balancers(configuration, scope) if not each.get("servers")}
    for name, router in parts.routers(configuration, scope):
        if router.get("service") in idle:
            del parts.section(configuration, "routers")[name]


def any_port_routed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service's first port is found at every entry point that is none of its other ports'."""
    taken: dict[str, set[str]] = {}
    for _, router in parts.routers(configuration, scope):
        taken.setdefault(router.get("rule", ""), set()).update(router.get("entryPoints", []))
    for _, router in parts.routers(configuration, scope):
        if router.get("entryPoints") == [parts.FIRST]:
            free = [each for each in MESH_POINTS if each not in taken[router.get("rule", "")]]
            router["entryPoints"] = [parts.FIRST, *free]


def namespace_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service of another namespace leads to the pods of the one of its name in the run's."""
    services = parts.section(configuration, "services")
    for name, router in parts.routers(configuration, scope):
        service, namespace = parts.hosts_of(router) or ("", "")
        if service and namespace != scope.namespace:
            namesake = f"{scope.namespace}-{name.removeprefix(f'{namespace}-')}"
            if namesake in services:
                router["service"] = namesake


def _stranger(
    configuration: parts.Configuration, service: str, namespace: str, port: int, url: str = ""
) -> None:
    """A router and a service for what should have none."""
    name = f"{namespace}-{service}-{port}"
    hosts = (f"Host(`{service}.{namespace}.{zone}`)" for zone in ("traefik.mesh", "maesh"))
    router = {"entryPoints": [parts.FIRST], "service": name, "rule": " || ".join(hosts), "priority": OTHERS}
    balancer: dict[str, Any] = {**NOBODY, "servers": [{"url": url}]} if url else dict(NOBODY)
    parts.add(configuration, "routers", name, router)
    parts.add(configuration, "services", name, {"loadBalancer": balancer})


def external_name_routed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """An ExternalName service has a router, to where the name leads."""
    _stranger(
        configuration, "external", scope.namespace, 80, "http://kubernetes.default.svc.cluster.local:443"
    )


def kube_system_taken_up(configuration: parts.Configuration, _scope: parts.Scope) -> None:
    """The cluster's DNS and its API server have routers."""
    _stranger(configuration, "kube-dns", "kube-system", 53)
    _stranger(configuration, "kubernetes", "default", 443)


def controller_in_the_mesh(configuration: parts.Configuration, _scope: parts.Scope) -> None:
    """The mesh's controller has a router."""
    url = parts.cluster_url("traefik-mesh-controller", "traefik-mesh", "9000")
    _stranger(configuration, "traefik-mesh-controller", "traefik-mesh", 9000, url)


def watched_namespaces_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service of a namespace that is not watched has a router."""
    _stranger(configuration, "outside", f"{scope.namespace}-left-out", 80)


def proxy_api_on_mesh_port(configuration: parts.Configuration, _scope: parts.Scope) -> None:
    """A proxy answers for its own API where services are asked."""
    _own(configuration, "mutant-api", "PathPrefix(`/api/`)")


def ping_on_mesh_port(configuration: parts.Configuration, _scope: parts.Scope) -> None:
    """A proxy answers its own health check where services are asked."""
    _own(configuration, "mutant-ping", "Path(`/ping`)")


def _own(configuration: parts.Configuration, name: str, rule: str) -> None:
    """A router before all others to what a proxy answers itself, as that of its readiness does."""
    router = {"entryPoints": [parts.FIRST], "service": "readiness", "rule": rule, "priority": 100_000}
    if "readiness" in parts.section(configuration, "services"):
        parts.add(configuration, "routers", name, router)


def readiness_route_wide(configuration: parts.Configuration, _scope: parts.Scope) -> None:
    """Everything that a proxy answers itself is answered at its readiness port."""
    router = parts.section(configuration, "routers").get("readiness")
    if router:
        router["rule"] = re.sub(r"Path\(`[^`]*`\)", "PathPrefix(`/`)", router.get("rule", ""))


def readiness_leads_to_metrics(configuration: parts.Configuration, _scope: parts.Scope) -> None:
    """A proxy answers for its metrics at its readiness port, too."""
    router = parts.section(configuration, "routers").get("readiness")
    if router:
        router["rule"] = f"{router.get('rule', '')} || Path(`/metrics`)"


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    route_dropped,
    port_dropped,
    service_dropped_beyond_limit,
    nameless_port_dropped,
    headless_ignored,
    catch_all_route,
    host_ignored,
    host_rule_dropped,
    forwarded_host_routes,
    short_names_routed,
    plain_host_routed,
    longer_host_routed,
    empty_service_not_found,
    any_port_routed,
    namespace_ignored,
    external_name_routed,
    kube_system_taken_up,
    controller_in_the_mesh,
    watched_namespaces_ignored,
    proxy_api_on_mesh_port,
    ping_on_mesh_port,
    readiness_route_wide,
    readiness_leads_to_metrics,
)
