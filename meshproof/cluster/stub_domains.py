"""kube-dns's configuration as a Corefile: runs in the client image, before the CoreDNS of the stand-in.

Source: Kubernetes documentation (v1.17), Customizing DNS Service: ``stubDomains`` maps a domain to the name
servers that know it, ``upstreamNameservers`` replaces the node's; both are JSON.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

OWN = """\
.:53 {{
    errors
    health {{
        lameduck 2s
    }}
    ready
    kubernetes {domain} in-addr.arpa ip6.arpa {{
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }}
    forward . {upstream}
    cache 30
    loop
    loadbalance
}}
"""
STUB = """\
{domain}:53 {{
    errors
    cache 30
    forward . {servers}
}}
"""


def corefile(config: Mapping[str, str], *, cluster_domain: str) -> str:
    """What CoreDNS needs to answer as a kube-dns with ``config``, the data of its ConfigMap, would.

    Raises ValueError when a value is not the JSON that kube-dns expects: it does not start with that either.
    """
    stubs = json.loads(config.get("stubDomains") or "{}")
    upstream = json.loads(config.get("upstreamNameservers") or "[]")
    blocks = [
        STUB.format(domain=domain, servers=" ".join(servers)) for domain, servers in sorted(stubs.items())
    ]
    own = OWN.format(domain=cluster_domain, upstream=" ".join(upstream) or "/etc/resolv.conf")
    return "\n".join([*blocks, own])


def read(folder: Path) -> dict[str, str]:
    """The data of a mounted ConfigMap."""
    return {each.name: each.read_text() for each in folder.iterdir() if each.is_file()}


if __name__ == "__main__":
    source, target, domain = sys.argv[1:]
    Path(target).write_text(corefile(read(Path(source)), cluster_domain=domain))
