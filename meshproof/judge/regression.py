"""Did the mesh's cost change against a baseline? Pure.

The cost of a run is mesh minus direct at the median; its change is the run's cost minus the baseline's. The
rounds of two runs are independent, so its interval is Welch's over both runs' round differences.

*Regressed* only where that interval excludes zero and the change exceeds the threshold and the noise floor of
both runs; *improved* is the same downwards. *Pass* needs an interval no wider than the threshold: a wider one
might hide what the gate is there to see. What is neither is *inconclusive*, and so is everything that cannot
be compared at all: another environment, too few valid rounds.
"""

import math
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Final

import msgspec

from meshproof.judge.answers import Shift, answer_of
from meshproof.judge.intervals import Interval, change_interval, change_p_value, holm
from meshproof.judge.overhead import ALPHA, MIN_VALID_ROUNDS
from meshproof.model.baseline import Baseline, Figure, Fingerprint, Measurement
from meshproof.model.comparison import Answer, Change, Comparison
from meshproof.model.errors import BadInputError
from meshproof.model.run import PRIMARY, VALID

__all__ = ["THRESHOLD_MS", "Gate", "compare", "different_environment", "why_unfit"]

THRESHOLD_MS: Final = 0.2  # what twenty rounds on two cores tell from nothing is some 0.12

_MOST_ROUNDS: Final = 200  # of a load profile
_T: Final = 2.0  # the t quantile of 95 % at the rounds that are usual

Differs = dict[str, tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """How strictly a run is judged. Raises BadInputError for a threshold that is no positive number."""

    threshold_ms: float = THRESHOLD_MS
    allow_other_environment: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.threshold_ms) and self.threshold_ms > 0):
            raise BadInputError(
                where="--threshold-ms",
                problem=f"got {self.threshold_ms:g}, expected a number of milliseconds above 0",
                remedy=f"leave it out for {THRESHOLD_MS:g}",
            )


@dataclass(frozen=True, kw_only=True)
class _Median:
    """The change of the primary percentile before it is rounded for a report."""

    before: Figure
    after: Figure
    change_ms: float
    interval: Interval

    @property
    def noise_floor_ms(self) -> float:
        return max(self.before.noise_floor_ms, self.after.noise_floor_ms)

    @property
    def sides(self) -> tuple[list[float], list[float]]:
        """The rounds of the baseline and of the run."""
        return self.before.round_differences_ms, self.after.round_differences_ms


def compare(baseline: Baseline, run: Baseline, *, named: str, gate: Gate) -> list[Comparison]:
    """Every measurement of the baseline whose load profile the run has (if none, all of them), judged.

    ``named`` says where the baseline came from. A measurement that has no counterpart is inconclusive.
    """
    profiles = {each.profile for each in run.measurements}
    taken = {(each.profile, each.instrument): each for each in run.measurements}
    wanted = [each for each in baseline.measurements if each.profile in profiles] or baseline.measurements
    found = []
    for before in wanted:
        blank = Comparison(
            baseline=named,
            profile=before.profile,
            instrument=before.instrument,
            answer=Answer.INCONCLUSIVE,
            sentence=f"the run has no figure of profile {before.profile} by {before.instrument}",
            threshold_ms=gate.threshold_ms,
        )
        after = taken.get((before.profile, before.instrument))
        if after is None:
            found.append(blank)
            continue
        differs = different_environment(baseline.environment, run.environment, before, after)
        found.append(_compared(blank, before, after, differs, gate))
    return found


def why_unfit(baseline: Baseline) -> str:
    """Why nothing can be judged against a baseline, whatever the run; empty when something can."""
    seen = _environment_fields(baseline.environment)
    unknown = [name for name, value in seen.items() if value is None]
    if unknown:
        return f"its environment is not recorded: {', '.join(unknown)}"
    if not baseline.measurements:
        return "it holds no overhead measurement"
    return next(filter(None, (_unfit(each, "baseline") for each in baseline.measurements)), "")


def different_environment(
    old: Fingerprint, new: Fingerprint, before: Measurement, after: Measurement
) -> Differs:
    """Field -> (baseline, run) of what is not the same, or not known; ``load/`` fields are the profile's."""
    one = _environment_fields(old) | {f"load/{name}": value for name, value in before.load.items()}
    other = _environment_fields(new) | {f"load/{name}": value for name, value in after.load.items()}
    return {
        name: (_shown(one.get(name)), _shown(other.get(name)))
        for name in dict.fromkeys((*one, *other))
        if one.get(name) != other.get(name) or one.get(name) is None  # two unknowns are not the same
    }


def _environment_fields(seen: Fingerprint) -> dict[str, object]:
    """None stands for what was not recorded."""
    return {name: value or None for name, value in msgspec.to_builtins(seen).items()}


def _compared(
    blank: Comparison, before: Measurement, after: Measurement, differs: Differs, gate: Gate
) -> Comparison:
    changes = _changes(before, after)
    old, new = (_at(PRIMARY, each) for each in (before, after))
    median = _Median(
        before=old,
        after=new,
        change_ms=fmean(new.round_differences_ms) - fmean(old.round_differences_ms),
        interval=change_interval(old.round_differences_ms, new.round_differences_ms, 1 - ALPHA),
    )
    unfit = _unfit(before, "baseline") or _unfit(after, "run")
    elsewhere = f"the environment is not the baseline's: {_listed(differs)}"
    if differs and not gate.allow_other_environment:
        answer, sentence = Answer.INCONCLUSIVE, f"{elsewhere} (--allow-other-environment judges all the same)"
    elif unfit:
        answer, sentence = Answer.INCONCLUSIVE, unfit
    else:
        answer, sentence = _answer(median, gate.threshold_ms)
        sentence += f"; {elsewhere}" if differs else ""
    return msgspec.structs.replace(
        blank,
        answer=answer,
        sentence=sentence,
        noise_floors_ms=(old.noise_floor_ms, new.noise_floor_ms),
        rounds=(len(old.round_differences_ms), len(new.round_differences_ms)),
        changes=changes,
        differs=differs,
    )


def _unfit(measured: Measurement, side: str) -> str:
    """Why nothing can be judged with a measurement; empty when it can."""
    if measured.validity != VALID:
        return f"the {side}'s figures are not valid: {measured.validity}"
    rounds = min(len(figure.round_differences_ms) for figure in measured.figures)
    if rounds < MIN_VALID_ROUNDS:
        return f"the {side} has {rounds} valid rounds, {MIN_VALID_ROUNDS} are needed"
    return ""


def _answer(median: _Median, threshold_ms: float) -> tuple[Answer, str]:
    """What the rule says of figures that can be compared."""
    shift = Shift(
        change_ms=median.change_ms,
        interval=median.interval,
        noise_floor_ms=median.noise_floor_ms,
        figures=_figures(median, threshold_ms),
        remedy=_remedy(median, threshold_ms),
    )
    return answer_of(shift, threshold_ms)


def _figures(median: _Median, threshold_ms: float) -> str:
    old, new = (fmean(side) for side in median.sides)
    return (
        f"({old:+.2f} ms in the baseline, {new:+.2f} ms now; change {median.change_ms:+.2f} ms, "
        f"{1 - ALPHA:.0%} interval {median.interval.low:+.2f} to {median.interval.high:+.2f} ms; "
        f"threshold {threshold_ms:g} ms, noise floor {median.noise_floor_ms:.2f} ms)"
    )


def _remedy(median: _Median, threshold_ms: float) -> str:
    """How many rounds would do, at the spread that was seen: the width shrinks with their square root."""
    spread = sum(variance(side) for side in median.sides)
    rounds = math.ceil((2 * _T / threshold_ms) ** 2 * spread)
    if rounds > _MOST_ROUNDS:
        return "measure on a quieter machine, or set a wider threshold"
    return f"some {rounds} rounds in the baseline and in the run would do"


def _changes(before: Measurement, after: Measurement) -> list[Change]:
    """The percentiles that both have; all but the primary are one family, adjusted after Holm."""
    old, new = ({f.percentile: f for f in each.figures} for each in (before, after))
    common = sorted(old.keys() & new.keys())
    p_values = {
        each: change_p_value(old[each].round_differences_ms, new[each].round_differences_ms)
        for each in common
    }
    levels = holm({q: p for q, p in p_values.items() if q != PRIMARY}, ALPHA)
    levels[PRIMARY] = (p_values[PRIMARY], ALPHA)
    return [_change(old[each], new[each], *levels[each]) for each in common]


def _change(before: Figure, after: Figure, p_value: float, alpha: float) -> Change:
    interval = change_interval(before.round_differences_ms, after.round_differences_ms, 1 - alpha)
    old, new = fmean(before.round_differences_ms), fmean(after.round_differences_ms)
    return Change(
        percentile=before.percentile,
        baseline_ms=_ms(old),
        run_ms=_ms(new),
        change_ms=_ms(new - old),
        interval_ms=(_ms(interval.low), _ms(interval.high)),
        confidence=1 - alpha,
        p_value=p_value,
        direct_ms=(before.direct_ms, after.direct_ms),
    )


def _at(percentile: float, measured: Measurement) -> Figure:
    return next(each for each in measured.figures if each.percentile == percentile)


def _listed(differs: Differs) -> str:
    return ", ".join(f"{name} was {old}, is {new}" for name, (old, new) in differs.items())


def _shown(value: object) -> str:
    return "not recorded" if value is None else str(value)


def _ms(value: float) -> float:
    return round(value, 4)
