"""Mutants of TrafficSplits: how requests and connections are divided, and among whom."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

BACKEND: Final = "-traffic-split-backend"
SPLIT: Final = "-traffic-split"
SPLITS_FIRST: Final = 3000  # by how much a split's router comes before the service's own
NOT_FORWARDED: Final = "!HeadersRegexp(`X-Forwarded-For`, `.+`)"  # asked by a client, not by a proxy

Backends = list[dict[str, Any]]


def _splits(
    configuration: parts.Configuration, scope: parts.Scope, *services: str, protocol: str = "http"
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The service and the balancer of each split, or of the splits of these services."""
    for name, service in list(parts.section(configuration, "services", protocol).items()):
        if "weighted" in service and name.startswith(f"{scope.namespace}-"):
            key = name.removesuffix(SPLIT).removeprefix(f"{scope.namespace}-").rpartition("-")[0]
            half = key[: len(key) // 2]  # a split of the run is named for its service
            split = half if protocol == "http" and key == f"{half}-{half}" else key
            if not services or split in services:
                yield split, service["weighted"]


def _leads_to(configuration: parts.Configuration, backend: str) -> str:
    """The service that a backend of a split is."""
    balancer = parts.section(configuration, "services").get(backend, {}).get("loadBalancer", {})
    urls = [each["url"] for each in balancer.get("servers", [])]
    return re.sub(r"^\w+://|[.].*$", "", urls[0]) if urls else ""


def _split_routers(
    configuration: parts.Configuration, scope: parts.Scope, *services: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, router in parts.routers(configuration, scope, *services):
        if SPLIT in name:
            yield name, router


def split_weights_swapped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The backends of a split have each other's weights."""
    for protocol in ("http", "tcp"):
        for _, split in _splits(configuration, scope, "shop", "market", "shop-tcp", protocol=protocol):
            weights = [each.get("weight", 1) for each in split["services"]]
            for backend, weight in zip(split["services"], reversed(weights), strict=True):
                backend["weight"] = weight


def split_weights_equal(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The backends of a split share alike, whatever their weights."""
    for _, split in _splits(configuration, scope, "shop"):
        for backend in split["services"]:
            backend["weight"] = 1


def split_zero_weight_as_one(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A backend of weight 0 has weight 1."""
    for _, split in _splits(configuration, scope):
        for backend in split["services"]:
            backend["weight"] = backend.get("weight", 1) or 1


def split_zero_weight_trickles(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A backend of weight 0 gets a request where the others get forty or more."""
    for _, split in _splits(configuration, scope):
        others = sum(each.get("weight", 1) for each in split["services"])
        if others and any(each.get("weight", 1) == 0 for each in split["services"]):
            for backend in split["services"]:
                backend["weight"] = backend.get("weight", 1) * -(-40 // others) or 1


def split_weights_rounded(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """The shares of a split are rounded to quarters."""
    for protocol in ("http", "tcp"):
        for _, split in _splits(configuration, scope, protocol=protocol):
            weights = [each.get("weight", 1) for each in split["services"]]
            for backend, weight in zip(split["services"], weights, strict=True):
                backend["weight"] = max(round(4 * weight / sum(weights)), 1) if weight else 0


def split_weights_shared(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A split has the weights of another one over the same backends."""
    lent: Backends = next((split["services"] for _, split in _splits(configuration, scope, "shop")), [])
    for _, split in _splits(configuration, scope, "market"):
        for backend, other in zip(split["services"], lent, strict=False):
            backend["weight"] = other.get("weight", 1)


def split_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A split service leads to its own pods."""
    for name, _ in _split_routers(configuration, scope, "shop"):
        del parts.section(configuration, "routers")[name]


def split_backend_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A split lacks its last backend."""
    for _, split in _splits(configuration, scope, "shop", "weak"):
        if len(split["services"]) > 1:
            del split["services"][-1]


def split_empty_backend_breaks_all(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Where one backend of a split has no pod, it gets all requests."""
    empty = {
        name.removeprefix(f"{scope.namespace}-").rpartition("-")[0]
        for name, balancer in parts.balancers(configuration, scope)
        if not balancer.get("servers")
    }
    for _, split in _splits(configuration, scope):
        idle = [each for each in split["services"] if _leads_to(configuration, each["name"]) in empty]
        if idle:
            split["services"] = idle


def split_chain_broken(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A backend that is split itself has no server."""
    divided = {service for service, _ in _splits(configuration, scope)}
    for _, split in _splits(configuration, scope):
        for backend in split["services"]:
            if _leads_to(configuration, backend["name"]) in divided:
                service = parts.section(configuration, "services")[backend["name"]]
                service["loadBalancer"].pop("servers", None)


def split_applied_to_backends(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Who asks a split's backend by its own name is divided, too."""
    for name, _ in parts.routers(configuration, scope, "v2"):
        divided = f"{scope.namespace}-market-market-{name.rpartition('-')[2]}{SPLIT}"
        if SPLIT not in name and divided in parts.section(configuration, "services"):
            parts.branch(configuration, name, "divided", NOT_FORWARDED, service=divided)


def split_matches_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A split divides all requests, whether they match or not."""
    for _, router in _split_routers(configuration, scope):
        router["rule"] = re.sub(r"^\(([^()]*(?:\([^()]*\)[^()]*)*)\) && .*$", r"\1", router["rule"])


def _give_backend(
    configuration: parts.Configuration, scope: parts.Scope, service: str, backend: str, name: str
) -> Backends:
    """A backend of a split with a service of its own, as one more entry of weight 1."""
    key = f"{scope.namespace}-{service}-{service}-80-{backend}{BACKEND}"
    servers = [{"url": f"http://{name}.{scope.namespace}.traefik.mesh:80"}]
    parts.add(configuration, "services", key, {"loadBalancer": {"servers": servers, "passHostHeader": False}})
    return [{"name": key, "weight": 1}]


def split_invalid_backend_kept(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A backend that does not exist, or lacks the port, gets its share."""
    for service, backend in (("ghostly", "no-such-service"), ("mismatched", "elsewhere")):
        for _, split in _splits(configuration, scope, service):
            split["services"] += _give_backend(configuration, scope, service, backend, backend)


def split_invalid_breaks_service(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service whose split names a backend that is none has no router."""
    for name, _ in parts.routers(configuration, scope, "ghostly", "mismatched"):
        del parts.section(configuration, "routers")[name]


def split_circle_followed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A split that has its own service for a backend divides, half of it to itself each time."""
    for name, router in parts.routers(configuration, scope, "selfish"):
        if SPLIT in name:
            continue
        key = f"{scope.namespace}-selfish-selfish-80{SPLIT}"
        halves = [
            *_give_backend(configuration, scope, "selfish", "selfish", "selfish"),
            *_give_backend(configuration, scope, "selfish", "v1", "v1"),
        ]
        priority = router.get("priority", 0) + SPLITS_FIRST
        parts.add(configuration, "services", key, {"weighted": {"services": halves}})
        parts.add(configuration, "routers", f"{key}-direct", {**router, "service": key, "priority": priority})


def split_backend_port_wrong(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Where a split service leads to a port by its name its backends are asked at port 0."""
    for name, service in parts.section(configuration, "services", "tcp").items():
        if name.startswith(f"{scope.namespace}-named-tcp-") and name.endswith(BACKEND):
            parts.swap_port(service.get("loadBalancer", {}), "0")


def tcp_split_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A split TCP service leads to its own pods, which are those of ``server-tcp``."""
    services = parts.section(configuration, "services", "tcp")
    lenders = parts.balancers(configuration, scope, "server-tcp", protocol="tcp")
    own = next((each["servers"] for _, each in lenders if each.get("servers")), None)
    for name, service in list(services.items()):
        if own and "weighted" in service and name.startswith(f"{scope.namespace}-"):
            services[name] = {"loadBalancer": {"servers": [dict(each) for each in own]}}


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    split_weights_swapped,
    split_weights_equal,
    split_zero_weight_as_one,
    split_zero_weight_trickles,
    split_weights_rounded,
    split_weights_shared,
    split_ignored,
    split_backend_dropped,
    split_empty_backend_breaks_all,
    split_chain_broken,
    split_applied_to_backends,
    split_matches_ignored,
    split_invalid_backend_kept,
    split_invalid_breaks_service,
    split_circle_followed,
    split_backend_port_wrong,
    tcp_split_ignored,
)
