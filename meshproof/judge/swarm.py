"""What stands behind the table of overhead: the arms' curves, the generator's figures, remarks. Pure."""

from collections import Counter
from statistics import fmean, median
from typing import Final

from meshproof.judge.histograms import CURVE, Latencies
from meshproof.judge.rounds import CONTROL, CPU_BOUND, DIRECT, MESH
from meshproof.model.load import Arrivals, RecordedCell, Recording
from meshproof.model.run import ArmCurve

__all__ = ["arm_curves", "generator_figures", "load_facts", "notes_on", "on_arm"]

_FEW_BEYOND: Final = 5  # samples beyond p99 in a round, below which it is little more than the maximum


def load_facts(recording: Recording) -> dict[str, bool | int | float | str]:
    """The load profile, field by field; where it ran only if that was chosen; what sampled beside it."""
    facts = recording.profile.described()
    if recording.beside:
        facts["fortio_beside_per_s"] = recording.beside.profile.arrival_rate_per_s
    return facts


def arm_curves(recording: Recording, latencies: Latencies, valid: list[int]) -> list[ArmCurve]:
    """Each arm over the valid rounds, errors included, in the recording's order of arms.

    What has no lag was not sent by a schedule of its own: it has no response time.
    """
    curves = []
    measured_s = recording.profile.phase_s - recording.profile.settle_s
    shown = () if recording.profile.rates_per_s else CURVE  # a ramp's are told step by step
    for arm in recording.arms:
        cells = _cells(recording, arm, valid)
        answered = sum(latencies.count(arm, number) for number in valid)
        scheduled = any(latencies.count(arm, number, "lag") for number in valid)
        kinds: Counter[str] = Counter()
        for cell in cells:
            kinds.update(cell.errors)
        curves.append(
            ArmCurve(
                arm=arm,
                requests=sum(cell.requests for cell in cells),
                errors=kinds.total(),
                percentiles=latencies.pooled_ms([arm], valid, shown),
                response_percentiles=latencies.pooled_ms([arm], valid, shown, "response")
                if scheduled
                else [],
                error_kinds=dict(kinds),
                unsent=sum(cell.unsent for cell in cells),
                discarded=sum(cell.discarded for cell in cells),
                answered_per_s=round(answered / (measured_s * len(valid)), 2) if valid else 0.0,
            )
        )
    return curves


def generator_figures(recording: Recording, latencies: Latencies, valid: list[int]) -> dict[str, float]:
    """The generator's own lag (control arm), load, rate, and the names' look-ups; the unit ends each key."""
    cells = [cell for arm in recording.arms for cell in _cells(recording, arm, valid)]
    closed = recording.profile.arrivals is Arrivals.CLOSED
    figures = {"workers": float(recording.profile.workers)}
    if recording.profile.arrival_rate_per_s:
        figures["wanted_rate_per_s"] = recording.profile.arrival_rate_per_s
    if cells:
        seconds = len(cells) * recording.profile.phase_s
        figures["sent_rate_per_s"] = round(sum(cell.requests for cell in cells) / seconds, 2)
        figures["cpu_share_mean"] = round(fmean(cell.cpu_share for cell in cells), 4)
        figures["cpu_share_max"] = round(max(cell.cpu_share for cell in cells), 4)
        figures |= _cpu_by_arm(recording, valid)
    lags = (
        []
        if closed or recording.profile.rates_per_s
        else latencies.pooled_ms([CONTROL], valid, (50, 90, 99), "lag")
    )
    for percentile, value in lags:
        figures[f"lag_p{percentile:g}_ms"] = value
    for arm, lookups in recording.lookups_ms.items():
        if lookups:
            figures[f"dns_{arm}_slowest_ms"] = round(max(lookups), 3)
            figures[f"dns_{arm}_median_ms"] = round(median(lookups), 3)
    return figures


def _cpu_by_arm(recording: Recording, valid: list[int]) -> dict[str, float]:
    """CPU seconds of all workers per 1,000 requests in each arm, by the workers' own clocks."""
    figures = {}
    for arm in recording.arms:
        cells = _cells(recording, arm, valid)
        requests, cpu_s = sum(cell.requests for cell in cells), sum(cell.cpu_s for cell in cells)
        if requests and cpu_s:
            figures[f"cpu_s_per_1000_requests_{arm}"] = round(1000 * cpu_s / requests, 4)
    return figures


def notes_on(recording: Recording, latencies: Latencies, valid: list[int]) -> list[str]:
    """What was discarded, and what a reader would otherwise take for the mesh's doing."""
    profile = recording.profile
    warm = sum(requests for requests, _ in recording.warmup.values())
    discarded = f"{warm} requests of the warm-up ({profile.warmup_s:g} s)"
    notes = [f"discarded: {discarded} and the first {profile.settle_s:g} s of every phase"]
    if profile.rates_per_s:
        return notes
    notes.insert(0, "direct and mesh are means over the rounds of the round's percentile")
    if profile.arrivals is Arrivals.CLOSED:
        notes.append(
            f"closed model: each of {profile.users} users sends as soon as it was answered, so that response "
            "time is service time, and both are those of a path at its limit"
        )
    notes += _where_it_ran(recording)
    for arm in recording.arms:
        notes += on_arm(arm, _cells(recording, arm, valid))
    counts = [latencies.count(arm, n) for arm in (DIRECT, MESH) for n in valid]
    fewest = min((count for count in counts if count), default=0)
    if fewest and fewest / 100 < _FEW_BEYOND:
        notes.append(f"p99: a round has as few as {fewest} answers, so it is little more than their maximum")
    early = [r for r in recording.restarts if r.at_s is not None and r.at_s < profile.warmup_s]
    notes += [f"{restart.pod} restarted before the first round ({restart.reason})" for restart in early]
    return notes


def _where_it_ran(recording: Recording) -> list[str]:
    """Only what was asked for: where the workers go by themselves differs from run to run."""
    profile, told = recording.profile, []
    if profile.node:
        told.append(f"on {', '.join(recording.worker_nodes) or 'a node that is not known'}")
    if profile.cpus:
        told.append(f"pinned to CPU {', '.join(map(str, profile.cpus))}, by their own word")
    return [f"the generator's {profile.workers} workers ran {', '.join(told)}"] if told else []


def on_arm(arm: str, cells: list[RecordedCell]) -> list[str]:
    """What a reader must know of one arm's requests."""
    notes = []
    errors = sum(sum(cell.errors.values()) for cell in cells)
    if errors:
        notes.append(f"{arm}: {errors} requests failed; latencies are of the answered ones only")
    if beyond := sum(cell.beyond for cell in cells):
        notes.append(f"{arm}: {beyond} answers took more than 60 s and are not in the histograms")
    unsent = sum(cell.unsent for cell in cells)
    if unsent * 100 > sum(cell.requests for cell in cells):
        notes.append(f"{arm}: {unsent} requests could not be sent in their phase: the rate was not reached")
    hot = [cell.round for cell in cells if cell.cpu_share > CPU_BOUND]
    if hot and arm == MESH:
        notes.append(
            f"{arm}: the generator used more than {CPU_BOUND:.0%} of a core in {len(hot)} rounds: "
            "the mesh's figure there holds the generator's limit too"
        )
    return notes


def _cells(recording: Recording, arm: str, valid: list[int]) -> list[RecordedCell]:
    return [cell for cell in recording.cells if cell.arm == arm and cell.round in set(valid)]
