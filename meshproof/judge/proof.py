"""Is the measure right? Delays that are known, arms that are identical, arms that are slower. Pure.

A relay stands behind the proxy and holds every request for a delay that it measures itself: what the measure
says of it can be held against the truth. The gate is asked about arms of one experiment as if they came from
two runs: the run has the two direct arms the other way round, so that no arm is in both.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

import msgspec

from meshproof.judge.histograms import Latencies
from meshproof.judge.intervals import mean_interval
from meshproof.judge.overhead import ALPHA, judge_overhead
from meshproof.judge.regression import Gate, compare
from meshproof.judge.rounds import CONTROL, DIRECT, MESH
from meshproof.model.baseline import Baseline, baseline_of
from meshproof.model.comparison import Answer, Comparison
from meshproof.model.delays import Delays
from meshproof.model.errors import HarnessError
from meshproof.model.load import Recording
from meshproof.model.proof import KnownDelay
from meshproof.model.run import PRIMARY, Environment, Overhead, OverheadDetail, Run, RunInfo

__all__ = [
    "AGAIN",
    "BEFORE",
    "blurred",
    "called_different",
    "gate_on_arms",
    "judge_known_delays",
    "missed",
    "picked",
    "round_medians_ms",
]

BEFORE: Final = "before"  # arm of the mesh as it was
AGAIN: Final = "again"  # an arm that is the same as another


def picked(recording: Recording, *, direct: str, control: str, mesh: str) -> Recording:
    """Three arms of an experiment as the three of an overhead measurement."""
    names = {direct: DIRECT, control: CONTROL, mesh: MESH}
    return msgspec.structs.replace(
        recording,
        arms={new: recording.arms[old] for old, new in names.items()},
        phases=[
            msgspec.structs.replace(each, arm=names[each.arm])
            for each in recording.phases
            if each.arm in names
        ],
        cells=[
            msgspec.structs.replace(each, arm=names[each.arm])
            for each in recording.cells
            if each.arm in names
        ],
        lookups_ms={new: recording.lookups_ms[old] for old, new in names.items()},
        warmup={new: recording.warmup[old] for old, new in names.items()},
    )


def judge_known_delays(
    recording: Recording, delays: Mapping[str, Delays], *, without: str
) -> list[KnownDelay]:
    """Every arm of ``delays`` (arm -> what its relay held) against ``without``, whose control is ``AGAIN``.

    Raises HarnessError where nothing can be judged.
    """
    relays = [arm for arm in delays if arm != without]
    confidence = 1 - ALPHA / len(relays)  # Bonferroni: the relays share the arm that they are held against
    return [_known_delay(recording, arm, delays, without, confidence) for arm in relays]


def missed(found: Sequence[KnownDelay]) -> list[str]:
    """Of each interval that does not hold the delay that was there, a sentence."""
    return [
        f"{each.relay} held requests for {each.told_ms:.3f} ms, which is not within {_shown(each)}"
        for each in found
        if not each.holds(each.told_ms)
    ]


def blurred(found: Sequence[KnownDelay]) -> list[str]:
    """Of each interval that holds the delay of another relay, too, or none at all: it tells nothing."""
    truths = {"no relay with a delay": 0.0} | {each.relay: each.told_ms for each in found}
    return [
        f"the interval of {each.relay}, {_shown(each)}, holds the delay of {other}, {told:.3f} ms, as well"
        for each in found
        for other, told in truths.items()
        if other != each.relay and each.holds(told)
    ]


def gate_on_arms(
    before: Recording, after: Recording, arm: str, *, seen: Environment, gate: Gate
) -> Comparison:
    """The gate's word on ``arm`` against ``BEFORE``, as if they were two runs; both may be one experiment.

    Raises HarnessError where an experiment has no figure.
    """
    baseline = _baseline(picked(before, direct=DIRECT, control=CONTROL, mesh=BEFORE), seen)
    run = _baseline(picked(after, direct=CONTROL, control=DIRECT, mesh=arm), seen)
    (found,) = compare(baseline, run, named=f"arm {BEFORE}", gate=gate)
    return found


def called_different(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Those of which the gate says that the cost changed."""
    return [each for each in comparisons if each.answer in {Answer.REGRESSED, Answer.IMPROVED}]


def round_medians_ms(recording: Recording) -> dict[str, list[float]]:
    """Arm -> the median of each of its rounds, void ones too: what simulations resample."""
    latencies = Latencies(recording)
    return {
        arm: [round(latencies.at_ms(arm, number, PRIMARY), 4) for number in range(recording.profile.rounds)]
        for arm in recording.arms
    }


def _known_delay(
    recording: Recording, arm: str, delays: Mapping[str, Delays], without: str, confidence: float
) -> KnownDelay:
    row, _ = _median(picked(recording, direct=without, control=AGAIN, mesh=arm))
    interval = mean_interval(row.round_differences_ms, confidence)
    return KnownDelay(
        relay=arm,
        asked_ms=delays[arm].delay_us / 1000,
        told_ms=round(delays[arm].median_ms() - delays[without].median_ms(), 4),
        difference_ms=round(fmean(row.round_differences_ms), 4),
        interval_ms=(round(interval.low, 4), round(interval.high, 4)),
        confidence=confidence,
        noise_floor_ms=row.noise_floor_ms,
        rounds=row.rounds,
        validity=row.validity,
    )


def _median(recording: Recording) -> tuple[Overhead, OverheadDetail]:
    rows, detail = judge_overhead(recording)
    if not rows:
        raise HarnessError(
            where=f"profile {recording.profile.name}",
            problem=detail.notes[0],
            remedy="run on a quieter machine",
        )
    return next(row for row in rows if row.percentile == PRIMARY), detail


def _baseline(recording: Recording, seen: Environment) -> Baseline:
    row, detail = _median(recording)
    info = RunInfo(id=recording.started, started=recording.started)
    return baseline_of(Run(run=info, environment=seen, overhead=[row], overhead_detail=[detail]))


def _shown(found: KnownDelay) -> str:
    low, high = found.interval_ms
    return f"{low:.3f} to {high:.3f} ms"
