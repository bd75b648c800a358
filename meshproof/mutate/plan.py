"""Which checks run against a mutant, and what their outcomes mean. Pure."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from meshproof.model.requirement import Requirement
from meshproof.model.verdict import VerdictState
from meshproof.mutate.mutant import Mutant

__all__ = ["Outcome", "bystanders", "explained", "killers_of", "needs_of"]

SAMPLE: Final = 4  # bystanders of a mutant, where not all of them run
LONGEST_S: Final = 2.0  # of a bystander in the sample: the check of a mutant is to take seconds

# What must hold before anything of an area can be judged: a name that leads to the mesh, a request that
# crosses it, and the counter that is the witness of it.
_CARRIES: Final = ("TM-DNS-001", "TM-ROUTE-001", "TM-METRIC-002")
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "dns": ("TM-DNS-001",),
    "routing": _CARRIES,
    "middlewares": _CARRIES,
    "smi": _CARRIES,
    "tracing": _CARRIES,
    "metrics": _CARRIES,
    "security": _CARRIES,
    "resilience": _CARRIES,
    "overhead": _CARRIES,
}

_ALSO: Final = {"TM-INSTALL-023": _CARRIES}  # of another area, and yet it sends a request through the mesh


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one test came to, once."""

    test: str
    requirements: tuple[str, ...]
    state: VerdictState
    said: str
    seconds: float


def killers_of(name: str, catalogue: Mapping[str, Requirement]) -> list[str]:
    """The requirements that name a mutant, in the catalogue's order."""
    return [each.id for each in catalogue.values() if name in each.mutants]


def needs_of(requirement: Requirement) -> tuple[str, ...]:
    """The requirements without which this one cannot be judged."""
    needs = (*_NEEDS.get(requirement.area, ()), *_ALSO.get(requirement.id, ()))
    return tuple(each for each in needs if each != requirement.id)


def bystanders(
    mutant: Mutant,
    rehearsed: Sequence[Outcome],
    catalogue: Mapping[str, Requirement],
    *,
    everyone: bool,
) -> list[str]:
    """Tests that passed without the mutant and that it is not to touch: all of them, or a small sample.

    The same mutant has the same sample every time, without those whose failure would be explained.
    """
    killers = killers_of(mutant.name, catalogue)
    able = [
        each
        for each in rehearsed
        if each.state is VerdictState.PASSED and not set(killers).intersection(each.requirements)
    ]
    if everyone:
        return [each.test for each in able]
    short = [
        each.test
        for each in able
        if each.seconds <= LONGEST_S and explained(each.requirements, mutant, killers, catalogue) is None
    ]
    dice = random.Random(mutant.name)  # noqa: S311 - a sample, no secret
    return sorted(dice.sample(short, min(SAMPLE, len(short))))


def explained(
    requirements: Iterable[str],
    mutant: Mutant,
    broken: Collection[str],
    catalogue: Mapping[str, Requirement],
) -> str | None:
    """Why a bystander's failure says nothing: the mutant declares it, or what it builds on is broken."""
    for name in requirements:
        for beginning, reason in mutant.disturbs.items():
            if name.startswith(beginning):
                return reason
        for need in needs_of(catalogue[name]):
            if need in broken:
                return f"blocked: {need} does not hold"
    return None
