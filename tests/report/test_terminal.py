"""The summary fits a screen and steers nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshproof.model.comparison import Answer
from meshproof.model.cost import Costs
from meshproof.model.mutant import MutantState
from meshproof.model.run import Overhead, RunInfo, RunState
from meshproof.model.verdict import Evidence, VerdictState
from meshproof.report.terminal import MAX_LINES, MAX_WIDTH, summary_lines
from meshproof.report.visible import visible
from tests.report.cost_results import a_cost, a_throughput
from tests.report.mutant_results import a_mutant, mutants_of_every_state
from tests.report.runs import RUN_ID, a_comparison, a_detail, a_realistic_run, a_run, a_verdict, an_overhead

WHERE = Path("reports/runs") / RUN_ID


def test_a_hundred_failures_and_everything_else_fit() -> None:
    verdicts = [a_verdict(f"TM-ROUTE-{n:03d}", VerdictState.FAILED) for n in range(100)]
    verdicts += [a_verdict(f"TM-DNS-{n:03d}", VerdictState.INCONCLUSIVE) for n in range(100)]
    rows = [an_overhead(p, profile=f"profile {n}") for n in range(9) for p in (50, 90, 99)]
    info = RunInfo(id=RUN_ID, started="", state=RunState.INTERRUPTED)

    lines = summary_lines(a_run(*verdicts, overhead=rows, run=info), WHERE)

    assert len(lines) == MAX_LINES
    assert "  ✕ and 93 more failed" in lines
    assert "  and 22 more on the page" in lines


def test_a_hundred_survivors_beside_everything_else_fit() -> None:
    verdicts = [a_verdict(f"TM-ROUTE-{n:03d}", VerdictState.FAILED) for n in range(100)]
    verdicts += [a_verdict(f"TM-DNS-{n:03d}", VerdictState.INCONCLUSIVE) for n in range(100)]
    mutants = [a_mutant(f"mutant-{n}", MutantState.SURVIVED, survived=["TM-DNS-001"]) for n in range(100)]
    rows = [an_overhead(p) for p in (50, 90, 99)]
    info = RunInfo(id=RUN_ID, started="", state=RunState.INTERRUPTED)

    lines = summary_lines(a_run(*verdicts, overhead=rows, mutants=mutants, run=info), WHERE)

    assert len(lines) == MAX_LINES
    assert "  ✕ mutant-1 (plain): not noticed by TM-DNS-001" in lines
    assert "  and 98 more on the page" in lines
    assert "  and 2 more on the page" in lines


def test_comparisons_beside_everything_else_fit() -> None:
    verdicts = [a_verdict(f"TM-ROUTE-{n:03d}", VerdictState.FAILED) for n in range(100)]
    verdicts += [a_verdict(f"TM-DNS-{n:03d}", VerdictState.INCONCLUSIVE) for n in range(100)]
    mutants = [a_mutant(f"mutant-{n}", MutantState.SURVIVED, survived=["TM-DNS-001"]) for n in range(100)]
    rows = [an_overhead(p) for p in (50, 90, 99)]
    comparisons = [a_comparison(instrument=name) for name in ("locust", "fortio", "wrk")]
    info = RunInfo(id=RUN_ID, started="", state=RunState.INTERRUPTED)
    run = a_run(*verdicts, overhead=rows, mutants=mutants, run=info, comparisons=comparisons)

    lines = summary_lines(run, WHERE)

    assert len(lines) == MAX_LINES
    assert "  and 2 more comparisons on the page" in lines


def test_comparison_has_a_line() -> None:
    nothing = a_comparison(
        baseline="main", answer=Answer.INCONCLUSIVE, sentence="there is no figure", changes=[]
    )

    lines = summary_lines(a_run(overhead=[an_overhead()], comparisons=[a_comparison(), nothing]), WHERE)

    regressed, unclear = lines[-4:-2]
    assert regressed.startswith("  ✕ against …rts/baselines/main.json: regressed: p50 +0.41 -> +0.92 ms")
    assert regressed.endswith("change +0.51 [+0.38, +0.64]")
    assert unclear == "  ? against main: inconclusive: there is no figure"


def test_the_summary_of_mutants_names_what_to_look_at() -> None:
    lines = summary_lines(a_run(mutants=mutants_of_every_state()), WHERE)

    assert lines[1:-2] == [
        "5 mutants: 2 killed, 1 survived, 1 equivalent, 1 not judged; 1 bystander failed",
        "  ✕ trace-restarted (plain): not noticed by TM-TRACE-002",
        "  ! tracing-off (plain): bystander TM-ROUTE-002 failed: assert 503 == 200 body: ''",
        "  ? proxy-lags (plain): the proxies did not take it up within 10 s",
    ]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text(), st.text(), st.text(), st.sampled_from(VerdictState)), max_size=40),
    st.lists(st.builds(an_overhead, st.sampled_from([50, 90, 99]), profile=st.text()), max_size=9),
    st.text(),
    st.lists(st.tuples(st.text(), st.sampled_from(MutantState)), max_size=30),
    st.lists(st.tuples(st.text(), st.booleans(), st.sampled_from(Answer)), max_size=4),
)
def test_any_run_fits(
    told: list[tuple[str, str, str, VerdictState]],
    rows: list[Overhead],
    note: str,
    mutants: list[tuple[str, MutantState]],
    compared: list[tuple[str, bool, Answer]],
) -> None:
    verdicts = [
        a_verdict(name, state, area="x", statement=statement, evidence=[], finding=finding)
        for name, statement, finding, state in told
    ]
    info = RunInfo(id=RUN_ID, started="", note=note)
    results = [
        a_mutant(text, state, note=text, survived=[text], bystanders_failed={text: text})
        for text, state in mutants
    ]

    comparisons = [
        a_comparison(baseline=text, answer=answer, sentence=text, **({} if figures else {"changes": []}))
        for text, figures, answer in compared
    ]
    run = a_run(*verdicts, overhead=rows, run=info, mutants=results, comparisons=comparisons)

    lines = summary_lines(run, WHERE)

    assert len(lines) <= MAX_LINES
    assert all(len(line) <= MAX_WIDTH for line in lines)
    assert all(line == visible(line).replace("\n", "") for line in lines)


def test_the_summary_of_a_realistic_run() -> None:
    lines = summary_lines(a_realistic_run(), WHERE)

    assert lines[0] == f"traefik-mesh v1.4.8, Traefik v2.11.24, on Kubernetes v1.32.1 - run {RUN_ID}"
    assert lines[1].startswith("2 requirements failed; 24 of 26 requirements hold; 2 known deviations")
    assert "  ✕ TM-INSTALL-005 Containers of the mesh MUST run as a user other than root." in lines
    assert any(line.startswith("  fortio               p50     +0.55 ms  [+0.44, +0.65]") for line in lines)
    assert lines[-2:] == [f"page:   {WHERE}/report.html", f"report: {WHERE}/report.json"]


def test_many_failures_have_a_line_each() -> None:
    verdicts = [a_verdict(f"TM-ROUTE-{n:03d}", VerdictState.FAILED) for n in range(8)]
    bare = a_verdict("TM-ROUTE-008", VerdictState.INCONCLUSIVE, evidence=[])

    lines = summary_lines(a_run(*verdicts, bare), WHERE)

    assert sum(line.startswith("  ✕ TM-ROUTE-00") for line in lines) == 8
    assert "  ? TM-ROUTE-008   A request MUST arrive." in lines


def test_failures_without_words_among_many() -> None:
    verdicts = [a_verdict(f"TM-ROUTE-{n:03d}", VerdictState.FAILED, evidence=[]) for n in range(6)]

    assert "  ✕ TM-ROUTE-005   A request MUST arrive." in summary_lines(a_run(*verdicts), WHERE)


def test_what_the_proxies_took_has_one_line() -> None:
    costs = Costs(containers=[a_cost()])
    one, other = a_detail(costs=costs), a_detail(profile="bare", costs=costs)

    alone = summary_lines(a_run(overhead=[an_overhead()], overhead_detail=[one]), WHERE)
    several = summary_lines(a_run(overhead=[an_overhead()], overhead_detail=[one, other]), WHERE)

    said = "proxy: 0.52 CPU s per 1,000 requests (no CPU limit), 61 MiB"
    assert alone[-3] == f"  {said}"
    assert several[-4:-2] == [f"  standard: {said}", f"  bare: {said}"]


def test_a_closed_model_tells_what_either_way_carries() -> None:
    detail = a_detail(throughput=a_throughput(limited_by_generator=["direct"]), costs=None)

    lines = summary_lines(a_run(overhead=[an_overhead()], overhead_detail=[detail]), WHERE)

    assert lines[-3] == (
        "  at full load 1,240 requests/s against 2,870 (the generator's limit): -1,630 [-1,702, -1,558] nois…"
    )


def test_figures_come_before_what_the_proxies_took() -> None:
    rows = [an_overhead(p, profile=f"profile {n}") for n in range(9) for p in (50, 90, 99)]

    lines = summary_lines(a_run(overhead=rows, overhead_detail=[a_detail()]), WHERE)

    assert lines[-4] == "  and 23 more on the page"
    assert lines[-3] == (
        "  2 proxies: CPU that cannot be told (limit 200m, throttled in 26%), 61 MiB each, controller 61 MiB"
    )


def test_a_single_profile_is_named_once() -> None:
    lines = summary_lines(a_run(overhead=[an_overhead(50), an_overhead(90, 1.3)]), WHERE)

    assert "overhead, mesh minus direct (profile standard):" in lines
    assert any(line.startswith("  p50     +0.92 ms") for line in lines)


@pytest.mark.parametrize("field", ["requirement", "statement", "said"])
def test_escape_sequences_do_not_reach_the_terminal(field: str) -> None:
    red = "\x1b[31mred"
    evidence = [Evidence(test="t", state=VerdictState.FAILED, said=red if field == "said" else "")]
    changed = {} if field == "said" else {field: red}
    verdict = a_verdict(state=VerdictState.FAILED, evidence=evidence, **changed)

    text = "\n".join(summary_lines(a_run(verdict), WHERE))

    assert "\x1b" not in text
    assert "\\x1b[31mred" in text
