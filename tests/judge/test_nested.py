"""Rounds within deployments, simulated: an interval over deployments is right, one over rounds is not."""

import random
from collections import Counter
from collections.abc import Callable
from statistics import fmean

import pytest

from meshproof.judge.deployments import change_between, compare_deployments, deployments_of
from meshproof.judge.intervals import Interval, change_interval
from meshproof.judge.nested import MIN_DEPLOYMENTS, enough_deployments, spread_of
from meshproof.model.comparison import Answer
from meshproof.model.deployment import Deployed, Setting
from tests.judge.test_coverage import slack

EXPERIMENTS = 1000
ROUNDS = 6
COST_MS = 0.9
WITHIN_MS = 0.26  # of a round's difference, as seen on two cores
BETWEEN_MS = 0.15

A, B = Setting(name="A", told="default"), Setting(name="B", told="b.yaml")

Draw = Callable[[random.Random, float], float]
Side = list[list[float]]  # the rounds of each deployment


def normal(rng: random.Random, spread: float) -> float:
    return rng.gauss(0, spread)


def skewed(rng: random.Random, spread: float) -> float:
    """Most deployments are alike, some are slow: exponential, about its mean."""
    return rng.expovariate(1 / spread) - spread if spread else 0.0


def a_side(
    rng: random.Random, cost_ms: float, between_ms: float, *, draw: Draw = normal, each: int = MIN_DEPLOYMENTS
) -> Side:
    return [
        [cost_ms + shift + rng.gauss(0, WITHIN_MS) for _ in range(ROUNDS)]
        for shift in (draw(rng, between_ms) for _ in range(each))
    ]


def over_deployments(before: Side, after: Side) -> Interval:
    return change_between([fmean(each) for each in before], [fmean(each) for each in after])[1]


def over_rounds(before: Side, after: Side) -> Interval:
    """What must not be done: as if each round were a deployment of its own."""
    flat = [[value for rounds in side for value in rounds] for side in (before, after)]
    return change_interval(flat[0], flat[1], 0.95)


def held(
    reckoned: Callable[[Side, Side], Interval],
    between_ms: tuple[float, float],
    *,
    draw: Draw = normal,
    change_ms: float = 0.3,
) -> float:
    """In how many of the experiments the interval holds the true change."""
    rng = random.Random(f"{between_ms}")  # noqa: S311 - seeded on purpose
    inside = 0
    for _ in range(EXPERIMENTS):
        before = a_side(rng, COST_MS, between_ms[0], draw=draw)
        after = a_side(rng, COST_MS + change_ms, between_ms[1], draw=draw)
        interval = reckoned(before, after)
        inside += interval.low <= change_ms <= interval.high
    return inside / EXPERIMENTS


@pytest.mark.parametrize(
    ("between_ms", "draw", "most"),
    [
        pytest.param((0.0, 0.0), normal, 0.97, id="deployments are all alike"),
        pytest.param((0.15, 0.15), normal, 0.97, id="as large as the rounds' share"),
        pytest.param((0.5, 0.5), normal, 0.97, id="larger than the rounds"),
        pytest.param((0.05, 0.5), normal, 0.97, id="one setting alone"),
        pytest.param((0.3, 0.3), skewed, 0.98, id="some deployments are slow"),
    ],
)
def test_interval_over_deployments_holds_the_true_change_as_often_as_it_says(
    between_ms: tuple[float, float], draw: Draw, most: float
) -> None:
    share = held(over_deployments, between_ms, draw=draw)

    assert 0.95 - slack(0.95) <= share <= most + slack(most)


@pytest.mark.parametrize(
    ("between_ms", "most"),
    [
        pytest.param(0.15, 0.85, id="as large as the rounds' share"),
        pytest.param(0.5, 0.65, id="larger than the rounds"),
    ],
)
def test_interval_over_rounds_misses_the_true_change_far_too_often(between_ms: float, most: float) -> None:
    """Why the deployment is the unit: more rounds would only make this worse."""
    assert held(over_rounds, (between_ms, between_ms)) <= most


def test_interval_over_rounds_is_right_only_where_deployments_are_alike() -> None:
    assert held(over_rounds, (0.0, 0.0)) == pytest.approx(0.95, abs=slack(0.95))


def made(setting: str, rounds: list[float], control: list[float], number: int = 1) -> Deployed:
    return Deployed(
        number=number,
        setting=setting,
        percentiles=[(q, 1.0, 1.0 + fmean(rounds)) for q in (50.0, 90.0, 99.0)],
        rounds_ms=rounds,
        control_ms=control,
    )


def answers(
    between_ms: float, change_ms: float, *, threshold_ms: float = 0.2, each: int = 4
) -> Counter[Answer]:
    """What is said of pairs of settings, each deployed ``each`` times."""
    rng = random.Random(f"{between_ms} {change_ms}")  # noqa: S311 - seeded on purpose
    said: Counter[Answer] = Counter()
    for _ in range(300):
        found = [
            made(name, rounds, [rng.gauss(0, WITHIN_MS) for _ in range(ROUNDS)])
            for name, cost_ms in (("A", COST_MS), ("B", COST_MS + change_ms))
            for rounds in a_side(rng, cost_ms, between_ms, each=each)
        ]
        whole = deployments_of([A, B], found, planned=2 * each)
        said[compare_deployments(whole, profile="live", threshold_ms=threshold_ms).answer] += 1
    return said


@pytest.mark.parametrize("between_ms", [0.0, 0.15, 0.5])
def test_identical_settings_are_called_different_at_most_at_the_nominal_rate(between_ms: float) -> None:
    """With next to no threshold: the interval and the noise floor alone hold the 5 % of both directions."""
    said = answers(between_ms, 0.0, threshold_ms=1e-6)

    assert (said[Answer.REGRESSED] + said[Answer.IMPROVED]) / 300 <= 0.05 + slack(0.05, 300)
    assert said[Answer.PASSED] == 0


def test_interval_over_rounds_would_call_identical_settings_different_in_a_third_of_all_cases() -> None:
    assert 1 - held(over_rounds, (0.3, 0.3), change_ms=0.0) >= 0.3


def test_a_change_that_matters_is_seen_and_never_passed() -> None:
    said = answers(0.05, 0.8)

    assert said[Answer.REGRESSED] >= 0.95 * 300
    assert said[Answer.PASSED] + said[Answer.IMPROVED] == 0


def test_many_deployments_of_identical_settings_pass() -> None:
    assert answers(0.0, 0.0, threshold_ms=0.3, each=16)[Answer.PASSED] >= 0.95 * 300


@pytest.mark.parametrize("between_ms", [0.1, 0.3])
def test_components_are_found_about_right(between_ms: float) -> None:
    rng = random.Random(1992)  # noqa: S311 - seeded on purpose
    spreads = [spread_of([a_side(rng, 0.9, between_ms, each=8) for _ in "AB"]) for _ in range(200)]

    assert fmean(each.within**2 for each in spreads if each) == pytest.approx(WITHIN_MS**2, rel=0.05)
    assert fmean(each.between**2 for each in spreads if each) == pytest.approx(between_ms**2, rel=0.25)


def test_components_by_hand() -> None:
    """Means 1 and 3, each from two rounds one apart: mean squares 4 between and 0.5 within."""
    found = spread_of([[[0.5, 1.5], [2.5, 3.5]]])

    assert found
    assert found.within**2 == pytest.approx(0.5)
    assert found.between**2 == pytest.approx((4 - 0.5) / 2)


def test_components_of_unequal_deployments_by_hand() -> None:
    """Searle's n0 of 1 and 3 rounds is (4 - 10 / 4) / 1 = 1.5."""
    found = spread_of([[[5.0], [1.0, 2.0, 3.0]]])

    assert found
    assert found.within**2 == pytest.approx(2 / 2)
    assert found.between**2 == pytest.approx(((5 - 2.75) ** 2 + 3 * (2 - 2.75) ** 2 - 1) / 1.5)


def test_deployments_that_are_more_alike_than_chance_would_have_them_spread_by_nothing() -> None:
    found = spread_of([[[0.0, 1.0], [1.0, 0.0]]])

    assert found
    assert found.between == 0.0


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param([], id="nothing"),
        pytest.param([[[1.0, 2.0]], [[1.0, 2.0]]], id="one deployment of each"),
        pytest.param([[[1.0], [2.0]], [[1.0], [2.0]]], id="one round of each"),
        pytest.param([[[1.0, 2.0], []]], id="a deployment without rounds"),
    ],
)
def test_components_that_cannot_be_told_are_not(settings: list[Side]) -> None:
    assert spread_of(settings) is None


@pytest.mark.parametrize(
    ("spread", "wanted"),
    [
        pytest.param(0.01, 4, id="quiet"),
        pytest.param(0.1, 10, id="usual"),
        pytest.param(2.0, None, id="never"),
    ],
)
def test_how_many_deployments_would_do(spread: float, wanted: int | None) -> None:
    means = [-spread, spread]

    assert enough_deployments(means, means, width=0.3) == wanted
