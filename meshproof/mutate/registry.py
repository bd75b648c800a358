"""Every mutant, by its name."""

from collections.abc import Iterable, Mapping
from typing import Final

from meshproof.model.mutant import MutantKind
from meshproof.model.requirement import Requirement
from meshproof.mutate import (
    chart,
    dns,
    flags,
    gated,
    installs,
    kube_dns,
    lifecycle,
    loopback,
    network,
    shadows,
    told,
    told_chart,
    told_cluster,
    undiagnosed,
    workloads,
)
from meshproof.mutate.mutant import Mutant
from meshproof.mutate.plan import killers_of
from meshproof.mutate.shimmed import SHIMMED

__all__ = ["GROUPS", "INSTALLING", "MUTANTS", "PROFILES", "QUICK", "profiles_of", "quick_killers_of"]

# Of those that replace the mesh's pods or the cluster's DNS, twice a minute's wait each: some of each kind.
_SOME: Final = frozenset(
    {
        *("tracing-off", "entrypoint-labels-off", "access-log-on"),
        *("container-as-root", "requests-missing"),
        *("dns-block-missing", "dns-to-plain-service", "ttl-of-a-day"),
    }
)

# The killers of the first wait two minutes for what never comes, and all but one notice another that lags,
# too. That of the second waits as long as for a breaker that never closes.
_TOO_LONG: Final = frozenset({"configuration-frozen", "breaker-recovers-slowly"})

# Some of their killers, or all, wait a quarter of a minute and more for what never comes.
_WAITED_FOR: Final = frozenset(
    {
        *("tracing-off", "entrypoint-labels-off", "counter-frozen", "requests-missing"),
        *("proxy-lags", "endpoints-follow-late", "backend-dropped", "backend-stale", "route-dropped"),
        *("whitelist-frozen", "shadow-service-not-made", "dns-to-plain-service"),
        *("one-proxy-misconfigured", "port-dropped", "catch-all-route", "backend-foreign"),
        *("tcp-router-missing", "udp-leads-nowhere", "target-ignored"),
    }
)

# The profiles of the mesh under which mutants are judged.
PROFILES: Final = (
    *("plain", "services", "acl", "tcp", "limits", "observed"),
    *("two-nodes", "lifecycle", "kubedns"),
)

# Those whose checks install and remove the mesh themselves: no shim is there, and the mutants of the install
# are judged there alone.
INSTALLING: Final = ("lifecycle", "kubedns")

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
    installs.MUTANTS,
    kube_dns.MUTANTS,
    undiagnosed.MUTANTS,
)

MUTANTS: Final[dict[str, Mutant]] = {each.name: each for group in GROUPS for each in group}


def profiles_of(mutant: Mutant) -> tuple[str, ...]:
    """The profiles under which a mutant can be applied."""
    return INSTALLING if mutant.change.kind is MutantKind.INSTALL else PROFILES


def _is_slow(mutant: Mutant) -> bool:
    """Whether it replaces pods, or the whole mesh."""
    change = mutant.change
    rolls_out = isinstance(change, chart.Patched) and change.rollout
    restarts = isinstance(change, flags.ProxyFlags | flags.ControllerFlags | dns.Corefile)
    return rolls_out or restarts or change.kind is MutantKind.INSTALL


QUICK: Final = tuple(
    name for name, each in MUTANTS.items() if name in _SOME or not (name in _TOO_LONG or _is_slow(each))
)


def quick_killers_of(name: str, catalogue: Mapping[str, Requirement]) -> list[str]:
    """Of a mutant's killers those that the quick set runs: all but where some of them wait long.

    There it is the first, and those that are to kill no other mutant of the quick set, or only later ones of
    this kind.
    """
    killers = killers_of(name, catalogue)
    if name not in _WAITED_FOR:
        return killers
    return [each for each in killers if each == killers[0] or _first_of(catalogue[each].mutants) == name]


def _first_of(mutants: Iterable[str]) -> str:
    """The mutant of the quick set that a requirement is left to: one that nobody waits for, if there is."""
    quick = [each for each in mutants if each in QUICK]
    return next((each for each in quick if each not in _WAITED_FOR), quick[0] if quick else "")
