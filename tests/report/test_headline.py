"""The sentences that a reader takes away."""

from typing import Any

import pytest

from meshproof.model.cost import Costs
from meshproof.model.mutant import MutantState
from meshproof.model.run import RunInfo, RunState
from meshproof.model.verdict import VerdictState
from meshproof.report.headline import (
    Tone,
    area_name,
    overhead_sentences,
    tone,
    verdict_sentence,
)
from tests.report.cost_results import a_cost, a_throughput
from tests.report.mutant_results import a_mutant
from tests.report.runs import a_detail, a_run, a_verdict, an_overhead

P, F, K = VerdictState.PASSED, VerdictState.FAILED, VerdictState.FAILED_EXPECTED
N, S, I = VerdictState.NOT_SUPPORTED, VerdictState.SKIPPED, VerdictState.INCONCLUSIVE  # noqa: E741  # I: a column of the table below


@pytest.mark.parametrize(
    ("states", "sentence", "news"),
    [
        pytest.param(
            [P] * 31 + [K] * 2, "31 of 31 requirements hold; 2 known deviations", Tone.GOOD, id="held"
        ),
        pytest.param([P], "1 of 1 requirement hold", Tone.GOOD, id="one"),
        pytest.param(
            [P, F], "1 requirement failed: TM-1; 1 of 2 requirements hold", Tone.BAD, id="one failed"
        ),
        pytest.param(
            [F] * 7,
            "7 requirements failed: TM-0, TM-1, TM-2, TM-3, TM-4 and 2 more; 0 of 7 requirements hold",
            Tone.BAD,
            id="many failed",
        ),
        pytest.param(
            [P, I, N, S],
            "1 of 1 requirement hold; 1 could not be judged; 1 not supported; 1 skipped",
            Tone.WARN,
            id="unclear",
        ),
        pytest.param([K], "1 known deviation", Tone.GOOD, id="only a deviation"),
        pytest.param([S], "No requirement was judged; 1 skipped", Tone.WARN, id="only skipped"),
        pytest.param([], "No requirement was judged", Tone.WARN, id="nothing"),
    ],
)
def test_the_verdict_in_one_sentence(states: list[VerdictState], sentence: str, news: Tone) -> None:
    run = a_run(*(a_verdict(f"TM-{number}", state) for number, state in enumerate(states)))

    assert verdict_sentence(run) == sentence
    assert tone(run) is news


def test_a_run_that_did_not_finish_is_no_good_news() -> None:
    info = RunInfo(id="x", started="", state=RunState.INTERRUPTED)

    assert tone(a_run(a_verdict(), run=info)) is Tone.WARN


@pytest.mark.parametrize(
    ("state", "news"),
    [
        pytest.param(MutantState.KILLED, Tone.GOOD, id="killed"),
        pytest.param(MutantState.SURVIVED, Tone.BAD, id="survived"),
        pytest.param(MutantState.NOT_JUDGED, Tone.WARN, id="not judged"),
    ],
)
def test_a_mutant_that_survived_is_bad_news(state: MutantState, news: Tone) -> None:
    assert tone(a_run(mutants=[a_mutant(state=state)])) is news


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        pytest.param(
            an_overhead(),
            "the mesh adds 0.92 ms at the median (95 % interval 0.81 to 1.02 ms; noise floor 0.10 ms)",
            id="adds",
        ),
        pytest.param(
            an_overhead(difference_ms=-0.5),
            "the mesh takes away 0.50 ms at the median "
            "(95 % interval -0.61 to -0.40 ms; noise floor 0.10 ms)",
            id="takes away",
        ),
        pytest.param(
            an_overhead(difference_ms=0.05),
            "at the median the mesh cannot be told from direct access: +0.05 ms "
            "(95 % interval -0.06 to 0.15 ms; noise floor 0.10 ms)",
            id="interval has zero",
        ),
        pytest.param(
            an_overhead(difference_ms=0.3, noise_floor_ms=0.4),
            "at the median the mesh cannot be told from direct access: +0.30 ms "
            "(95 % interval 0.19 to 0.40 ms; noise floor 0.40 ms)",
            id="below the noise",
        ),
        pytest.param(
            an_overhead(validity="12 of 20 rounds void"),
            "the overhead at the median was not measured validly: 12 of 20 rounds void",
            id="not valid",
        ),
    ],
)
def test_the_overhead_in_one_sentence(row: object, sentence: str) -> None:
    assert overhead_sentences(a_run(overhead=[row, an_overhead(90)])) == [sentence]


def test_the_lighter_instrument_speaks_first() -> None:
    rows = [an_overhead(), an_overhead(difference_ms=0.55, instrument="fortio")]

    lighter, loading = overhead_sentences(a_run(overhead=rows))

    assert lighter.startswith("the mesh adds 0.55 ms at the median")
    assert "measured by fortio" in lighter
    assert loading.startswith("clients under that load saw that the mesh adds 0.92 ms")


def test_what_the_proxies_took_follows_what_the_mesh_adds() -> None:
    detail = a_detail(costs=Costs(containers=[a_cost()]))

    adds, took = overhead_sentences(a_run(overhead=[an_overhead()], overhead_detail=[detail]))

    assert adds.startswith("the mesh adds 0.92 ms")
    assert took.startswith("the proxy took 0.52 CPU s per 1,000 requests")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param(
            {},
            "at full load the mesh answers 1,240 requests/s, direct access 2,870: -1,630 (95 % interval "
            "-1,702 to -1,558; noise floor 61; 20 users)",
            id="a difference",
        ),
        pytest.param(
            {"limited_by_generator": ["direct", "control"]},
            "direct access 2,870, where the generator was at its own limit: -1,630",
            id="a lower bound",
        ),
        pytest.param({"validity": "3 of 20 rounds are valid"}, "20 users; 3 of 20 rounds are", id="unsure"),
    ],
)
def test_a_closed_model_tells_what_either_way_carries(changed: dict[str, Any], said: str) -> None:
    """And not the latency that its users wait for: that is the load's."""
    detail = a_detail(throughput=a_throughput(**changed), costs=None)

    (sentence,) = overhead_sentences(a_run(overhead=[an_overhead()], overhead_detail=[detail]))

    assert said in sentence


def test_several_profiles_are_named() -> None:
    rows = [an_overhead(profile="bare"), an_overhead(profile="tracing")]

    assert [line.partition(":")[0] for line in overhead_sentences(a_run(overhead=rows))] == [
        "bare",
        "tracing",
    ]


@pytest.mark.parametrize(("area", "name"), [("dns", "DNS"), ("routing", "Routing"), ("", "Other")])
def test_areas_have_headings(area: str, name: str) -> None:
    assert area_name(area) == name
