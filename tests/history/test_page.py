"""The page of a history: what changed first, then the trends, then every run."""

import pytest

from meshproof.history.page import drawn_runs, render_history, unsteady, waits
from meshproof.model.run import RunState
from meshproof.model.verdict import VerdictState
from tests.history.past_runs import a_past_figure, a_past_run, a_past_verdict
from tests.report.runs import HOSTILE

P, F, S, Q = VerdictState.PASSED, VerdictState.FAILED, VerdictState.SKIPPED, VerdictState.INCONCLUSIVE
STATEMENTS = {"TM-DNS-001": "A name MUST resolve."}


def test_what_changed_is_told_before_the_trends_and_the_runs() -> None:
    runs = [a_past_run(1), a_past_run(2, a_past_verdict("TM-DNS-001", F, said="no answer"))]

    page = render_history(runs, STATEMENTS)

    places = [page.index(f'<section id="{name}"') for name in ("changes", "trends", "unsteady", "runs")]
    assert places == sorted(places)
    assert "1 requirement worse than in the run before." in page
    assert "A name MUST resolve." in page
    assert 'class="sentence bad"' in page


@pytest.mark.parametrize(
    ("states", "said", "tone"),
    [
        pytest.param([], "No run has judged anything yet", "warn", id="no-run"),
        pytest.param([S], "No run has judged anything yet", "warn", id="nothing-judged"),
        pytest.param([P], "there is nothing to compare it with yet", "good", id="one-run"),
        pytest.param([P, P], "Nothing changed since the run before.", "good", id="all-well"),
        pytest.param(
            [F, F], "Nothing changed since the run before: 1 requirement failed", "bad", id="still-bad"
        ),
        pytest.param([F, P], "1 requirement better.", "good", id="mended"),
        pytest.param([P, Q], "1 requirement worse", "warn", id="unclear"),
    ],
)
def test_sentence(states: list[VerdictState], said: str, tone: str) -> None:
    runs = [a_past_run(day, a_past_verdict("TM-DNS-001", state)) for day, state in enumerate(states, 1)]

    page = render_history(runs, {})

    assert said in page
    assert f'class="sentence {tone}"' in page


def test_what_was_said_steers_no_page() -> None:
    runs = [a_past_run(1), a_past_run(2, a_past_verdict("TM-DNS-001", F, said=HOSTILE), mesh_profile="plain")]

    page = render_history(runs, {"TM-DNS-001": HOSTILE})

    assert "<script" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;" in page


def test_page_needs_nothing_from_elsewhere() -> None:
    page = render_history([a_past_run(1, figures=[a_past_figure()])], {})

    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "default-src 'none'" in page


def test_only_runs_of_one_kind_are_drawn() -> None:
    runs = [
        a_past_run(1),
        a_past_run(2, mesh_profile="acl"),
        a_past_run(3, mutants=3),
        a_past_run(4, state=RunState.INTERRUPTED),
        a_past_run(5, a_past_verdict("TM-DNS-001", S), mesh_profile="acl"),
    ]

    assert drawn_runs(runs) == [runs[0], runs[3]]
    assert "3 of other profiles, with mutants or without a verdict are only listed" in render_history(
        runs, {}
    )


def test_requirement_that_was_not_always_alike_is_shown_run_by_run() -> None:
    names = ("TM-DNS-001", "TM-DNS-002", "TM-DNS-003")
    nights = ([P, P, F], [F, S, F], [P, P, P], [P, P, F])
    runs = [a_past_run(day, *map(a_past_verdict, names, states)) for day, states in enumerate(nights, 1)]

    found = unsteady(runs)

    assert [(each.requirement, [state for _, state in each.states]) for each in found] == [
        ("TM-DNS-003", [F, F, P, F]),
        ("TM-DNS-001", [P, F, P, P]),
    ]


def test_waits_are_told_with_their_range() -> None:
    runs = [
        a_past_run(day, a_past_verdict(convergence_s=wait)) for day, wait in enumerate((4.0, 2.0, 3.0), 1)
    ]

    (found,) = waits([*runs, a_past_run(4)])

    assert (found.last_s, found.median_s, found.least_s, found.most_s, found.runs) == (3.0, 3.0, 2.0, 4.0, 3)
