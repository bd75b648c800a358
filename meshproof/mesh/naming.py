"""Names that Traefik Mesh derives from a service's: in DNS, and of its shadow service.

Source: traefik/mesh v1.4.8, ``pkg/controller/service.go`` and ``pkg/dns/dns.go``.
"""

from typing import Final

__all__ = [
    "DOMAIN",
    "OLD_DOMAIN",
    "mesh_host",
    "shadow_service_name",
]

DOMAIN: Final = "traefik.mesh"
OLD_DOMAIN: Final = "maesh"  # deprecated upstream, still served

_MARK: Final = "6d61657368"  # "maesh" in hexadecimal, between the service's name and its namespace


def mesh_host(service: str, namespace: str) -> str:
    """The DNS name that leads through the mesh, without a trailing dot."""
    return f"{service}.{namespace}.{DOMAIN}"


def shadow_service_name(service: str, namespace: str, *, mesh_namespace: str) -> str:
    """The shadow service's name; beyond 63 characters, a DNS label's (RFC 1035), Kubernetes refuses it."""
    return f"{mesh_namespace}-{service}-{_MARK}-{namespace}"
