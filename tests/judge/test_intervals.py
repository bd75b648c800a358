"""Intervals over rounds against known values and against scipy; test_coverage.py simulates them."""

from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from meshproof.judge.intervals import (
    Interval,
    change_interval,
    change_p_value,
    hodges_lehmann,
    holm,
    mean_interval,
    mean_p_value,
)

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


@given(
    st.lists(finite, min_size=2, max_size=25),
    st.lists(finite, min_size=2, max_size=25),
    st.sampled_from([0.9, 0.95, 0.99]),
)
def test_change_is_what_scipy_says_of_two_samples_of_unequal_variance(
    before: list[float], after: list[float], confidence: float
) -> None:
    if max(stdev(before), stdev(after)) < 1e-3:
        return  # scipy warns of what it cannot tell from no spread at all
    theirs = stats.ttest_ind(after, before, equal_var=False)
    wanted = theirs.confidence_interval(confidence)

    ours = change_interval(before, after, confidence)

    assert (ours.low, ours.high) == pytest.approx((wanted.low, wanted.high), rel=1e-6, abs=1e-6)
    assert change_p_value(before, after) == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("after", "p_value"), [pytest.param([0.5] * 3, 1.0, id="none"), pytest.param([0.9] * 3, 0.0, id="one")]
)
def test_change_of_rounds_without_spread_is_a_point(after: list[float], p_value: float) -> None:
    change = after[0] - 0.5

    assert change_interval([0.5] * 4, after, 0.95) == Interval(low=change, high=change)
    assert change_p_value([0.5] * 4, after) == p_value


@given(st.lists(st.floats(-100, 100), min_size=6, max_size=20), st.integers(-100, 100))
def test_intervals_move_with_the_rounds_and_turn_with_their_sign(values: list[float], by: int) -> None:
    """What is added to every round is added to both ends, in any order of the rounds."""
    moved, turned = [each + by for each in reversed(values)], [-each for each in values]

    for ends in (_t_ends, _rank_ends):
        low, high = ends(values)
        assert ends(moved) == pytest.approx((low + by, high + by), abs=1e-9)
        assert ends(turned) == pytest.approx((-high, -low), abs=1e-9)


def _t_ends(values: list[float]) -> tuple[float, float]:
    interval = mean_interval(values, 0.95)
    return interval.low, interval.high


def _rank_ends(values: list[float]) -> tuple[float, float]:
    found = hodges_lehmann(values, 0.95)
    assert found
    return found.interval.low, found.interval.high
