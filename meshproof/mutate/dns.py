"""Mutants of the cluster's DNS: CoreDNS with another configuration than the mesh has prepared."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.mesh.naming import OLD_DOMAIN
from meshproof.model.mutant import MutantKind
from meshproof.mutate.corefiles import in_root, in_zones, only_over_udp, put, swapped, without_zones
from meshproof.mutate.dns_names import (
    also_past_the_mesh,
    case_sensitive,
    external_answered,
    search_list_answered,
    slow,
    through_the_mesh,
    to_plain_services,
)
from meshproof.mutate.edits import NothingChangedError
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.rollouts import wait_rolled_out

__all__ = ["MUTANTS", "Corefile"]

_KUBE_DNS: Final = "/apis/apps/v1/namespaces/kube-system/deployments/kube-dns"
_MARK: Final = "dev.meshproof/mutant"  # an annotation of CoreDNS's pod template: new pods, which read anew


@dataclass(frozen=True, kw_only=True)
class Corefile:
    """CoreDNS runs with an edited Corefile: new pods with empty caches, as soon as they are ready.

    ``served`` names a change of the served configuration that is in force with it.
    """

    edit: Callable[[str, Ground], str]
    served: str = ""
    kind: MutantKind = MutantKind.DNS

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """All of CoreDNS's pods are new ones inside the block, and again after it."""
        config_map, *deployments = _coredns(ground)
        kept = str(ground.kube.get(config_map)["data"]["Corefile"])
        changed = self.edit(kept, ground)
        if changed == kept:
            raise NothingChangedError(config_map)
        try:
            _give(ground, config_map, changed)
            _renew(ground, deployments, "applied")
            if self.served:
                ground.shim.follow(ground.shim.order(self.served, namespace=ground.namespace))
            yield
        finally:
            _give(ground, config_map, kept)
            _renew(ground, deployments, None)
            if self.served:
                ground.shim.follow(ground.shim.order())


def _coredns(ground: Ground) -> tuple[str, ...]:
    """ConfigMap and Deployment of the CoreDNS with the mesh's zones: the mesh's own, else the cluster's.

    Then the Deployment of a kube-dns that asks it, which remembers its answers.
    """
    for namespace in (ground.mesh.settings.namespace, "kube-system"):
        deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/coredns"
        if ground.kube.find(deployment) is not None:
            break
    asking = [_KUBE_DNS] if ground.kube.find(_KUBE_DNS) is not None else []
    return f"/api/v1/namespaces/{namespace}/configmaps/coredns", deployment, *asking


def _give(ground: Ground, config_map: str, corefile: str) -> None:
    ground.kube.merge(config_map, {"data": {"Corefile": corefile}})


def _renew(ground: Ground, deployments: Iterable[str], mark: str | None) -> None:
    for each in deployments:
        _mark(ground, each, mark)
        wait_rolled_out(ground.kube, each)


def _mark(ground: Ground, deployment: str, mark: str | None) -> None:
    metadata: dict[str, Any] = {"annotations": {_MARK: mark}}
    ground.kube.merge(deployment, {"spec": {"template": {"metadata": metadata}}})


def _always(edit: Callable[[str], str]) -> Callable[[str, Ground], str]:
    """An edit for which it does not matter where it is applied."""
    return lambda corefile, _: edit(corefile)


_EVERYTHING_RESOLVES: Final = in_zones(
    swapped(
        ("fallthrough in-addr.arpa ip6.arpa", "fallthrough"),
        ("forward . /etc/resolv.conf", "erratic {\n        drop 0\n    }"),
    )
)
_UNKNOWN_FAILS: Final = in_zones(put("rewrite continue rcode regex -6d61657368- NXDOMAIN SERVFAIL"))
_DAYS: Final = in_zones(
    lambda block: re.sub(r"\n[ \t]*cache [^\n]*", "", put("rewrite continue ttl regex .* 86400")(block))
)
_AAAA_NXDOMAIN: Final = in_zones(put("template IN AAAA cluster.local {", "    rcode NXDOMAIN", "}"))

# The failure of a later plugin is given the name that was asked for only where a rewrite is the last one.
_AAAA_SERVFAIL: Final = in_zones(
    lambda block: put("template IN AAAA cluster.local {", "    rcode SERVFAIL", "}")(
        block.replace("rewrite continue {", "rewrite stop {")
    )
)
_NO_DIGITS: Final = in_zones(swapped((r"name regex ([a-zA-Z0-9-_]*)\.", r"name regex ([a-zA-Z-_]*)\.")))

_OTHER_ZONES: Final = {
    "TM-DNS-006": "the Corefile's blocks are others",
    "TM-RES-010": "it looks for the blocks",
}
_WITHOUT_AAAA: Final = {"TM-": "a resolver may take it for the answer about the name"}
_DIGITS: Final = dict.fromkeys(
    ("TM-DNS", "TM-ROUTE", "TM-MW", "TM-SMI", "TM-SEC"), "a service with a digit in its name is not found"
)

MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="dns-block-missing",
        breaks="CoreDNS has no server block for the mesh's zones.",
        change=Corefile(edit=_always(without_zones())),
        disturbs={"TM-DNS": "nobody in the cluster answers for the mesh's zones"},
    ),
    Mutant(
        name="dns-old-block-missing",
        breaks="CoreDNS has no server block for the mesh's older zone.",
        change=Corefile(edit=_always(without_zones(f"{OLD_DOMAIN}:53"))),
        disturbs={"TM-DNS-014": "nobody in the cluster answers for the older zone", **_OTHER_ZONES},
    ),
    Mutant(
        name="dns-to-plain-service",
        breaks="A mesh name leads to the service itself, past every proxy.",
        change=Corefile(edit=_always(to_plain_services)),
        disturbs={"TM-DNS": "mesh names have other addresses than the shadow services'"},
    ),
    Mutant(
        name="dns-second-address",
        breaks="The mesh name of a service has the address of the service itself for a second one.",
        change=Corefile(edit=also_past_the_mesh),
        disturbs={"TM-": "some requests go past the mesh"},
    ),
    Mutant(
        name="dns-old-name-past-the-mesh",
        breaks="A mesh name of the older domain leads to the service itself, past every proxy.",
        change=Corefile(edit=lambda corefile, _: to_plain_services(corefile, f"{OLD_DOMAIN}:53")),
    ),
    Mutant(
        name="unknown-name-resolves",
        breaks="A name of the mesh's zones without a service behind it has the address of nobody.",
        change=Corefile(edit=_always(_EVERYTHING_RESOLVES)),
        disturbs={"TM-DNS": "names resolve that are not to", "TM-ROUTE": "names resolve that are not to"},
    ),
    Mutant(
        name="unknown-name-servfail",
        breaks="A mesh name of an unknown service is answered as a failure of the server.",
        change=Corefile(edit=_always(_UNKNOWN_FAILS)),
        disturbs={
            "TM-DNS": "a name that is not there cannot be told from a server that fails",
            "TM-ROUTE": "a name that is not there cannot be told from a server that fails",
        },
    ),
    Mutant(
        name="aaaa-servfail",
        breaks="The question for the IPv6 address of a mesh name is answered as a failure of the server.",
        change=Corefile(edit=_always(_AAAA_SERVFAIL)),
        disturbs=_WITHOUT_AAAA,
    ),
    Mutant(
        name="aaaa-nxdomain",
        breaks="The question for the IPv6 address of a mesh name is answered as if there were no such name.",
        change=Corefile(edit=_always(_AAAA_NXDOMAIN)),
        disturbs=_WITHOUT_AAAA,
    ),
    Mutant(
        name="ttl-of-a-day",
        breaks="What is said about a mesh name may be kept for a day.",
        change=Corefile(edit=_always(_DAYS)),
    ),
    Mutant(
        name="dns-slow",
        breaks="A look-up of a mesh name takes two seconds.",
        change=Corefile(edit=slow),
        disturbs={"TM-": "each connection waits two seconds for the address"},
    ),
    Mutant(
        name="plain-name-through-the-mesh",
        breaks="A service's own name leads through the mesh.",
        change=Corefile(edit=through_the_mesh, served="plain-host-routed"),
        disturbs={"TM-": "what is compared with the way past the mesh is compared with the mesh"},
    ),
    Mutant(
        name="search-list-hijacked",
        breaks="The names that a pod's search list makes of a mesh name resolve.",
        change=Corefile(edit=search_list_answered),
        disturbs=_OTHER_ZONES,
    ),
    Mutant(
        name="dns-pattern-without-digits",
        breaks="A mesh name is found only where the service's name has no digit.",
        change=Corefile(edit=_always(_NO_DIGITS)),
        disturbs=_DIGITS,
    ),
    Mutant(
        name="dns-case-sensitive",
        breaks="A mesh name in capitals is answered as a failure of the server.",
        change=Corefile(edit=case_sensitive),
        disturbs={"TM-DNS": "mesh names are aliases, and exist without a service", "TM-ROUTE-047": "as well"},
    ),
    Mutant(
        name="external-name-taken-in",
        breaks="An ExternalName service has a mesh name.",
        change=Corefile(edit=external_answered),
        disturbs={"TM-ROUTE-042": "it looks at the name of such a service"},
    ),
    Mutant(
        name="dns-tcp-missing",
        breaks="Mesh names are not known over TCP.",
        change=Corefile(edit=_always(in_zones(only_over_udp))),
    ),
    Mutant(
        name="corefile-rewritten",
        breaks="CoreDNS's own server block is not what it was before the install.",
        change=Corefile(edit=_always(in_root(swapped(("    loadbalance\n", ""))))),
    ),
)
