"""A closed model's recording becomes the throughput: mesh minus direct, with an interval. Pure.

The round is the unit, as it is of the latencies. A round in which the mesh answered nothing counts as 0.
"""

from statistics import fmean
from typing import Final

from meshproof.judge.histograms import Latencies
from meshproof.judge.intervals import MIN_ROUNDS, mean_interval
from meshproof.judge.rounds import CONTROL, CPU_BOUND, DIRECT, MESH
from meshproof.model.load import Arrivals, Recording
from meshproof.model.throughput import Throughput

__all__ = ["judge_throughput", "limited_by_generator"]

_CONFIDENCE: Final = 0.95


def judge_throughput(
    recording: Recording, latencies: Latencies, valid: list[int], *, validity: str
) -> Throughput | None:
    """None for an open model, whose rate is given, and for fewer than two rounds."""
    profile = recording.profile
    if profile.arrivals is not Arrivals.CLOSED or len(valid) < MIN_ROUNDS:
        return None
    seconds = profile.phase_s - profile.settle_s
    rates = {
        arm: [latencies.count(arm, number) / seconds for number in valid] for arm in (DIRECT, CONTROL, MESH)
    }

    def minus_direct(arm: str) -> list[float]:
        return [rate - direct for rate, direct in zip(rates[arm], rates[DIRECT], strict=True)]

    interval = mean_interval(minus_direct(MESH), _CONFIDENCE)
    noise = mean_interval(minus_direct(CONTROL), _CONFIDENCE)
    return Throughput(
        users=profile.users,
        direct_per_s=round(fmean(rates[DIRECT]), 2),
        control_per_s=round(fmean(rates[CONTROL]), 2),
        mesh_per_s=round(fmean(rates[MESH]), 2),
        difference_per_s=round(fmean(minus_direct(MESH)), 2),
        interval_per_s=(round(interval.low, 2), round(interval.high, 2)),
        noise_floor_per_s=round(noise.farthest, 2),
        rounds=len(valid),
        validity=validity,
        limited_by_generator=limited_by_generator(recording, valid),
    )


def limited_by_generator(recording: Recording, valid: list[int]) -> list[str]:
    """The arms in which the busiest worker was over its bound in most rounds."""
    limited = []
    for arm in recording.arms:
        shares = [cell.cpu_share for cell in recording.cells if cell.arm == arm and cell.round in valid]
        if 2 * sum(share > CPU_BOUND for share in shares) > len(shares):
            limited.append(arm)
    return limited
