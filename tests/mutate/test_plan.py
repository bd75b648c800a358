"""Which checks run against a mutant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from meshproof.model.mutant import MutantKind
from meshproof.model.requirement import Level, Requirement, Subject
from meshproof.model.verdict import VerdictState
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.plan import SAMPLE, Outcome, bystanders, explained, killers_of, needs_of


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """A change that changes nothing."""

    kind: MutantKind = MutantKind.SERVED

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        del ground
        yield


def row(name: str, *mutants: str) -> Requirement:
    return Requirement(
        id=name,
        statement="It MUST.",
        level=Level.CORE,
        feature="routing",
        source="s",
        subject=Subject.MESH,
        mutants=list(mutants),
    )


CATALOGUE = {
    each.id: each
    for each in [
        row("TM-DNS-001", "no-dns"),
        row("TM-DNS-004"),
        row("TM-ROUTE-001", "no-dns", "broken"),
        row("TM-METRIC-002"),
        *(row(f"TM-ROUTE-{number:03}") for number in range(10, 30)),
        row("TM-TRACE-001", "broken"),
    ]
}


def mutant(name: str = "broken", **disturbs: str) -> Mutant:
    return Mutant(
        name=name,
        breaks="b",
        change=Nothing(),
        disturbs={key.replace("_", "-"): why for key, why in disturbs.items()},
    )


def outcome(requirement: str, state: VerdictState = VerdictState.PASSED, seconds: float = 0.1) -> Outcome:
    return Outcome(
        test=f"test of {requirement}", requirements=(requirement,), state=state, said="", seconds=seconds
    )


ALL = [outcome(name) for name in CATALOGUE]


def test_killers_are_the_requirements_that_name_it() -> None:
    assert killers_of("broken", CATALOGUE) == ["TM-ROUTE-001", "TM-TRACE-001"]


def test_a_requirement_does_not_build_on_itself() -> None:
    assert needs_of(CATALOGUE["TM-ROUTE-001"]) == ("TM-DNS-001", "TM-METRIC-002")
    assert needs_of(CATALOGUE["TM-DNS-001"]) == ()


def test_everyone_is_everyone_who_passed_and_is_no_killer() -> None:
    rehearsed = [*ALL, outcome("TM-ROUTE-030", VerdictState.FAILED)]

    found = bystanders(mutant(), rehearsed, CATALOGUE, everyone=True)

    assert set(found) == {each.test for each in ALL} - {"test of TM-ROUTE-001", "test of TM-TRACE-001"}


def test_a_sample_is_small_and_the_same_every_time() -> None:
    rehearsed = [outcome("TM-DNS-004"), *(outcome("TM-INSTALL-001") for _ in range(0))]
    catalogue = {**CATALOGUE, **{f"TM-INSTALL-{n:03}": row(f"TM-INSTALL-{n:03}") for n in range(20)}}
    rehearsed = [outcome(name) for name in catalogue]

    first, second = (bystanders(mutant(), rehearsed, catalogue, everyone=False) for _ in range(2))

    assert len(first) == SAMPLE
    assert first == second


@pytest.mark.parametrize(
    "left_out",
    [
        pytest.param(outcome("TM-DNS-004", seconds=9.0), id="slow"),
        pytest.param(outcome("TM-DNS-004", VerdictState.FAILED_EXPECTED), id="fails anyway"),
        pytest.param(outcome("TM-ROUTE-012"), id="built on what the mutant breaks"),
    ],
)
def test_the_sample_leaves_out_what_would_say_nothing(left_out: Outcome) -> None:
    assert bystanders(mutant(), [left_out], CATALOGUE, everyone=False) == []


def test_failures_are_explained_by_what_is_declared_or_broken() -> None:
    disturbing = mutant(TM_TRACE="it draws traces")

    assert explained(["TM-TRACE-001"], disturbing, [], CATALOGUE) == "it draws traces"
    assert explained(["TM-ROUTE-012"], disturbing, ["TM-DNS-001"], CATALOGUE) == (
        "blocked: TM-DNS-001 does not hold"
    )
    assert explained(["TM-ROUTE-012"], disturbing, ["TM-ROUTE-011"], CATALOGUE) is None
