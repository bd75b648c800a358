"""What a run's mutants come to: in one sentence, and on the page."""

import re

import pytest

from meshproof.model.mutant import MutantKind, MutantResult, MutantState
from meshproof.model.verdict import VerdictState
from meshproof.report.html import render_page
from meshproof.report.mutants import (
    MutantsView,
    mutant_counts,
    mutants_sentence,
    mutants_view,
    only_mutants_judged,
)
from tests.report.mutant_results import a_mutant, mutants_of_every_state
from tests.report.runs import a_run, a_verdict

KILLED, SURVIVED = MutantState.KILLED, MutantState.SURVIVED
EQUIVALENT, NOT_JUDGED = MutantState.EQUIVALENT, MutantState.NOT_JUDGED


def view_of(*mutants: MutantResult) -> MutantsView:
    """The view of a run of these mutants and one verdict, on TM-ROUTE-001."""
    view = mutants_view(a_run(a_verdict(), mutants=list(mutants)), {"TM-ROUTE-001": "TM-ROUTE-001"})
    assert view
    return view


def page_text(*mutants: MutantResult) -> str:
    """The page of these mutants without its tags."""
    html = render_page(a_run(a_verdict(), mutants=list(mutants)))
    section = html[html.index('<section id="mutants">') : html.index('<section id="requirements">')]
    return " ".join(re.sub(r"<[^>]+>", " ", section).split())


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([KILLED, EQUIVALENT], KILLED, id="killed outweighs equivalent"),
        pytest.param([NOT_JUDGED, KILLED], NOT_JUDGED, id="not judged outweighs killed"),
        pytest.param([SURVIVED, NOT_JUDGED], SURVIVED, id="survived outweighs all"),
    ],
)
def test_a_mutant_counts_once_with_its_gravest_profile(
    states: list[MutantState], expected: MutantState
) -> None:
    results = [a_mutant(state=state, profile=f"p{place}") for place, state in enumerate(states)]

    assert mutant_counts(results) == dict.fromkeys(MutantState, 0) | {expected: 1}


@pytest.mark.parametrize(
    ("mutants", "sentence"),
    [
        pytest.param([a_mutant()], "1 mutant: 1 killed, 0 survived", id="one"),
        pytest.param(
            mutants_of_every_state(),
            "5 mutants: 2 killed, 1 survived, 1 equivalent, 1 not judged; 1 bystander failed",
            id="every state",
        ),
        pytest.param(
            [a_mutant(profile=profile, bystanders_failed={"A": "", "B": ""}) for profile in ("plain", "acl")],
            "1 mutant: 1 killed, 0 survived; 2 bystanders failed",
            id="bystanders count once for each mutant",
        ),
    ],
)
def test_mutants_in_one_sentence(mutants: list[MutantResult], sentence: str) -> None:
    assert mutants_sentence(mutants) == sentence


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([], True, id="no verdicts"),
        pytest.param([VerdictState.SKIPPED, VerdictState.NOT_SUPPORTED], True, id="nothing judged"),
        pytest.param([VerdictState.PASSED], False, id="judged"),
        pytest.param([VerdictState.INCONCLUSIVE], False, id="inconclusive"),
    ],
)
def test_whether_only_mutants_were_judged(states: list[VerdictState], *, expected: bool) -> None:
    run = a_run(*(a_verdict(state=state) for state in states), mutants=[a_mutant()])

    assert only_mutants_judged(run) is expected


def test_a_run_without_mutants_has_no_section() -> None:
    assert mutants_view(a_run(a_verdict()), {}) is None
    assert 'id="mutants"' not in render_page(a_run(a_verdict()))


def test_what_a_person_has_to_look_at_is_told_first() -> None:
    view = view_of(*mutants_of_every_state())

    told = (view.survived, view.disturbed, view.not_judged)

    assert [[each.result.name for each in group] for group in told] == [
        ["trace-restarted"],
        ["tracing-off"],
        ["proxy-lags"],
    ]


def test_kinds_keep_the_profiles_of_a_mutant_together() -> None:
    names = [a_mutant("b"), a_mutant("a"), a_mutant("b", profile="acl"), a_mutant("c", kind=MutantKind.DNS)]

    kinds = view_of(*names).kinds

    assert [(kind, [each.label for each in group]) for kind, group in kinds] == [
        (MutantKind.SERVED, ["a", "b (plain)", "b (acl)"]),
        (MutantKind.DNS, ["c"]),
    ]


def test_a_requirement_is_proven_by_the_mutants_that_it_noticed() -> None:
    view = view_of(*mutants_of_every_state())

    proven = {proof.requirement: [each.label for each in proof.noticed] for proof in view.proven}

    assert proven == {
        "TM-TRACE-001": ["trace-restarted", "tracing-off"],
        "TM-TRACE-002": ["tracing-off"],
        "TM-DNS-001": ["dns-bypass (plain)", "dns-bypass (acl)"],
    }


def test_requirements_that_no_mutant_proved_say_why() -> None:
    missed = a_mutant("missed", SURVIVED, killers=["TM-X-001"], survived=["TM-X-001"])
    lost = a_mutant("lost", NOT_JUDGED, killers=["TM-X-001"])
    same = a_mutant("same", EQUIVALENT, killers=["TM-X-001"], survived=["TM-X-001"])

    view = view_of(missed, lost, same)
    (proof,) = view.unproven

    reasons = [[each.label for each in group] for group in (proof.missed, proof.not_judged, proof.same)]
    assert reasons == [["missed"], ["lost"], ["same"]]
    assert view.unnamed == ["TM-ROUTE-001"]
    assert view.requirements == 2


def test_bystanders_that_share_a_reason_stand_together() -> None:
    view = view_of(a_mutant(explained={"A": "blocked", "B": "disturbed", "C": "blocked"}))

    assert view.kinds[0][1][0].explained == [("blocked", ["A", "C"]), ("disturbed", ["B"])]


def test_long_words_are_cut_and_the_rest_counted() -> None:
    text = page_text(a_mutant(said={"TM-DNS-001": "x" * 3_000}))

    assert "2,000 characters more in report.json" in text


@pytest.mark.parametrize(
    "said",
    [
        "5 mutants: 2 killed, 1 survived, 1 equivalent, 1 not judged; 1 bystander failed.",
        "Of 6 requirements of this run, 3 were proven able to fail.",
        "It would have been noticed by: TM-TRACE-002",
        "Bystanders failed, and nothing explains it: TM-ROUTE-002 assert 503 == 200",
        "the proxies did not take it up within 10 s",
        "no difference seen by = TM-ROUTE-001 Equivalent: only one route matches",
        "not noticed by ✕ TM-TRACE-002",
        "Why 1 could not be judged TM-DNS-002 left out by the profile",
        "Bystanders failed for a known reason: 2 blocked by TM-DNS-001 · TM-METRIC-001 · TM-METRIC-002",
        "TM-DNS-001 noticed ✓ dns-bypass (plain) ✓ dns-bypass (acl)",
        "TM-ROUTE-005 not judged under ? proxy-lags",
    ],
)
def test_the_section_says(said: str) -> None:
    assert said in page_text(*mutants_of_every_state())


def test_requirements_without_a_mutant_are_counted() -> None:
    assert "No mutant of this run is meant to break them: 1 TM-ROUTE-001" in page_text(a_mutant())


def test_survivors_are_told_with_their_statements() -> None:
    text = page_text(a_mutant(state=SURVIVED, killers=["TM-ROUTE-001"], survived=["TM-ROUTE-001"]))

    assert "It would have been noticed by: TM-ROUTE-001 A request MUST arrive." in text


def test_a_page_of_mutants_alone_opens_with_them() -> None:
    html = render_page(a_run(mutants=[a_mutant()]))

    assert '<p class="sentence good">1 mutant: 1 killed, 0 survived.</p>' in html
    assert '<li class="tile killed"' in html
