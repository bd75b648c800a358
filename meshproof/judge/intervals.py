"""Intervals over rounds: pure. The round is the unit, so every function takes one number per round.

Sources: Student's t for the mean of paired differences; B. L. Welch, "The generalization of 'Student's'
problem when several different population variances are involved" (1947) for two runs of different spread;
J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank tests" (1963) with the exact null
distribution of Wilcoxon's signed-rank statistic for the distribution-free check beside it; S. Holm, "A simple
sequentially rejective multiple test procedure" (1979).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from statistics import fmean, median, stdev
from typing import Final

from scipy import special

__all__ = [
    "Interval",
    "LocationEstimate",
    "change_interval",
    "change_p_value",
    "hodges_lehmann",
    "holm",
    "mean_interval",
    "mean_p_value",
    "t_quantile",
]

MIN_ROUNDS: Final = 2  # one round has no spread


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A two-sided interval, both ends finite, in the unit of the values."""

    low: float
    high: float

    @property
    def farthest(self) -> float:
        """The largest absolute bound."""
        return max(abs(self.low), abs(self.high))

    @property
    def width(self) -> float:
        return self.high - self.low

    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, kw_only=True)
class LocationEstimate:
    """A Hodges-Lehmann estimate; ``confidence`` is what the interval attains, at least what was asked for."""

    estimate: float
    interval: Interval
    confidence: float


def t_quantile(probability: float, freedom: float) -> float:
    """Student's t below which ``probability`` lies, for ``freedom`` degrees of freedom.

    From ``scipy.special``: importing ``scipy.stats`` for the same takes every session half a second.
    """
    return float(special.stdtrit(freedom, probability))


def mean_interval(values: Sequence[float], confidence: float) -> Interval:
    """The t interval of the mean. Raises ValueError for fewer than two values."""
    centre, error = _mean_and_error(values)
    reach = t_quantile((1 + confidence) / 2, len(values) - 1) * error
    return Interval(low=centre - reach, high=centre + reach)


def mean_p_value(values: Sequence[float]) -> float:
    """Two-sided p of the t test that the mean is zero. Raises ValueError for fewer than two values."""
    centre, error = _mean_and_error(values)
    if error == 0:
        return 1.0 if centre == 0 else 0.0
    return min(1.0, 2 * _t_tail(abs(centre) / error, len(values) - 1))


def change_interval(before: Sequence[float], after: Sequence[float], confidence: float) -> Interval:
    """Welch's interval of the mean of ``after`` minus that of ``before``, which are independent.

    Raises ValueError for fewer than two values on either side.
    """
    change, error, freedom = _change(before, after)
    reach = t_quantile((1 + confidence) / 2, freedom) * error
    return Interval(low=change - reach, high=change + reach)


def change_p_value(before: Sequence[float], after: Sequence[float]) -> float:
    """Two-sided p of Welch's test that both means are the same. Raises ValueError as ``change_interval``."""
    change, error, freedom = _change(before, after)
    if error == 0:
        return 1.0 if change == 0 else 0.0
    return min(1.0, 2 * _t_tail(abs(change) / error, freedom))


def hodges_lehmann(values: Sequence[float], confidence: float) -> LocationEstimate | None:
    """The median of the Walsh averages and its exact signed-rank interval.

    None when there are too few values for that confidence (fewer than 6 at 95 %): no bounded interval exists.
    With ties the interval is conservative.
    """
    n = len(values)
    walsh = sorted((a + b) / 2 for a, b in combinations_with_replacement(values, 2))
    tails = _signed_rank_tails(n)
    cut = 0  # averages to leave out at each end: the most whose tail probability fits
    while cut < len(tails) and 2 * tails[cut] <= 1 - confidence:
        cut += 1
    if cut == 0:
        return None
    return LocationEstimate(
        estimate=median(walsh),
        interval=Interval(low=walsh[cut - 1], high=walsh[-cut]),
        confidence=1 - 2 * tails[cut - 1],
    )


def holm(p_values: Mapping[float, float], alpha: float) -> dict[float, tuple[float, float]]:
    """For each key: its Holm-adjusted p, and the level at which the step-down procedure tests it.

    An interval at that level excludes zero exactly where Holm rejects; a joint coverage is not claimed.
    """
    adjusted: dict[float, tuple[float, float]] = {}
    running, level, stopped = 0.0, alpha, False
    for rank, key in enumerate(sorted(p_values, key=lambda k: p_values[k])):
        left = len(p_values) - rank
        if not stopped:
            level = alpha / left
            stopped = p_values[key] > level
        running = max(running, min(1.0, left * p_values[key]))
        adjusted[key] = (running, level)
    return adjusted


def _t_tail(value: float, freedom: float) -> float:
    """The probability of a larger t than ``value``."""
    return float(special.stdtr(freedom, -value))


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < MIN_ROUNDS:
        raise ValueError(f"{len(values)} values: an interval needs at least {MIN_ROUNDS}")
    return fmean(values), stdev(values) / math.sqrt(len(values))


def _change(before: Sequence[float], after: Sequence[float]) -> tuple[float, float, float]:
    """The change of the mean, its standard error, and Welch and Satterthwaite's degrees of freedom."""
    (old, old_error), (new, new_error) = _mean_and_error(before), _mean_and_error(after)
    error = math.hypot(old_error, new_error)
    if error == 0:
        return new - old, 0.0, float(len(before) + len(after) - 2)
    shares = ((old_error / error) ** 4 / (len(before) - 1), (new_error / error) ** 4 / (len(after) - 1))
    return new - old, error, 1 / sum(shares)


@cache
def _signed_rank_tails(n: int) -> tuple[float, ...]:
    """P(W <= k) for k = 0, 1, ... of the signed-rank statistic of ``n`` values under symmetry about zero.

    Every rank is added or not with probability a half: the counts of subsets of {1..n} by their sum.
    """
    counts = [1] + [0] * (n * (n + 1) // 2)
    for rank in range(1, n + 1):
        for total in range(len(counts) - 1, rank - 1, -1):
            counts[total] += counts[total - rank]
    tails, below = [], 0
    for count in counts:
        below += count
        tails.append(below / 2**n)
    return tuple(tails)
