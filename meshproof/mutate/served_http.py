"""Mutants of single requests and answers: middlewares that nobody asked for."""

from collections.abc import Mapping
from typing import Any, Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

FORGED: Final = "203.0.113.66"  # of a range for documentation (RFC 5737): nobody's
CLOSING: Final = {"headers": {"customResponseHeaders": {"Connection": "close"}}}
MOST_BYTES: Final = 5_000_000  # half of the largest body that is to pass


def path_prefix_added(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The server gets another path than was asked for."""
    parts.use(configuration, scope, {"addPrefix": {"prefix": "/prefix"}}, "server")


def path_cleaned(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Empty segments and dot segments of a path are resolved on its way."""
    dots = {"regex": r"/[^/]+/(?:\.|%2[eE]){2}(?:/|%2[fF])", "replacement": "/"}
    empty = {"regex": "//+", "replacement": "/"}
    parts.use(configuration, scope, {"replacePathRegex": dots}, name="mutant-dots")
    parts.use(configuration, scope, {"replacePathRegex": empty}, name="mutant-empty")


def method_refused(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A request by the method PATCH finds no router."""
    for _, router in parts.routers(configuration, scope):
        router["rule"] = f"({router['rule']}) && !Method(`PATCH`)"


def preflight_answered_by_proxy(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A browser's preflight request (OPTIONS with its Origin) is answered by the proxy itself."""
    allowed = {"accessControlAllowMethods": ["GET"], "accessControlAllowOriginList": ["*"]}
    parts.use(configuration, scope, {"headers": allowed})


def answers_compressed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A large answer is compressed where the client says that it could read that."""
    parts.use(configuration, scope, {"compress": {"minResponseBodyBytes": 1024}})


def body_limit(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A request with a body of more than 5 MB is refused."""
    limited = {"buffering": {"maxRequestBodyBytes": MOST_BYTES}}
    for name, router in parts.routers(configuration, scope):
        large = "HeadersRegexp(`Content-Length`, `^[0-9]{7,}$`)"
        middlewares = [*router.get("middlewares", []), "mutant"]
        parts.branch(configuration, name, "large", large, middlewares=middlewares)
        parts.add(configuration, "middlewares", "mutant", limited)


def error_page_replaced(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The proxy's own words stand in place of a server's error."""
    pages = {"status": ["400-599"], "service": "block-all-service", "query": "/"}
    if "block-all-service" in parts.section(configuration, "services"):
        parts.use(configuration, scope, {"errors": pages})


def _tell(
    configuration: parts.Configuration, scope: parts.Scope, headers: Mapping[str, str], *services: str
) -> None:
    """Have the server told this; nothing of a header whose value is empty."""
    parts.use(configuration, scope, {"headers": {"customRequestHeaders": dict(headers)}}, *services)


def forwarded_header_stripped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The server ``server`` is not told which proxy forwarded."""
    _tell(configuration, scope, {"X-Forwarded-Server": ""}, "server")


def forwarded_header_forged(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The server ``server`` is told of a proxy that there is not."""
    _tell(configuration, scope, {"X-Forwarded-Server": "forged"}, "server")


def forwarded_host_stripped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """No server is told the host that the client asked for."""
    _tell(configuration, scope, {"X-Forwarded-Host": ""})


def forwarded_for_stripped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """No server is told for whom it is asked."""
    _tell(configuration, scope, {"X-Forwarded-For": ""})


def forwarded_port_always_80(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Every server is told that the client asked for port 80."""
    _tell(configuration, scope, {"X-Forwarded-Port": "80"})


def real_ip_forged(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Every server is told another address than the client's."""
    _tell(configuration, scope, {"X-Real-Ip": FORGED})


def header_stripped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """One of the client's own headers does not arrive."""
    _tell(configuration, scope, {"X-Many-7": ""})


def upgrade_stripped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A client's wish for another protocol does not arrive."""
    _tell(configuration, scope, {"Connection": "", "Upgrade": ""})


def connection_closed_after_each_request(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The proxies close a connection to a service's second port once it has had an answer."""
    for _, router in parts.routers(configuration, scope):
        if parts.FIRST not in router.get("entryPoints", []):
            router["middlewares"] = [*router.get("middlewares", []), "mutant"]
            parts.add(configuration, "middlewares", "mutant", CLOSING)


def connection_not_kept(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The proxies close a connection to the first port of ``server`` once it has had an answer."""
    for _, router in parts.routers(configuration, scope, "server"):
        if parts.FIRST in router.get("entryPoints", []):
            router["middlewares"] = [*router.get("middlewares", []), "mutant"]
            parts.add(configuration, "middlewares", "mutant", CLOSING)


def response_buffered(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """An answer is passed on once it is whole."""
    whole = {"buffering": {"memResponseBodyBytes": 1_048_576}}
    parts.use(configuration, scope, whole, "server", "server-h2c")


def in_flight_limit(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A second request while one is answered is refused."""
    parts.use(configuration, scope, {"inFlightReq": {"amount": 1}}, "overhead")


def requests_doubled(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Every request reaches a service's pods twice, once by a way that its counter does not see."""
    services = parts.section(configuration, "services")
    for name, router in parts.routers(configuration, scope, "server", "mw-gentle", "mw-retry"):
        asked = router.get("service", "")
        if "loadBalancer" in services.get(asked, {}):
            mirrors = [{"name": f"{name}-copy", "percent": 100}]
            doubled: dict[str, Any] = {"mirroring": {"service": asked, "mirrors": mirrors}}
            parts.add(configuration, "services", f"{name}-copy", services[asked])
            parts.add(configuration, "services", f"{name}-doubled", doubled)
            router["service"] = f"{name}-doubled"


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    path_prefix_added,
    path_cleaned,
    method_refused,
    preflight_answered_by_proxy,
    answers_compressed,
    body_limit,
    error_page_replaced,
    forwarded_header_stripped,
    forwarded_header_forged,
    forwarded_host_stripped,
    forwarded_for_stripped,
    forwarded_port_always_80,
    real_ip_forged,
    header_stripped,
    upgrade_stripped,
    connection_closed_after_each_request,
    connection_not_kept,
    response_buffered,
    in_flight_limit,
    requests_doubled,
)
