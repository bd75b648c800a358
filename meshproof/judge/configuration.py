"""A Traefik configuration reduced to what routing depends on, from either end.

The controller serves Traefik's dynamic configuration; a proxy tells its runtime configuration, where names
carry ``@http`` (the provider that they came from) and everything of other providers stands beside them.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["lacks_address", "routers", "servers_by_service"]

_PROVIDER: Final = "@http"


def routers(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Router -> its rule, its entry points and its service, of HTTP, TCP and UDP alike."""
    found = {}
    for protocol, section in _sections(configuration, "Routers").items():
        for name, router in section.items():
            points = ",".join(router.get("entryPoints", []))
            service = str(router.get("service", "")).removesuffix(_PROVIDER)
            found[_key(protocol, name)] = f"{router.get('rule', '')} on {points} to {service}"
    return found


def servers_by_service(configuration: Mapping[str, Any]) -> dict[str, list[str]]:
    """Service -> the addresses of its servers, sorted."""
    found = {}
    for protocol, section in _sections(configuration, "Services").items():
        for name, service in section.items():
            servers = service.get("loadBalancer", {}).get("servers", [])
            addresses = sorted(str(each.get("url") or each.get("address")) for each in servers)
            found[_key(protocol, name)] = addresses
    return found


def lacks_address(server: str) -> bool:
    """Whether only the port of a server is known: a proxy that asks there asks itself."""
    return not urlsplit(server if "://" in server else f"//{server}").hostname


def _sections(configuration: Mapping[str, Any], what: str) -> dict[str, dict[str, Any]]:
    """The three protocols' ``Routers`` or ``Services``: nested at the controller, flat at a proxy."""
    lower = what.lower()
    if {"http", "tcp", "udp"} & configuration.keys():
        nested = {each: configuration.get(each) or {} for each in ("http", "tcp", "udp")}
        return {each: nested[each].get(lower) or {} for each in nested}
    keys = {"http": lower, "tcp": f"tcp{what}", "udp": f"udp{what}"}
    return {
        protocol: {
            name: each for name, each in (configuration.get(key) or {}).items() if name.endswith(_PROVIDER)
        }
        for protocol, key in keys.items()
    }


def _key(protocol: str, name: str) -> str:
    plain = name.removesuffix(_PROVIDER)
    return plain if protocol == "http" else f"{protocol}:{plain}"
