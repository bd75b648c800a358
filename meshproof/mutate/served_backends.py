"""Mutants of the servers behind a service: which they are, at which port, and how they are spoken to."""

from collections.abc import Mapping
from typing import Any, Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

PROTOCOLS: Final = ("http", "tcp", "udp")
TRANSPORT: Final = "mutant"


def backend_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Each service with several pods lacks the last of them."""
    for protocol in PROTOCOLS:
        for _, balancer in parts.balancers(configuration, scope, protocol=protocol):
            if len(balancer.get("servers", [])) > 1:
                del balancer["servers"][-1]


def backend_foreign(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Each service has a pod of another one, at the port of its own."""
    known = [list(each.get("servers", [])) for _, each in parts.balancers(configuration, scope)]
    for _, balancer in parts.balancers(configuration, scope):
        own = balancer.get("servers", [])
        foreign = (each for servers in known for each in servers if own and _alike(each, own[0]))
        stranger = next((each for each in foreign if each not in own), None)
        if stranger:
            balancer["servers"] = [*own, dict(stranger)]


def _alike(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two servers are asked in the same way: one scheme, one port."""
    schemes = {each["url"].partition(":")[0] for each in (one, other)}
    return len(schemes) == 1 and parts.port_of(one["url"]) == parts.port_of(other["url"])


def weights_unequal(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The first pod of ``server`` gets twice its share: Traefik keeps a server under two paths for two."""
    for _, balancer in parts.balancers(configuration, scope, "server"):
        servers = balancer.get("servers", [])
        if len(servers) > 1:
            servers.append({"url": f"{servers[0]['url']}/"})


def backend_favoured_a_little(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The first pod of a service gets six requests where each other gets five."""
    for _, balancer in parts.balancers(configuration, scope, "server", "headless"):
        servers = balancer.get("servers", [])
        if len(servers) > 1:
            copies = [{"url": f"{each['url']}/{copy}"} for copy in range(5) for each in servers]
            balancer["servers"] = [*copies, servers[0]]


def empty_service_misrouted(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service without pods has those of ``server``."""
    lenders = parts.balancers(configuration, scope, "server")
    lent = next((each["servers"] for _, each in lenders if each.get("servers")), None)
    for _, balancer in parts.balancers(configuration, scope):
        if lent and not balancer.get("servers"):
            balancer["servers"] = [dict(each) for each in lent]


def one_target_port_for_all(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Each pod of a service is asked at the port of the first."""
    for _, balancer in parts.balancers(configuration, scope):
        if balancer.get("servers"):
            parts.swap_port(balancer, parts.port_of(balancer["servers"][0]["url"]))


def _speak(balancer: dict[str, Any], scheme: str) -> None:
    """Have a service's servers asked by another scheme."""
    for server in balancer.get("servers", []):
        server["url"] = f"{scheme}:{server['url'].partition(':')[2]}"


def scheme_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Every server is spoken to in HTTP/1.1 without TLS."""
    for _, balancer in parts.balancers(configuration, scope):
        _speak(balancer, "http")


def scheme_h2c(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service that asks for no scheme, or for http, is spoken to in HTTP/2."""
    for name, balancer in parts.balancers(configuration, scope, "mw-none", "mw-scheme-http"):
        if name.endswith("-80"):
            _speak(balancer, "h2c")


def scheme_https(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service that asks for no scheme, or for http, is spoken to over TLS."""
    for name, balancer in parts.balancers(configuration, scope, "mw-none", "mw-scheme-http"):
        if name.endswith("-80"):
            _speak(balancer, "https")


def certificate_not_verified(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A server over TLS is believed whatever certificate it shows."""
    _reach(configuration, scope, {"insecureSkipVerify": True})


def root_authority_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Only the system's authorities are trusted for servers over TLS, not the one that was given."""
    _reach(configuration, scope, {"maxIdleConnsPerHost": 200})


def _reach(configuration: parts.Configuration, scope: parts.Scope, transport: Mapping[str, Any]) -> None:
    """Reach servers over TLS in another way."""
    for _, balancer in parts.balancers(configuration, scope):
        if any(each["url"].startswith("https:") for each in balancer.get("servers", [])):
            balancer["serversTransport"] = TRANSPORT
            parts.add(configuration, "serversTransports", TRANSPORT, dict(transport))


def retry_same_server(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A second try goes mostly to the server of the first: each is there eight times, in no order."""
    services = parts.section(configuration, "services")
    for _, router in parts.routers(configuration, scope):
        balancer = services.get(router.get("service", ""), {}).get("loadBalancer", {})
        servers = balancer.get("servers", [])
        tried = any(each.endswith("-retry") for each in router.get("middlewares", []))
        if tried and len(servers) > 1 and not any(_copied(each) for each in servers):
            balancer["servers"] = [{"url": f"{each['url']}/{copy}"} for each in servers for copy in range(8)]


def _copied(server: Mapping[str, str]) -> bool:
    """Whether this is a server that was multiplied already: it has a path."""
    return "/" in server["url"].partition("//")[2]


def host_not_passed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A server is told its own address as Host."""
    for _, balancer in parts.balancers(configuration, scope):
        balancer["passHostHeader"] = False


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    backend_dropped,
    backend_foreign,
    weights_unequal,
    backend_favoured_a_little,
    empty_service_misrouted,
    one_target_port_for_all,
    scheme_dropped,
    scheme_h2c,
    scheme_https,
    certificate_not_verified,
    root_authority_dropped,
    retry_same_server,
    host_not_passed,
)
