"""How often the intervals are right: experiments of twenty rounds, simulated, against the nominal rate.

A rate over ``EXPERIMENTS`` is within four of its standard errors of the true one but once in 16,000 times.
"""

import math
import random
from collections.abc import Callable

import pytest

from meshproof.judge.intervals import (
    change_interval,
    change_p_value,
    hodges_lehmann,
    holm,
    mean_interval,
    mean_p_value,
)

EXPERIMENTS = 1000
ROUNDS = 20
COST_MS = 0.9

Draw = Callable[[random.Random], float]


def slack(rate: float, experiments: int = EXPERIMENTS) -> float:
    """Four standard errors of a rate."""
    return 4 * math.sqrt(rate * (1 - rate) / experiments)


def normal(rng: random.Random) -> float:
    return rng.gauss(COST_MS, 0.26)


def heavy_tailed(rng: random.Random) -> float:
    """Student's t of two degrees of freedom: symmetric, its variance infinite."""
    return COST_MS + 0.1 * rng.gauss(0, 1) / math.sqrt(rng.gammavariate(1, 1))


def lognormal_arms(rng: random.Random) -> float:
    """Both arms vary by a third, as latencies do; the difference is a little skewed."""
    tilt = math.exp(0.3**2 / 2)
    return (1.0 + COST_MS) * rng.lognormvariate(0, 0.3) / tilt - rng.lognormvariate(0, 0.3) / tilt


def lognormal(rng: random.Random) -> float:
    """As skewed as no difference of medians should be: its standard deviation is 1.3 times its mean."""
    return COST_MS * rng.lognormvariate(0, 1) / math.exp(0.5)


@pytest.mark.parametrize(
    ("draw", "by_mean", "by_rank"),
    [
        # (least, most) share of experiments whose interval holds the cost; None: not its business
        pytest.param(normal, (0.95, 0.95), (0.952, 0.952), id="normal"),
        pytest.param(heavy_tailed, (0.95, 0.98), (0.952, 0.952), id="heavy tails"),
        pytest.param(lognormal_arms, (0.94, 0.95), None, id="lognormal arms"),
        pytest.param(lognormal, (0.86, 0.92), None, id="very skewed: the t interval falls short"),
    ],
)
def test_intervals_hold_the_true_cost_as_often_as_they_say(
    draw: Draw, by_mean: tuple[float, float], by_rank: tuple[float, float] | None
) -> None:
    """The signed-rank interval is about the centre of symmetry, so only symmetric rounds are its business."""
    rng = random.Random(1908)  # noqa: S311 - seeded on purpose
    held_mean = held_rank = 0
    for _ in range(EXPERIMENTS):
        rounds = [draw(rng) for _ in range(ROUNDS)]
        interval = mean_interval(rounds, 0.95)
        held_mean += interval.low <= COST_MS <= interval.high
        if by_rank:
            found = hodges_lehmann(rounds, 0.95)
            assert found
            held_rank += found.interval.low <= COST_MS <= found.interval.high

    assert by_mean[0] - slack(by_mean[0]) <= held_mean / EXPERIMENTS <= by_mean[1] + slack(by_mean[1])
    if by_rank:
        assert held_rank / EXPERIMENTS == pytest.approx(by_rank[0], abs=slack(by_rank[0]))


def test_signed_rank_interval_is_the_narrower_one_where_tails_are_heavy() -> None:
    rng = random.Random(1963)  # noqa: S311 - seeded on purpose
    narrower = 0
    for _ in range(200):
        rounds = [heavy_tailed(rng) for _ in range(ROUNDS)]
        found = hodges_lehmann(rounds, 0.95)
        assert found
        narrower += found.interval.width < mean_interval(rounds, 0.95).width

    assert narrower > 0.7 * 200


@pytest.mark.parametrize(
    ("rounds", "spreads"),
    [
        pytest.param((20, 20), (0.26, 0.26), id="equal"),
        pytest.param((10, 40), (0.4, 0.1), id="the shorter run spreads more"),
    ],
)
def test_interval_of_a_change_holds_the_true_change_whatever_the_spreads(
    rounds: tuple[int, int], spreads: tuple[float, float]
) -> None:
    """Where a pooled t interval would be far too narrow or too wide, Welch's keeps its rate."""
    rng = random.Random(1947)  # noqa: S311 - seeded on purpose
    held = rejected = 0
    for _ in range(EXPERIMENTS):
        before, after = (
            [rng.gauss(cost, spread) for _ in range(count)]
            for cost, spread, count in zip((0.9, 1.2), spreads, rounds, strict=True)
        )
        interval = change_interval(before, after, 0.95)
        held += interval.low <= 0.3 <= interval.high
        rejected += change_p_value(before, [value - 0.3 for value in after]) < 0.05

    assert held / EXPERIMENTS == pytest.approx(0.95, abs=slack(0.95))
    assert rejected == EXPERIMENTS - held


@pytest.mark.parametrize(
    ("shared", "real"),
    [
        pytest.param(0.0, 0, id="independent"),
        pytest.param(0.8, 0, id="percentiles of the same rounds"),
        pytest.param(0.8, 1, id="one of them is another"),
    ],
)
def test_holm_calls_a_percentile_different_that_is_not_in_one_family_of_twenty_at_most(
    shared: float, real: int
) -> None:
    """Three percentiles; ``real`` of them differ, and the others are called different in 5 % of families."""
    rng = random.Random(1979)  # noqa: S311 - seeded on purpose
    families, alarms = 600, 0
    for _ in range(families):
        common = [rng.gauss(0, shared) for _ in range(ROUNDS)]
        own = math.sqrt(1 - shared**2)
        family = {
            float(q): mean_p_value([(3.0 if q < real else 0.0) + each + rng.gauss(0, own) for each in common])
            for q in range(3)
        }
        alarms += any(adjusted <= 0.05 for q, (adjusted, _) in holm(family, 0.05).items() if q >= real)

    assert alarms / families <= 0.05 + slack(0.05, families)
