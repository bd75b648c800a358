"""What Traefik Mesh promises, by its version: what its documentation says it does and does not do."""

from collections.abc import Mapping
from typing import Final

from meshproof.mesh.adapter import Feature

__all__ = ["features", "unsupported"]

_UNSUPPORTED: Final[Mapping[Feature, str]] = {
    Feature.MTLS: "Traefik Mesh has no mTLS (documentation, Configuration, Scheme)",
    Feature.TRAFFIC_METRICS: "Traefik Mesh does not implement the SMI Traffic Metrics specification "
    "(documentation, Configuration, Traffic Metrics)",
    Feature.UDP_ACCESS_CONTROL: "UDP does not work in ACL mode (documentation, Configuration, Traffic type)",
}


def features(version: str) -> frozenset[Feature]:
    """What ``version`` (``v1.4.8``) does."""
    return frozenset(Feature) - unsupported(version).keys()


def unsupported(version: str) -> Mapping[Feature, str]:
    """What ``version`` does not do, with the reason. No release differs; a later one gets a branch here."""
    del version
    return _UNSUPPORTED
