"""What a Traefik proxy says of its own routers and services.

Source: Traefik documentation, "API", /api/rawdata.
"""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["not_enabled"]

_SECTIONS: Final = (
    "routers",
    "services",
    "middlewares",
    "tcpRouters",
    "tcpServices",
    "udpRouters",
    "udpServices",
)


def not_enabled(rawdata: Mapping[str, Any]) -> list[str]:
    """Everything whose status is another than ``enabled``, each with the proxy's own words."""
    return [
        f"{section} {name} is {each.get('status')}: {', '.join(each.get('error', [])) or 'no reason given'}"
        for section in _SECTIONS
        for name, each in sorted((rawdata.get(section) or {}).items())
        if each.get("status") != "enabled"
    ]
