"""Intervals over rounds against known values, against scipy, and by simulation."""

import random
from collections.abc import Callable
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from meshproof.judge.intervals import Interval, hodges_lehmann, holm, mean_interval, mean_p_value

# W. S. Gosset's sleep data (Student 1908): the differences of two soporifics, hours, ten patients
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]

finite = st.floats(min_value=-1e3, max_value=1e3, allow_nan=False)


def test_t_interval_of_students_sleep_data() -> None:
    interval = mean_interval(SLEEP, 0.95)

    assert interval.low == pytest.approx(0.7001142, abs=1e-6)
    assert interval.high == pytest.approx(2.4598858, abs=1e-6)
    assert mean_p_value(SLEEP) == pytest.approx(0.002832890, abs=1e-8)


def test_one_round_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval([0.3], 0.95)


@pytest.mark.parametrize(
    ("values", "p_value"),
    [
        pytest.param([0.0, 0.0, 0.0], 1.0, id="no difference at all"),
        pytest.param([0.5, 0.5, 0.5], 0.0, id="the same difference in every round"),
    ],
)
def test_rounds_without_spread_have_a_point_interval(values: list[float], p_value: float) -> None:
    assert mean_interval(values, 0.95) == Interval(low=values[0], high=values[0])
    assert mean_p_value(values) == p_value


def test_interval_knows_its_farthest_bound_and_whether_it_excludes_zero() -> None:
    assert Interval(low=-0.3, high=0.1).farthest == 0.3
    assert not Interval(low=-0.3, high=0.1).excludes_zero()
    assert Interval(low=0.1, high=0.3).excludes_zero()
    assert Interval(low=-0.3, high=-0.1).excludes_zero()


@pytest.mark.parametrize(
    ("rounds", "cut", "confidence"),
    [
        # two-sided 5 % critical values of Wilcoxon's T, from the usual tables: 0 for 6, 8 for 10, 52 for 20
        pytest.param(6, 0, 1 - 2 * 1 / 64, id="6 rounds: the whole range"),
        pytest.param(10, 8, 1 - 2 * 25 / 1024, id="10 rounds"),
        pytest.param(20, 52, 1 - 2 * 0.0242, id="20 rounds"),
    ],
)
def test_signed_rank_interval_leaves_out_what_the_tables_say(
    rounds: int, cut: int, confidence: float
) -> None:
    values = [float(2**k) for k in range(rounds)]
    walsh = sorted((a + b) / 2 for k, a in enumerate(values) for b in values[k:])

    found = hodges_lehmann(values, 0.95)

    assert found
    assert found.interval == Interval(low=walsh[cut], high=walsh[-1 - cut])
    assert found.confidence == pytest.approx(confidence, abs=1e-4)


def test_too_few_rounds_for_a_bounded_signed_rank_interval() -> None:
    assert hodges_lehmann([1.0, 2.0, 3.0, 4.0, 5.0], 0.95) is None


@given(st.lists(finite, min_size=8, max_size=15, unique_by=abs), st.floats(-5, 5))
@settings(max_examples=60, deadline=None)
def test_signed_rank_interval_excludes_exactly_what_scipys_exact_test_rejects(
    values: list[float], location: float
) -> None:
    """The interval is the test turned around, so both must agree on any location away from ties."""
    shifted = [value - location for value in values]
    if 0.0 in shifted or len({abs(value) for value in shifted}) < len(shifted):
        return
    found = hodges_lehmann(values, 0.95)

    assert found
    rejected = stats.wilcoxon(shifted, method="exact").pvalue <= 0.05
    assert rejected == (not found.interval.low <= location <= found.interval.high)


@given(st.lists(finite, min_size=6, max_size=25))
@settings(max_examples=60, deadline=None)
def test_estimates_lie_in_their_intervals(values: list[float]) -> None:
    found = hodges_lehmann(values, 0.95)
    interval = mean_interval(values, 0.95)

    assert found
    assert found.interval.low <= found.estimate <= found.interval.high
    assert interval.low <= fmean(values) <= interval.high
    assert mean_interval(values, 0.99).farthest >= interval.farthest


def test_holm_steps_down_and_stops() -> None:
    """A p of 0.01 is tested at 5/3 %, 0.04 at 2.5 %, where it stops; the last stays at that level."""
    found = holm({90: 0.01, 99: 0.04, 99.9: 0.045}, 0.05)

    assert list(found[90]) == pytest.approx([0.03, 0.05 / 3])
    assert list(found[99]) == pytest.approx([0.08, 0.025])
    assert list(found[99.9]) == pytest.approx([0.08, 0.025])


@given(st.dictionaries(st.integers(1, 99), st.floats(0, 1), min_size=1, max_size=6))
def test_holm_rejects_where_the_adjusted_p_is_below_alpha(p_values: dict[float, float]) -> None:
    for key, (adjusted, level) in holm(p_values, 0.05).items():
        assert p_values[key] <= adjusted <= 1
        if abs(adjusted - 0.05) > 1e-9:
            assert (adjusted <= 0.05) == (p_values[key] <= level)


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda r: r.gauss(0.4, 0.15), id="normal"),
        pytest.param(lambda r: 0.4 + r.choice((-1, 1)) * r.expovariate(8), id="heavier tails"),
    ],
)
def test_both_intervals_cover_the_true_difference_at_the_nominal_rate(
    draw: Callable[[random.Random], float],
) -> None:
    """600 experiments of 20 rounds; 95 % of them within four standard errors (0.9 % each), seeded."""
    rng = random.Random(20)  # noqa: S311 - seeded on purpose
    repeats = 600
    by_mean = by_rank = 0
    for _ in range(repeats):
        rounds = [draw(rng) for _ in range(20)]
        interval = mean_interval(rounds, 0.95)
        found = hodges_lehmann(rounds, 0.95)
        assert found
        by_mean += interval.low <= 0.4 <= interval.high
        by_rank += found.interval.low <= 0.4 <= found.interval.high

    assert by_mean / repeats == pytest.approx(0.95, abs=0.036)
    assert by_rank / repeats == pytest.approx(0.95, abs=0.036)
