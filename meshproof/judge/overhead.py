"""A recording becomes the overhead: mesh minus direct, with an interval and a noise floor. Pure.

The round is the unit. In each round the percentile is read from each arm's service times, and the mesh's
minus the direct arm's is one difference; ``direct_ms`` and ``mesh_ms`` are the means of those round
percentiles. p50 is primary; the other percentiles are one family, adjusted after Holm (1979).

How errors count: latencies are of answered requests only, errors stand beside them. An error in the mesh arm
never makes a round void. A round in which the mesh answered nothing has no percentile, so it cannot be in the
mean: it is counted in the validity, which then is not "valid", because the difference understates what
happened.
"""

from dataclasses import dataclass
from statistics import fmean
from typing import Final

from meshproof.judge.costs import judge_costs
from meshproof.judge.drift import judge_drift
from meshproof.judge.histograms import Latencies
from meshproof.judge.intervals import (
    MIN_ROUNDS,
    Interval,
    hodges_lehmann,
    holm,
    mean_interval,
    mean_p_value,
)
from meshproof.judge.rounds import CONTROL, DIRECT, MESH, void_rounds
from meshproof.judge.saturation import judge_saturation
from meshproof.judge.swarm import arm_curves, generator_figures, load_facts, notes_on
from meshproof.judge.throughput import judge_throughput, limited_by_generator
from meshproof.model.errors import BadInputError
from meshproof.model.load import LOCUST, Arrivals, Recording
from meshproof.model.run import PRIMARY, VALID, Overhead, OverheadDetail

__all__ = [
    "ALPHA",
    "MIN_VALID_ROUNDS",
    "check_arms",
    "judge_overhead",
    "overhead_rows",
    "small_differences",
    "why_not_valid",
]

SECONDARY: Final = (90.0, 99.0)
RARE: Final = 99.9  # only where every round has the requests for it
RARE_NEEDS: Final = 10_000  # requests in a round: ten beyond the percentile

ALPHA: Final = 0.05  # 95 % intervals
MIN_VALID_ROUNDS: Final = 10  # a t interval of fewer rests on its assumption of normality more than on data


@dataclass(frozen=True, kw_only=True)
class _Differences:
    """One percentile over the rounds that can be judged; milliseconds."""

    percentile: float
    direct: list[float]
    mesh: list[float]
    mesh_minus_direct: list[float]
    control_minus_direct: list[float]


def judge_overhead(recording: Recording) -> tuple[list[Overhead], OverheadDetail]:
    """One row per percentile (none with fewer than two judged rounds), and what stands behind them.

    A ramp has no rows: the difference is another at each of its rates. Its figure is the saturation.
    Raises BadInputError when the recording lacks one of the arms direct, control and mesh.
    """
    check_arms(recording)
    latencies = Latencies(recording)
    void = void_rounds(recording, latencies)
    valid = [number for number in range(recording.profile.all_rounds) if number not in void]
    silent = [number for number in valid if not latencies.count(MESH, number)]
    judged = [number for number in valid if number not in silent]
    reasons = why_not_valid(recording, valid, silent)
    rows: list[Overhead] = []
    notes = notes_on(recording, latencies, valid)
    saturation = judge_saturation(recording, latencies, valid)
    if saturation:
        notes += saturation.notes
    elif len(judged) >= MIN_ROUNDS:
        secondary = (*SECONDARY, *_rare(latencies, judged))
        validity = "; ".join(reasons) or VALID
        rows = overhead_rows(
            recording, latencies, judged, validity=validity, secondary=secondary, instrument=LOCUST
        )
        notes += small_differences(rows)
    else:
        notes.insert(0, f"no figure: {len(judged)} rounds can be judged; {'; '.join(reasons)}")
    detail = OverheadDetail(
        profile=recording.profile.name,
        arms=arm_curves(recording, latencies, valid),
        void_rounds={str(number): reason for number, reason in void.items()},
        generator=generator_figures(recording, latencies, valid),
        load=load_facts(recording),
        notes=notes,
        costs=judge_costs(recording),
        throughput=judge_throughput(
            recording, latencies, valid, validity="; ".join(_too_few(recording, valid)) or VALID
        ),
        saturation=saturation,
        drifts=judge_drift(recording, latencies, judged),
    )
    return rows, detail


def check_arms(recording: Recording) -> None:
    """Raises BadInputError when the recording lacks one of the arms direct, control and mesh."""
    if missing := [arm for arm in (DIRECT, CONTROL, MESH) if arm not in recording.arms]:
        raise BadInputError(
            where="recording/arms",
            problem=f"got {sorted(recording.arms)}, expected {missing} too",
            remedy="measure direct, control and mesh in one experiment",
        )


def why_not_valid(recording: Recording, valid: list[int], silent: list[int]) -> list[str]:
    """Why no figure of these rounds is valid; empty where it is."""
    reasons = _too_few(recording, valid)
    if recording.profile.arrivals is Arrivals.CLOSED:
        limited = [arm for arm in limited_by_generator(recording, valid) if arm != MESH]
        reasons += [f"closed model: the {arm} arm holds the generator's own limit" for arm in limited]
    if silent:
        reasons.append(
            f"the mesh answered nothing in {len(silent)} of {len(valid)} valid rounds: they are not in the "
            "difference, which understates what happened"
        )
    return reasons


def _too_few(recording: Recording, valid: list[int]) -> list[str]:
    if len(valid) >= MIN_VALID_ROUNDS:
        return []
    return [f"{len(valid)} of {recording.profile.rounds} rounds are valid, {MIN_VALID_ROUNDS} are needed"]


def _rare(latencies: Latencies, judged: list[int]) -> tuple[float, ...]:
    enough = all(latencies.count(arm, n) >= RARE_NEEDS for arm in (DIRECT, CONTROL, MESH) for n in judged)
    return (RARE,) if enough else ()


def overhead_rows(
    recording: Recording,
    latencies: Latencies,
    judged: list[int],
    *,
    validity: str,
    secondary: tuple[float, ...],
    instrument: str,
) -> list[Overhead]:
    """The primary percentile over these rounds, then the ``secondary`` ones, adjusted after Holm."""
    family = [_differences(latencies, judged, q) for q in secondary]
    primary = _differences(latencies, judged, PRIMARY)
    levels = holm({d.percentile: mean_p_value(d.mesh_minus_direct) for d in family}, ALPHA)
    levels[PRIMARY] = (mean_p_value(primary.mesh_minus_direct), ALPHA)
    profile = recording.profile.name
    return [
        _row(d, *levels[d.percentile], profile=profile, validity=validity, instrument=instrument)
        for d in (primary, *family)
    ]


def _differences(latencies: Latencies, judged: list[int], percentile: float) -> _Differences:
    def per_round(arm: str) -> list[float]:
        return [latencies.at_ms(arm, number, percentile) for number in judged]

    direct, control, mesh = per_round(DIRECT), per_round(CONTROL), per_round(MESH)
    return _Differences(
        percentile=percentile,
        direct=direct,
        mesh=mesh,
        mesh_minus_direct=[m - d for m, d in zip(mesh, direct, strict=True)],
        control_minus_direct=[c - d for c, d in zip(control, direct, strict=True)],
    )


def _row(
    differences: _Differences, p_value: float, alpha: float, *, profile: str, validity: str, instrument: str
) -> Overhead:
    confidence = 1 - alpha
    interval = mean_interval(differences.mesh_minus_direct, confidence)
    noise = mean_interval(differences.control_minus_direct, confidence)
    location = hodges_lehmann(differences.mesh_minus_direct, confidence)
    return Overhead(
        profile=profile,
        percentile=differences.percentile,
        direct_ms=_ms(fmean(differences.direct)),
        mesh_ms=_ms(fmean(differences.mesh)),
        difference_ms=_ms(fmean(differences.mesh_minus_direct)),
        interval_ms=_pair(interval),
        noise_floor_ms=_ms(noise.farthest),
        rounds=len(differences.mesh),
        round_differences_ms=[_ms(value) for value in differences.mesh_minus_direct],
        confidence=confidence,
        p_value=p_value,
        hodges_lehmann_ms=(_ms(location.estimate), *_pair(location.interval)) if location else None,
        validity=validity,
        instrument=instrument,
    )


def small_differences(rows: list[Overhead]) -> list[str]:
    """What a reader of the table must not miss."""
    notes = []
    for row in rows:
        name = f"p{row.percentile:g}"
        if abs(row.difference_ms) <= row.noise_floor_ms:
            notes.append(
                f"{name}: no difference shown: it is within the noise floor of {row.noise_floor_ms:g} ms"
            )
        if row.hodges_lehmann_ms:
            _, low, high = row.hodges_lehmann_ms
            by_rank = Interval(low=low, high=high).excludes_zero()
            if by_rank != Interval(low=row.interval_ms[0], high=row.interval_ms[1]).excludes_zero():
                notes.append(
                    f"{name}: the t interval and the signed-rank interval ({low:g} to {high:g} ms) disagree "
                    "on whether there is a difference: single rounds stand out"
                )
    return notes


def _pair(interval: Interval) -> tuple[float, float]:
    return _ms(interval.low), _ms(interval.high)


def _ms(value: float) -> float:
    """Microseconds are what the histograms resolve; a tenth of one keeps means honest."""
    return round(value, 4)
