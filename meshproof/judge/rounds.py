"""Which rounds are void: only on evidence that does not depend on the mesh. Pure.

Errors, stalls and a missed rate in the mesh arm are the result and never make a round void; nor does the
generator's CPU in the mesh arm, which the mesh's behaviour can drive. So the generator is judged by what it
used and how far it lagged in the arms that the mesh has no part in. In a closed model it is meant to be at
its limit, and nothing lags: there it voids nothing, and the result says where the limit was its own. So it
is in a ramp, which goes beyond what an arm carries: there nothing but a restart makes a round void.
"""

from typing import Final

from meshproof.judge.histograms import Latencies
from meshproof.model.load import Arrivals, RecordedCell, Recording

__all__ = ["CONTROL", "CPU_BOUND", "DIRECT", "LAG_BOUND_MS", "MESH", "void_rounds"]

DIRECT: Final = "direct"
CONTROL: Final = "control"
MESH: Final = "mesh"

CPU_BOUND: Final = 0.8  # of one core, the busiest worker: above it a Python process is its own bottleneck
LAG_BOUND_MS: Final = 10.0  # p99 in the control arm; 1.2 ms undisturbed on two cores, 60 ms beside a compiler


def void_rounds(recording: Recording, latencies: Latencies) -> dict[int, str]:
    """Round -> the evidence that voids it; all pieces of evidence, not only the first."""
    cells = {(cell.arm, cell.round): cell for cell in recording.cells}
    open_model = recording.profile.arrivals is not Arrivals.CLOSED
    void: dict[int, str] = {}
    for number in range(recording.profile.all_rounds):
        outside = [cells[arm, number] for arm in (DIRECT, CONTROL)]
        if recording.profile.rates_per_s:
            if restarted := _restarted(recording, number):
                void[number] = "; ".join(restarted)
            continue
        reasons = [
            *(reason for cell in outside if open_model for reason in _busy(cell)),
            *(reason for cell in outside for reason in _unanswered(cell, latencies)),
            *_lagging(latencies, number),
            *_restarted(recording, number),
        ]
        if reasons:
            void[number] = "; ".join(reasons)
    return void


def _busy(cell: RecordedCell) -> list[str]:
    if cell.cpu_share <= CPU_BOUND:
        return []
    return [
        f"the generator used {cell.cpu_share:.0%} of a core in the {cell.arm} arm (bound {CPU_BOUND:.0%})"
    ]


def _unanswered(cell: RecordedCell, latencies: Latencies) -> list[str]:
    if latencies.count(cell.arm, cell.round):
        return []
    return [f"no answer in the {cell.arm} arm ({cell.requests} sent, errors {cell.errors})"]


def _lagging(latencies: Latencies, number: int) -> list[str]:
    lag = latencies.at_ms(CONTROL, number, 99, "lag")
    if lag <= LAG_BOUND_MS:
        return []
    return [f"the generator lagged by {lag:.1f} ms at p99 in the control arm (bound {LAG_BOUND_MS:g} ms)"]


def _restarted(recording: Recording, number: int) -> list[str]:
    phases = [phase for phase in recording.phases if phase.round == number]
    begins, ends = min(p.starts_s for p in phases), max(p.ends_s for p in phases)
    return [
        f"{restart.pod} restarted ({restart.reason})"
        for restart in recording.restarts
        if restart.at_s is None or begins <= restart.at_s < ends
    ]
