"""SMI objects as a proxy has them: read from its own configuration (Traefik's ``/api/rawdata``). Pure.

Names of routers, services and middlewares are those of Traefik Mesh v1.4.8, ``pkg/provider/key.go``.
"""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["split_weights", "target_sources", "tcp_split_weights"]

_PROVIDER: Final = "@http"
_BACKEND: Final = "-traffic-split-backend"


def split_weights(
    configuration: Mapping[str, Any], split: str, *, service: str, namespace: str, port: int = 80
) -> dict[str, int] | None:
    """Backend -> weight, as the proxy divides requests to ``service`` now; None where it does not."""
    key = f"{namespace}-{service}-{split}-{port}"
    router = _find(configuration, "routers", f"{key}-traffic-split-direct")
    divided = _find(configuration, "services", f"{key}-traffic-split")
    if router.get("status") != "enabled":
        return None
    return _weights(divided, prefix=f"{key}-")


def tcp_split_weights(
    configuration: Mapping[str, Any], split: str, *, service: str, namespace: str, port: int
) -> dict[str, int] | None:
    """As ``split_weights``, for a service of traffic type tcp."""
    divided = _find(configuration, "tcpServices", f"{namespace}-{service}-{port}")
    return _weights(divided, prefix=f"{namespace}-{service}-{split}-{port}-")


def target_sources(
    configuration: Mapping[str, Any], target: str, *, service: str, namespace: str, port: int = 80
) -> list[str] | None:
    """The addresses that a TrafficTarget lets in, sorted; None where the proxy does not have the target."""
    router = _find(configuration, "routers", f"{namespace}-{service}-{target}-{port}-traffic-target-direct")
    key = f"{namespace}-{service}-{target}-whitelist-traffic-target-direct"
    middleware = _find(configuration, "middlewares", key)
    if router.get("status") != "enabled":
        return None
    return sorted(middleware.get("ipWhiteList", {}).get("sourceRange", []))


def _weights(service: Mapping[str, Any], *, prefix: str) -> dict[str, int] | None:
    backends = service.get("weighted", {}).get("services")
    if backends is None:
        return None
    names = [str(each["name"]).removesuffix(_PROVIDER) for each in backends]
    return {
        name.removeprefix(prefix).removesuffix(_BACKEND): int(each.get("weight", 1))
        for name, each in zip(names, backends, strict=True)
    }


def _find(configuration: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (configuration.get(section) or {}).get(f"{name}{_PROVIDER}") or {}
    return found
