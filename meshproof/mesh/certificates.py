"""Certificates made for the run: an authority that the proxies are told to trust, and one that nobody knows.

The proxies connect to pod addresses, so a server's certificate names every address that its pod may get.
"""

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

import trustme

from meshproof.cluster.kube import KubeApi

__all__ = ["SECRET", "WORKLOADS_OVER_TLS", "Certificates", "pod_addresses"]

SECRET: Final = "certificates"  # noqa: S105  # a Secret's name
WORKLOADS_OVER_TLS: Final = "protocols"  # the file of manifests/workloads/ that needs the Secret

_FLAG: Final = "--serversTransport.rootCAs="


class Certificates:
    """Two authorities, and what each of them signs."""

    def __init__(self) -> None:
        self._trusted = trustme.CA()
        self._unknown = trustme.CA()

    def proxy_values(self) -> dict[str, Any]:
        """Values of the chart by which the proxies trust the first authority."""
        return {"proxy": {"additionalArguments": [self.proxy_argument()]}}

    def proxy_argument(self) -> str:
        """The proxies' argument: Traefik takes a file's name or what would be in it."""
        return _FLAG + self._trusted.cert_pem.bytes().decode()

    def secret(self, addresses: Sequence[str], *, namespace: str) -> dict[str, str]:
        """Files for servers at any of these addresses: one that is to be trusted, and a stranger.

        A third, ``named``, is signed by the trusted authority for the names of its Service, as is usual.
        """
        names = [
            f"named.{namespace}{domain}" for domain in ("", ".svc", ".svc.cluster.local", ".traefik.mesh")
        ]
        files = {}
        for name, authority, identities in (
            ("trusted", self._trusted, addresses),
            ("stranger", self._unknown, addresses),
            ("named", self._trusted, names),
        ):
            issued = authority.issue_cert(*identities)
            files[f"{name}.pem"] = b"".join(each.bytes() for each in issued.cert_chain_pems).decode()
            files[f"{name}-key.pem"] = issued.private_key_pem.bytes().decode()
        return files


def pod_addresses(kube: KubeApi) -> list[str]:
    """Every address that a pod of this cluster may get."""
    ranges = [each["spec"]["podCIDR"] for each in kube.items("/api/v1/nodes")]
    return [str(address) for each in ranges for address in ipaddress.ip_network(each).hosts()]
