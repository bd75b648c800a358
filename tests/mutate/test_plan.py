"""Which checks run against a mutant."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from meshproof.model.mutant import MutantKind
from meshproof.model.requirement import Level, Requirement, Subject
from meshproof.model.verdict import VerdictState
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.plan import SAMPLE, Outcome, bystanders, candidates, explained, killers_of, needs_of


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


def by_test(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    return {each.test: each for each in outcomes}


def test_everyone_is_everyone_who_passed_and_is_no_killer() -> None:
    rehearsed = by_test([*ALL, outcome("TM-ROUTE-030", VerdictState.FAILED)])

    found = bystanders(mutant(), rehearsed, CATALOGUE, drawn=None)

    assert set(found) == {each.test for each in ALL} - {"test of TM-ROUTE-001", "test of TM-TRACE-001"}


def test_candidates_are_few_and_the_same_every_time() -> None:
    catalogue = {**CATALOGUE, **{f"TM-INSTALL-{n:03}": row(f"TM-INSTALL-{n:03}") for n in range(30)}}
    tests = {f"test of {name}": [name] for name in catalogue}

    first, second = (candidates(mutant(), tests, catalogue) for _ in range(2))

    assert len(first) == 3 * SAMPLE
    assert first == second


def test_candidates_leave_out_killers_and_what_is_built_on_them() -> None:
    tests = {each.test: each.requirements for each in ALL}

    found = candidates(mutant(), tests, CATALOGUE)

    assert set(found) == {"test of TM-DNS-001", "test of TM-DNS-004"}


def test_bystanders_are_the_first_of_those_drawn_that_can_say_something() -> None:
    names = [f"TM-INSTALL-{n:03}" for n in range(9)]
    catalogue = {**CATALOGUE, **{name: row(name) for name in names}}
    rehearsed = by_test(
        [
            outcome(names[0], seconds=9.0),
            outcome(names[1], VerdictState.FAILED_EXPECTED),
            *map(outcome, names[2:]),
        ]
    )

    found = bystanders(mutant(), rehearsed, catalogue, drawn=[f"test of {name}" for name in names])

    assert found == [f"test of {name}" for name in names[2 : 2 + SAMPLE]]


@pytest.mark.parametrize("name", ["TM-RES-001", "TM-TRACE-015"])
def test_checks_that_take_something_down_are_no_bystanders(name: str) -> None:
    catalogue = {**CATALOGUE, name: row(name)}
    tests = {f"test of {each}": [each] for each in (name, "TM-DNS-004")}
    rehearsed = by_test([outcome(name), outcome("TM-DNS-004")])

    assert candidates(mutant("other"), tests, catalogue) == ["test of TM-DNS-004"]
    assert bystanders(mutant("other"), rehearsed, catalogue, drawn=None) == ["test of TM-DNS-004"]


def test_failures_are_explained_by_what_is_declared_or_broken() -> None:
    disturbing = mutant(TM_TRACE="it draws traces")

    assert explained(["TM-TRACE-001"], disturbing, [], CATALOGUE) == "it draws traces"
    assert explained(["TM-ROUTE-012"], disturbing, ["TM-DNS-001"], CATALOGUE) == (
        "blocked: TM-DNS-001 does not hold"
    )
    assert explained(["TM-ROUTE-012"], disturbing, ["TM-ROUTE-011"], CATALOGUE) is None
