"""What a Traefik configuration says of middlewares: which, in which order, what is wrong with a router."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["chains", "complaints", "middleware"]

_PROVIDER: Final = "@http"


def chains(configuration: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """HTTP router -> its middlewares in the order in which a request meets them; only routers with some."""
    return {
        name.removesuffix(_PROVIDER): tuple(each.removesuffix(_PROVIDER) for each in router["middlewares"])
        for name, router in _section(configuration, "routers").items()
        if router.get("middlewares")
    }


def middleware(configuration: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """One HTTP middleware's settings, as ``{"retry": {"attempts": 2}, ...}``; None when it is not there."""
    found = _section(configuration, "middlewares")
    settings = found.get(name) or found.get(f"{name}{_PROVIDER}")
    return settings if isinstance(settings, Mapping) else None


def complaints(configuration: Mapping[str, Any]) -> dict[str, str]:
    """HTTP router -> why the proxy does not serve it, from a proxy's own configuration."""
    return {
        name.removesuffix(_PROVIDER): "; ".join(router["error"])
        for name, router in _section(configuration, "routers").items()
        if router.get("error")
    }


def _section(configuration: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Nested under ``http`` at the controller, flat at a proxy."""
    section = configuration.get("http", configuration).get(what)
    return section if isinstance(section, Mapping) else {}
