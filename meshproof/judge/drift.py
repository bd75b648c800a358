"""Whether a soak's figures drift: a slope over time, with its interval. Pure.

The slope is Theil and Sen's, the median of the slopes between all pairs of points, its interval from
Kendall's rank correlation (P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau",
1968). A line of least squares would follow the single rounds that stand out, which a long run on a shared
machine always has, and its interval would take their spread for normal.

The interval takes the points to be independent. The differences of rounds are: what a machine does for
minutes falls on both arms of a round. A working set is not, its heap grows and is collected, so that its
samples are averaged in blocks first; and as a heap grows to its working size at the beginning, the first
quarter of the time does not count.
"""

from collections.abc import Sequence
from itertools import groupby
from statistics import fmean
from typing import Final

from meshproof.judge.histograms import Latencies
from meshproof.judge.rounds import DIRECT, MESH
from meshproof.model.drift import Drift, Unit
from meshproof.model.load import Recording
from meshproof.model.run import PRIMARY
from meshproof.model.usage import Component, Moment, UsageSample

__all__ = ["judge_drift", "slope"]

MIN_POINTS: Final = 8  # rounds, or blocks of samples: below that the interval is of no use

_BLOCKS: Final = 10
_CONFIDENCE: Final = 0.95
_HOUR_S: Final = 3600.0
_MIB: Final = 1024 * 1024
_OF_MESH: Final = (Component.PROXY, Component.CONTROLLER)

_Series = Sequence[tuple[float, float]]  # seconds and values


def judge_drift(recording: Recording, latencies: Latencies, judged: list[int]) -> list[Drift]:
    """Of the difference at the median, of direct access alone, of the mesh's containers' memory.

    Nothing where the profile does not ask for it; a series of too few points is left out.
    """
    if not recording.profile.drift:
        return []
    began_s: dict[int, float] = {}
    for phase in recording.phases:
        began_s.setdefault(phase.round, phase.starts_s)
    medians = {arm: [latencies.at_ms(arm, number, PRIMARY) for number in judged] for arm in (DIRECT, MESH)}
    times = [began_s[number] for number in judged]
    differences = [mesh - direct for mesh, direct in zip(medians[MESH], medians[DIRECT], strict=True)]
    found = [
        slope("mesh minus direct at p50", Unit.MILLISECONDS, list(zip(times, differences, strict=True))),
        slope("direct at p50", Unit.MILLISECONDS, list(zip(times, medians[DIRECT], strict=True))),
        *(slope(name, Unit.MEBIBYTES, _blocks(series)) for name, series in _working_sets(recording).items()),
    ]
    return [each for each in found if each is not None]


def slope(of: str, unit: Unit, series: _Series) -> Drift | None:
    """How ``series`` rises over time; None for fewer than ``MIN_POINTS``."""
    if len(series) < MIN_POINTS:
        return None
    from scipy import stats  # noqa: PLC0415 -- half a second of every session's start, for a soak's sake

    seconds, values = [each for each, _ in series], [each for _, each in series]
    fitted = stats.theilslopes(values, [each / _HOUR_S for each in seconds], _CONFIDENCE)
    low, high = float(fitted[2]), float(fitted[3])
    return Drift(
        of=of,
        unit=unit,
        per_hour=round(float(fitted[0]), 4),
        interval_per_hour=(round(low, 4), round(high, 4)),
        over_s=round(max(seconds) - min(seconds), 1),
        points=len(series),
        shown=low > 0 or high < 0,
    )


def _working_sets(recording: Recording) -> dict[str, list[tuple[float, float]]]:
    """By container: when, by the node's clock, and MiB, while load was on."""
    samples = recording.usage.samples if recording.usage else []
    loaded = [each for each in samples if each.component in _OF_MESH and each.moment is Moment.DURING]
    found = {}
    for _, group in groupby(sorted(loaded, key=_place), key=_place):
        kept = list(group)
        series = sorted((each.seen.at_unix, each.seen.working_set_bytes / _MIB) for each in kept)
        found[f"working set of {kept[0].component} {kept[0].seen.pod}"] = series
    return found


def _place(sample: UsageSample) -> tuple[str, str, str]:
    return sample.component, sample.seen.pod, sample.seen.instance


def _blocks(series: _Series) -> _Series:
    """Means of as many blocks of equal time as there are; the first quarter of the time is left out."""
    began, ended = series[0][0], series[-1][0]
    start = began + (ended - began) / 4
    kept = [each for each in series if each[0] >= start]
    length = (ended - start) / _BLOCKS or 1.0
    groups = groupby(kept, key=lambda each: min(int((each[0] - start) / length), _BLOCKS - 1))
    blocks = [list(group) for _, group in groups]
    return [(fmean(at for at, _ in block), fmean(value for _, value in block)) for block in blocks]
