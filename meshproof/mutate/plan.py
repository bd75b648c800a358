"""Which checks run against a mutant, and what their outcomes mean. Pure."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from meshproof.model.requirement import Requirement
from meshproof.model.verdict import VerdictState
from meshproof.mutate.mutant import Mutant

__all__ = [
    "CARRIES",
    "Outcome",
    "bystanders",
    "candidates",
    "explained",
    "killers_of",
    "needs_of",
    "takes_down",
]

_FAULTS: Final = "resilience"  # area whose checks take half a minute each, and pods or nodes down
_STOP_COLLECTOR: Final = {
    "TM-TRACE-015",
    "TM-TRACE-016",
}  # spans are lost for a while after it
_USES_UP: Final = "middlewares"
SAMPLE: Final = 4  # bystanders of a mutant, where not all of them run
LONGEST_S: Final = 1.0  # of a bystander in the sample: the check of a mutant is to take seconds

# What must hold before anything of an area can be judged: a name that leads to the mesh, a request that
# crosses it, and the counter that is the witness of it.
CARRIES: Final = ("TM-DNS-001", "TM-ROUTE-001", "TM-METRIC-002")
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "dns": ("TM-DNS-001",),
    "routing": CARRIES,
    "middlewares": CARRIES,
    "smi": CARRIES,
    "tracing": CARRIES,
    "metrics": CARRIES,
    "security": CARRIES,
    "resilience": CARRIES,
    "overhead": CARRIES,
}

_ALSO: Final = {"TM-INSTALL-023": CARRIES}  # of another area, and yet it sends a request through the mesh


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


def candidates(
    mutant: Mutant, tests: Mapping[str, Collection[str]], catalogue: Mapping[str, Requirement]
) -> list[str]:
    """Of ``tests`` (test -> its requirements) those that may be in the mutant's sample of bystanders.

    The same mutant has the same ones every time, without those whose failure would be explained. They are
    some more than the sample, as not all of them may pass without the mutant.
    """
    killers = killers_of(mutant.name, catalogue)
    able = sorted(
        test
        for test, names in tests.items()
        if not set(killers).intersection(names)
        and not takes_down(names, catalogue)
        and not _leaves_state(names, catalogue)
        and explained(names, mutant, killers, catalogue) is None
    )
    dice = random.Random(mutant.name)  # noqa: S311 - a sample, no secret
    return dice.sample(able, min(3 * SAMPLE, len(able)))


def bystanders(
    mutant: Mutant,
    rehearsed: Mapping[str, Outcome],
    catalogue: Mapping[str, Requirement],
    *,
    drawn: Sequence[str] | None,
) -> list[str]:
    """Tests that passed without the mutant and that it is not to touch: the first short ones of ``drawn``.

    Without ``drawn`` (from ``candidates``) all of them, but for those that take something down themselves.
    """
    killers = killers_of(mutant.name, catalogue)
    able = {
        name: each
        for name, each in rehearsed.items()
        if each.state is VerdictState.PASSED
        and not set(killers).intersection(each.requirements)
        and not takes_down(each.requirements, catalogue)
    }
    if drawn is None:
        return list(able)
    return sorted([name for name in drawn if name in able and able[name].seconds <= LONGEST_S][:SAMPLE])


def takes_down(requirements: Iterable[str], catalogue: Mapping[str, Requirement]) -> bool:
    """Whether a check of these requirements breaks something itself: it is no bystander, and comes last."""
    return any(catalogue[name].area == _FAULTS or name in _STOP_COLLECTOR for name in requirements)


def _leaves_state(requirements: Iterable[str], catalogue: Mapping[str, Requirement]) -> bool:
    """Whether a check uses up limits or opens breakers, which it would find so if it ran again soon."""
    return any(catalogue[name].area == _USES_UP for name in requirements)


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
