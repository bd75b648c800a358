"""Every mutant, by its name."""

from typing import Final

from meshproof.mutate import (
    chart,
    dns,
    flags,
    gated,
    lifecycle,
    loopback,
    network,
    shadows,
    told,
    told_chart,
    told_cluster,
    workloads,
)
from meshproof.mutate.mutant import Mutant
from meshproof.mutate.shimmed import SHIMMED

__all__ = ["GROUPS", "MUTANTS", "PROFILES", "QUICK"]

# Of those that replace the mesh's pods or the cluster's DNS, twice a minute's wait each: some of each kind.
_SOME: Final = frozenset(
    {
        *("tracing-off", "label-off", "access-log-on"),
        *("container-as-root", "requests-missing"),
        *("dns-block-missing", "dns-to-plain-service", "ttl-of-a-day"),
    }
)

# The profiles of the mesh under which mutants are judged. The others install the mesh again or move the
# cluster's DNS while they run: there a mutant would not outlast the first check.
PROFILES: Final = ("plain", "services", "acl", "tcp", "limits", "observed", "two-nodes")

GROUPS: Final = (
    flags.MUTANTS,
    dns.MUTANTS,
    chart.MUTANTS,
    told_chart.MUTANTS,
    told_cluster.MUTANTS,
    told.MUTANTS,
    loopback.MUTANTS,
    workloads.MUTANTS,
    shadows.MUTANTS,
    network.MUTANTS,
    lifecycle.MUTANTS,
    gated.MUTANTS,
    SHIMMED,
)

MUTANTS: Final[dict[str, Mutant]] = {each.name: each for group in GROUPS for each in group}


def _replaces_pods(mutant: Mutant) -> bool:
    change = mutant.change
    rolls_out = isinstance(change, chart.Patched) and change.rollout
    return rolls_out or isinstance(change, flags.ProxyFlags | flags.ControllerFlags | dns.Corefile)


QUICK: Final = tuple(name for name, each in MUTANTS.items() if name in _SOME or not _replaces_pods(each))
