"""Rounds within deployments: an interval that knows both spreads, and how large each of them is. Pure.

The model is y = m(setting) + b(deployment) + e(round), with independent b and e of mean zero. The rounds of
one deployment share its b, so more of them say nothing about it: the deployment is the unit. Each is reduced
to the mean of its rounds, whose variance is between + within / rounds, and the change of a setting is

    D = mean(B's means) - mean(A's means),   D +- t(0.975, v) * sqrt(sA^2 / kA + sB^2 / kB)

with the variances s^2 of the k means of each setting and Welch and Satterthwaite's degrees of freedom v. What
the means spread by holds both components, so neither has to be known. With as many rounds in each deployment
this is what the mixed model's restricted likelihood gives, too, but for v.

Assumptions: deployments are independent of one another, which the random order is for, and their means are
about normal. Rounds of a deployment may depend on one another as they like.

Sources: T. Kalibera and R. Jones, "Rigorous benchmarking in reasonable time" (ISMM 2013) for the levels of an
experiment on a computer; B. L. Welch (1947) for the interval; S. R. Searle, G. Casella and C. E. McCulloch,
"Variance Components" (1992), chapter 3, for the components by the analysis of variance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Final

from meshproof.judge.intervals import t_quantile

__all__ = ["MIN_DEPLOYMENTS", "Spread", "enough_deployments", "spread_of"]

MIN_DEPLOYMENTS: Final = 4  # of each setting: with three the t quantile alone makes any interval useless
_MOST: Final = 60  # deployments of each setting that one would wait for: some two hours

Rounds = Sequence[float]  # of one deployment


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Standard deviations: of deployments about their setting's mean, of rounds about their deployment's."""

    between: float
    within: float


def spread_of(settings: Sequence[Sequence[Rounds]]) -> Spread | None:
    """Both components, pooled over the settings; None with too few deployments or rounds for either.

    By the analysis of variance: within is the mean square of the rounds, between what the deployments' mean
    square exceeds it by. A negative difference, which chance makes, is zero.
    """
    pooled = [[each for each in deployments if each] for deployments in settings]
    rounds = [len(each) for deployments in pooled for each in deployments]
    between_freedom = sum(len(deployments) - 1 for deployments in pooled if deployments)
    within_freedom = sum(rounds) - len(rounds)
    if between_freedom < 1 or within_freedom < 1:
        return None
    within = sum(_squares(each) for deployments in pooled for each in deployments) / within_freedom
    between, share = 0.0, float(sum(rounds))
    for deployments in filter(None, pooled):
        whole = sum(len(each) for each in deployments)
        centre = fmean(value for each in deployments for value in each)
        between += sum(len(each) * (fmean(each) - centre) ** 2 for each in deployments)
        share -= sum(len(each) ** 2 for each in deployments) / whole
    excess = (between / between_freedom - within) / (share / between_freedom)
    return Spread(between=math.sqrt(max(0.0, excess)), within=math.sqrt(within))


def enough_deployments(one: Sequence[float], other: Sequence[float], *, width: float) -> int | None:
    """How many deployments of each setting give an interval that is no wider; None: more than one waits for.

    ``one`` and ``other`` are the means that were seen, whose spread is taken for the true one.
    """
    spread = variance(one) + variance(other)
    for number in range(MIN_DEPLOYMENTS, _MOST + 1, 2):
        reach = t_quantile(0.975, 2 * number - 2) * math.sqrt(spread / number)
        if 2 * reach <= width:
            return number
    return None


def _squares(values: Rounds) -> float:
    centre = fmean(values)
    return sum((value - centre) ** 2 for value in values)
