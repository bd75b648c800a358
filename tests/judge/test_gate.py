"""What the gate does, simulated: how often it cries wolf, and how often it sees one. Seeded."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshproof.judge.intervals import mean_interval
from meshproof.judge.regression import Gate, compare
from meshproof.model.baseline import Baseline
from meshproof.model.comparison import Answer, Comparison
from tests.judge.baselines import of_rounds
from tests.judge.test_coverage import slack

PAIRS = 300
COST_MS = 0.9
BUSY_MS = (
    0.26  # spread of a round's difference that gives 0.12 ms around a mean of twenty, as seen on two cores
)
QUIET_MS = 0.08

# Control minus direct at p50, in milliseconds: the rounds that were valid in five recordings of the profile
# `standard` against a Go server on loopback, on two cores that had five times their work to do beside it.
RECORDED = (
    *(-0.183, -0.067, 0.035, -0.23),
    *(0.016, -0.038, -0.083, -0.024, -0.093, 0.08),
    *(-0.037, 0.053, -0.019, -0.016, 0.002, -0.072, -0.084),
    *(-0.465, -0.044, 0.034, 0.094, 0.001, -0.012),
    *(-1.907, 0.006, -0.068, 0.039, 0.025, 0.179),
)


def a_run(rng: random.Random, cost_ms: float, spread_ms: float, rounds: int = 20) -> Baseline:
    """A run whose rounds are normal about its cost, and the noise floor that its control arm gives."""
    control = [rng.gauss(0, spread_ms) for _ in range(rounds)]
    return of_rounds(
        [cost_ms + rng.gauss(0, spread_ms) for _ in range(rounds)],
        noise_floor_ms=mean_interval(control, 0.95).farthest,
    )


def judged(before: Baseline, after: Baseline, threshold_ms: float = 0.2) -> Comparison:
    (found,) = compare(before, after, named="x", gate=Gate(threshold_ms=threshold_ms))
    return found


def answers(spread_ms: float, change_ms: float, **gate: float) -> Counter[Answer]:
    """What the gate says of ``PAIRS`` pairs of runs."""
    rng = random.Random(f"{spread_ms} {change_ms}")  # noqa: S311 - seeded on purpose
    return Counter(
        judged(a_run(rng, COST_MS, spread_ms), a_run(rng, COST_MS + change_ms, spread_ms), **gate).answer
        for _ in range(PAIRS)
    )


@pytest.mark.parametrize("spread_ms", [pytest.param(QUIET_MS, id="quiet"), pytest.param(BUSY_MS, id="busy")])
def test_identical_meshes_are_called_different_at_most_at_the_nominal_rate(spread_ms: float) -> None:
    """With next to no threshold the interval and the noise floors alone hold the 5 % of both directions."""
    said = answers(spread_ms, 0.0, threshold_ms=1e-6)

    assert (said[Answer.REGRESSED] + said[Answer.IMPROVED]) / PAIRS <= 0.05 + slack(0.05, PAIRS)
    assert said[Answer.PASSED] == 0


@pytest.mark.parametrize(
    ("spread_ms", "answer"),
    [
        pytest.param(QUIET_MS, Answer.PASSED, id="quiet"),
        pytest.param(BUSY_MS, Answer.INCONCLUSIVE, id="busy: twenty rounds are too few for 0.2 ms"),
    ],
)
def test_identical_meshes_get_the_answer_that_their_spread_allows(spread_ms: float, answer: Answer) -> None:
    said = answers(spread_ms, 0.0)

    assert said[answer] / PAIRS >= 0.98
    assert said[Answer.REGRESSED] / PAIRS <= 0.01


@pytest.mark.parametrize(
    ("spread_ms", "change_ms", "answer"),
    [
        pytest.param(QUIET_MS, 0.5, Answer.REGRESSED, id="slower, quiet"),
        pytest.param(BUSY_MS, 0.5, Answer.REGRESSED, id="slower, busy"),
        pytest.param(BUSY_MS, -0.5, Answer.IMPROVED, id="quicker, busy"),
    ],
)
def test_half_a_millisecond_is_seen(spread_ms: float, change_ms: float, answer: Answer) -> None:
    assert answers(spread_ms, change_ms)[answer] / PAIRS >= 0.98


def resampled(rng: random.Random, cost_ms: float, rounds: int = 20) -> Baseline:
    """A run of recorded rounds, drawn anew; either direct arm may have been the control."""
    drawn = [rng.choice((-1, 1)) * rng.choice(RECORDED) for _ in range(2 * rounds)]
    return of_rounds(
        [cost_ms + each for each in drawn[:rounds]],
        noise_floor_ms=mean_interval(drawn[rounds:], 0.95).farthest,
    )


def answers_of_recorded_rounds(change_ms: float) -> Counter[Answer]:
    rng = random.Random(7)  # noqa: S311 - seeded on purpose
    return Counter(
        judged(resampled(rng, COST_MS), resampled(rng, COST_MS + change_ms)).answer for _ in range(PAIRS)
    )


def test_recorded_rounds_of_identical_meshes_raise_no_alarm() -> None:
    said = answers_of_recorded_rounds(0.0)

    assert (said[Answer.REGRESSED] + said[Answer.IMPROVED]) / PAIRS <= 0.02


def test_half_a_millisecond_among_recorded_rounds_is_mostly_seen_and_never_passed() -> None:
    """One round in 29 was off by 1.9 ms: what that hides is inconclusive."""
    said = answers_of_recorded_rounds(0.5)

    assert said[Answer.REGRESSED] / PAIRS >= 0.8
    assert said[Answer.PASSED] + said[Answer.IMPROVED] == 0


rounds = st.lists(st.floats(-50, 50), min_size=10, max_size=25)
floors = st.floats(0, 2)
runs = st.builds(lambda differences, floor: of_rounds(differences, noise_floor_ms=floor), rounds, floors)
thresholds = st.floats(0.01, 10)


def differences_of(run: Baseline) -> list[float]:
    return run.measurements[0].figures[0].round_differences_ms


def moved(run: Baseline, by_ms: float) -> Baseline:
    floor = run.measurements[0].figures[0].noise_floor_ms
    return of_rounds([each + by_ms for each in differences_of(run)], noise_floor_ms=floor)


@given(runs, thresholds)
def test_run_against_itself_never_changed(run: Baseline, threshold_ms: float) -> None:
    assert judged(run, run, threshold_ms).answer in {Answer.PASSED, Answer.INCONCLUSIVE}


@given(runs, runs, thresholds)
def test_swapped_runs_have_the_opposite_answer(one: Baseline, other: Baseline, threshold_ms: float) -> None:
    opposite = {Answer.REGRESSED: Answer.IMPROVED, Answer.IMPROVED: Answer.REGRESSED}
    forth, back = judged(one, other, threshold_ms), judged(other, one, threshold_ms)

    assert back.answer is opposite.get(forth.answer, forth.answer)
    assert back.changes[0].change_ms == -forth.changes[0].change_ms
    assert back.changes[0].interval_ms == tuple(-end for end in reversed(forth.changes[0].interval_ms))


@given(runs, runs, st.randoms(use_true_random=False))
def test_order_of_the_rounds_does_not_matter(one: Baseline, other: Baseline, rng: random.Random) -> None:
    shuffled = differences_of(one).copy()
    rng.shuffle(shuffled)
    floor = one.measurements[0].figures[0].noise_floor_ms

    assert judged(of_rounds(shuffled, noise_floor_ms=floor), other) == judged(one, other)


@given(runs, runs, st.integers(-50, 50))
def test_what_moves_both_runs_moves_no_change(one: Baseline, other: Baseline, by_ms: int) -> None:
    before, after = judged(one, other), judged(moved(one, by_ms), moved(other, by_ms))

    assert after.changes[0].change_ms == pytest.approx(before.changes[0].change_ms, abs=2e-4)
    assert after.changes[0].interval_ms == pytest.approx(before.changes[0].interval_ms, abs=2e-4)


@given(runs, runs, st.integers(-50, 50))
def test_what_moves_the_run_alone_is_the_change(one: Baseline, other: Baseline, by_ms: int) -> None:
    before, after = judged(one, other), judged(one, moved(other, by_ms))

    assert after.changes[0].change_ms - before.changes[0].change_ms == pytest.approx(by_ms, abs=2e-4)


@given(runs, runs)
def test_interval_holds_the_change(one: Baseline, other: Baseline) -> None:
    change = judged(one, other).changes[0]

    assert change.interval_ms[0] <= change.change_ms <= change.interval_ms[1]


@given(runs, runs, thresholds, thresholds)
def test_wider_threshold_makes_no_regression(
    one: Baseline, other: Baseline, threshold_ms: float, more_ms: float
) -> None:
    strict = judged(one, other, threshold_ms).answer
    lenient = judged(one, other, threshold_ms + more_ms).answer

    if strict is Answer.PASSED:
        assert lenient is Answer.PASSED
    if lenient in {Answer.REGRESSED, Answer.IMPROVED}:
        assert strict is lenient
