"""What a lighter instrument saw of the same arms, and what explains that Locust saw more. Pure.

Two differences are told apart. *Locust's figure minus fortio's beside it*, round by round: the same arms
at the same time, so it is what Locust adds to what it measures. *Fortio's beside Locust minus fortio's
alone*: the same instrument, so it is what that load adds to the cost of the mesh, the generator's own
share of the processors included.
"""

from dataclasses import dataclass
from statistics import fmean
from typing import Final

from meshproof.judge.histograms import Latencies
from meshproof.judge.intervals import MIN_ROUNDS, Interval, change_interval, mean_interval
from meshproof.judge.overhead import ALPHA, check_arms, overhead_rows, small_differences, why_not_valid
from meshproof.judge.rounds import DIRECT, MESH, void_rounds
from meshproof.judge.swarm import arm_curves, generator_figures, load_facts, on_arm
from meshproof.model.load import FORTIO, FORTIO_BESIDE, Recording
from meshproof.model.run import PRIMARY, VALID, Overhead, OverheadDetail

__all__ = ["Explained", "explain", "judge_light"]

SECONDARY: Final = (90.0,)  # of some 30 requests a round two or three lie beyond it; beyond p99 none
FEW: Final = 10  # requests of a round: below it even a median is a guess


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Both parts of what Locust saw and fortio alone did not: milliseconds at the median, 95 % intervals."""

    instrument_ms: float
    instrument: Interval
    load_ms: float
    load: Interval


def judge_light(recording: Recording) -> list[tuple[list[Overhead], OverheadDetail]]:
    """Rows of each sampling, with what stands behind them: alone, then beside Locust, where they were made.

    Raises BadInputError when a sampling lacks one of the arms direct, control and mesh.
    """
    found = []
    if recording.alone:
        found.append(_judged(recording.alone, FORTIO, {}, "with no other load"))
    if recording.beside:
        void = void_rounds(recording, Latencies(recording))
        how = "on each arm while Locust loads it; a round that is void for Locust is void here"
        rows, detail = _judged(recording.beside, FORTIO_BESIDE, void, how)
        if told := explain(recording):
            detail.beside_others.extend(_in_words(told))
            detail.generator.update(_in_figures(told))
        found.append((rows, detail))
    return found


def explain(recording: Recording) -> Explained | None:
    """None where one of the three figures is missing."""
    if recording.alone is None or recording.beside is None:
        return None
    void = void_rounds(recording, Latencies(recording))
    alone, beside = _differences(recording.alone, {}), _differences(recording.beside, void)
    locust = _differences(recording, void)
    added = [locust[n] - beside[n] for n in sorted(locust.keys() & beside.keys())]
    if min(len(added), len(alone), len(beside)) < MIN_ROUNDS:
        return None
    before, after = list(alone.values()), list(beside.values())
    return Explained(
        instrument_ms=fmean(added),
        instrument=mean_interval(added, 1 - ALPHA),
        load_ms=fmean(after) - fmean(before),
        load=change_interval(before, after, 1 - ALPHA),
    )


def _judged(
    recording: Recording, instrument: str, also_void: dict[int, str], how: str
) -> tuple[list[Overhead], OverheadDetail]:
    check_arms(recording)
    latencies = Latencies(recording)
    void = _void(recording, latencies, also_void)
    valid = [number for number in range(recording.profile.rounds) if number not in void]
    silent = [number for number in valid if not latencies.count(MESH, number)]
    judged = [number for number in valid if number not in silent]
    reasons = why_not_valid(recording, valid, silent)
    told = _notes(recording, latencies, valid, how)
    rows: list[Overhead] = []
    if len(judged) >= MIN_ROUNDS:
        validity = "; ".join(reasons) or VALID
        rows = overhead_rows(
            recording, latencies, judged, validity=validity, secondary=SECONDARY, instrument=instrument
        )
        told += small_differences(rows)
    else:
        told.insert(0, f"no figure: {len(judged)} rounds can be judged; {'; '.join(reasons)}")
    figures = generator_figures(recording, latencies, valid)
    return rows, OverheadDetail(
        profile=recording.profile.name,
        arms=arm_curves(recording, latencies, valid),
        void_rounds={str(number): reason for number, reason in void.items()},
        generator=figures,
        load=load_facts(recording),
        notes=told,
        instrument=instrument,
    )


def _void(recording: Recording, latencies: Latencies, also: dict[int, str]) -> dict[int, str]:
    """Its own evidence and that of the load beside it, joined."""
    own = void_rounds(recording, latencies)
    return {
        number: "; ".join(filter(None, (also.get(number, ""), own.get(number, ""))))
        for number in sorted(also.keys() | own.keys())
    }


def _differences(recording: Recording, also_void: dict[int, str]) -> dict[int, float]:
    """Round -> mesh minus direct at the median, of the rounds that can be judged."""
    latencies = Latencies(recording)
    void = _void(recording, latencies, also_void)
    return {
        number: latencies.at_ms(MESH, number, PRIMARY) - latencies.at_ms(DIRECT, number, PRIMARY)
        for number in range(recording.profile.rounds)
        if number not in void and latencies.count(MESH, number)
    }


def _notes(recording: Recording, latencies: Latencies, valid: list[int], how: str) -> list[str]:
    told = [
        f"{recording.profile.description}, {how}",
        "discarded: the first request of a run, which makes the connection, and what began outside a phase",
        "its processor time holds the start of fortio in every phase",
    ]
    for arm in recording.arms:
        told += on_arm(
            arm, [cell for cell in recording.cells if cell.arm == arm and cell.round in set(valid)]
        )
    fewest = min((latencies.count(arm, n) for arm in recording.arms for n in valid), default=0)
    if valid and fewest < FEW:
        told.append(f"a round has as few as {fewest} answers of an arm: its median is a guess")
    return told


def _in_words(told: Explained) -> list[str]:
    instrument, load = _shown(told.instrument_ms, told.instrument), _shown(told.load_ms, told.load)
    return [
        f"what Locust adds to what it measures (its figure minus fortio's beside it, by round): {instrument}",
        f"what its load adds to the cost of the mesh (fortio beside it minus fortio alone): {load}",
    ]


def _in_figures(told: Explained) -> dict[str, float]:
    return {
        "locust_minus_fortio_beside_ms": round(told.instrument_ms, 4),
        "locust_minus_fortio_beside_low_ms": round(told.instrument.low, 4),
        "locust_minus_fortio_beside_high_ms": round(told.instrument.high, 4),
        "beside_minus_alone_ms": round(told.load_ms, 4),
        "beside_minus_alone_low_ms": round(told.load.low, 4),
        "beside_minus_alone_high_ms": round(told.load.high, 4),
    }


def _shown(value: float, interval: Interval) -> str:
    return f"{value:+.2f} ms (95 % interval {interval.low:+.2f} to {interval.high:+.2f})"
