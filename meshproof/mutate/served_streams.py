"""Mutants of TCP and UDP: entry points, traffic types, and who is let in."""

from collections.abc import Mapping
from typing import Any, Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

ANYBODY: Final = "HostSNI(`*`)"
DATAGRAMS: Final = "9001"  # the port of the servers' UDP
OTHER: Final = "8080"  # a port of the servers that speaks neither the services' TCP nor their UDP
POINTS: Final = [f"tcp-{10_000 + index}" for index in range(10)]  # the first of the chart's limits.tcp
OWN: Final = 1002  # the priority of a service's own router


def tcp_router_missing(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """No TCP service has a router."""
    _drop(configuration, scope, "tcp")


def udp_leads_nowhere(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Datagrams of every UDP service are sent to where nobody listens."""
    for _, balancer in parts.balancers(configuration, scope, protocol="udp"):
        balancer["servers"] = [{"address": parts.NOBODY}]  # without a router Traefik goes on as before


def tcp_target_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TrafficTarget with a TCPRoute opens nothing."""
    _drop(configuration, scope, "tcp")


def _drop(configuration: parts.Configuration, scope: parts.Scope, protocol: str, *services: str) -> None:
    for name, _ in parts.routers(configuration, scope, *services, protocol=protocol):
        del parts.section(configuration, "routers", protocol)[name]


def tcp_port_taken_over(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The TCP port of the first service leads to a newcomer's server, which speaks otherwise."""
    _take_over(configuration, scope, "tcp")


def udp_port_taken_over(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The UDP port of the first service leads to a newcomer's server, which does not answer."""
    _take_over(configuration, scope, "udp")


def _take_over(configuration: parts.Configuration, scope: parts.Scope, protocol: str) -> None:
    services = parts.section(configuration, "services", protocol)
    first = list(parts.routers(configuration, scope, f"{protocol}-first", protocol=protocol))
    for name, router in first:
        servers = services.get(router["service"], {}).get("loadBalancer", {}).get("servers", [])
        newcomer = f"{scope.namespace}-{protocol}-pair-beyond"
        balancer = {"servers": [dict(each) for each in servers]}
        parts.swap_port(balancer, OTHER)
        if servers:
            del parts.section(configuration, "routers", protocol)[name]
            parts.add(configuration, "routers", newcomer, {**router, "service": newcomer}, protocol)
            parts.add(configuration, "services", newcomer, {"loadBalancer": balancer}, protocol)


def default_mode_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service without annotation is HTTP, at the entry point that it has as TCP."""
    services = parts.section(configuration, "services", "tcp")
    for name, router in parts.routers(configuration, scope, protocol="tcp"):
        service, _ = parts.parts_of(name, scope.namespace) or ("", "")
        servers = services.get(name, {}).get("loadBalancer", {}).get("servers", [])
        if not service or service.startswith("tcp-"):  # which says what it is
            continue
        del parts.section(configuration, "routers", "tcp")[name]
        services.pop(name, None)
        hosts = (f"Host(`{service}.{scope.namespace}.{zone}`)" for zone in ("traefik.mesh", "maesh"))
        balancer: dict[str, Any] = {"passHostHeader": True}
        if servers:
            balancer["servers"] = [{"url": f"http://{each['address']}"} for each in servers]
        rule = " || ".join(hosts)
        points = router["entryPoints"]
        taken = {"entryPoints": points, "service": name, "rule": rule, "priority": OWN}
        parts.add(configuration, "routers", name, taken)
        parts.add(configuration, "services", name, {"loadBalancer": balancer})


def traffic_type_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service that says http or udp is TCP all the same."""
    for _, balancer in parts.balancers(configuration, scope, "said-udp", protocol="udp"):
        balancer["servers"] = [{"address": parts.NOBODY}]  # as above
    services = parts.section(configuration, "services")
    for name, router in parts.routers(configuration, scope, "said-http"):
        servers = services.get(name, {}).get("loadBalancer", {}).get("servers", [])
        addresses = [{"address": each["url"].partition("//")[2]} for each in servers]
        carried = {"entryPoints": router["entryPoints"], "service": name, "rule": ANYBODY}
        if addresses:
            del parts.section(configuration, "routers")[name]
            parts.add(configuration, "routers", name, carried, "tcp")
            parts.add(configuration, "services", name, {"loadBalancer": {"servers": addresses}}, "tcp")


def udp_port_in_http_service(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A UDP port of an HTTP service has an HTTP router, or takes the place of the web port of its number."""
    for name, router in parts.routers(configuration, scope, "http-beside-udp"):
        if name.endswith("-80"):
            beside = f"{name.removesuffix('80')}{DATAGRAMS}"
            parts.add(configuration, "routers", beside, {**router, "entryPoints": ["http-5001"]})
    for _, balancer in parts.balancers(configuration, scope, "http-same-as-udp"):
        parts.swap_port(balancer, DATAGRAMS)


def udp_target_in_tcp_service(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TCP port leads to the target port of the UDP port of its number."""
    for _, balancer in parts.balancers(configuration, scope, "tcp-same-as-udp", protocol="tcp"):
        parts.swap_port(balancer, DATAGRAMS)


def tcp_deny_becomes_allow(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TCP service is open to all, whether a target names it or not."""
    taken = set()
    for _, router in parts.routers(configuration, scope, protocol="tcp"):
        router.pop("middlewares", None)
        taken.update(router["entryPoints"])
    name = f"{scope.namespace}-server-tcp-9000"
    free = [each for each in POINTS if each not in taken]
    server = {"address": f"server-tcp.{scope.namespace}.svc.cluster.local:9000"}
    if name not in parts.section(configuration, "routers", "tcp"):
        opened = {"entryPoints": free, "service": name, "rule": ANYBODY}
        parts.add(configuration, "routers", name, opened, "tcp")
        parts.add(configuration, "services", name, {"loadBalancer": {"servers": [server]}}, "tcp")


def proxy_protocol_added(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A TCP server gets a line of the PROXY protocol before the client's first byte."""
    for _, balancer in parts.balancers(configuration, scope, protocol="tcp"):
        balancer["proxyProtocol"] = {"version": 1}


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    tcp_router_missing,
    udp_leads_nowhere,
    tcp_target_ignored,
    tcp_port_taken_over,
    udp_port_taken_over,
    default_mode_ignored,
    traffic_type_ignored,
    udp_port_in_http_service,
    udp_target_in_tcp_service,
    tcp_deny_becomes_allow,
    proxy_protocol_added,
)
