"""Which arm is measured when, and when each user sends: pure, standard library only.

Shared by the locustfile (mounted beside it in the cluster) and by the tests. All times are seconds since the
common start of the experiment, ``t0``.

The arms are interleaved inside each round in random order, so that a drift of the machine falls on all of
them alike. Arrivals are an open model: each user has slots at a fixed rate that do not wait for answers,
which is what keeps a slow answer from hiding the requests behind it (coordinated omission, G. Tene, "How NOT
to measure latency"). The offset of a user's slots is drawn anew for each round and is the same for all arms
of the round.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Phase", "Schedule", "build_schedule", "slot_offset", "slots"]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One arm in one round, from ``starts_s`` up to but not including ``ends_s``."""

    arm: str
    round: int
    starts_s: float
    ends_s: float


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Warm-up from 0 to ``warmup_s``, then the phases, one after another without a gap."""

    warmup_s: float
    settle_s: float
    phases: tuple[Phase, ...]

    @property
    def duration_s(self) -> float:
        """Seconds from the start of the warm-up to the end of the last phase."""
        return self.phases[-1].ends_s

    def at(self, t_s: float) -> Phase | None:
        """The phase at ``t_s``; None in the warm-up and outside the experiment."""
        index = bisect_right(self.phases, t_s, key=lambda phase: phase.starts_s) - 1
        if index < 0 or t_s >= self.phases[index].ends_s:
            return None
        return self.phases[index]

    def settling(self, phase: Phase, intended_s: float) -> bool:
        """Whether a request meant for ``intended_s`` belongs to the discarded start of its phase."""
        return intended_s < phase.starts_s + self.settle_s

    def of_arm(self, arm: str) -> list[Phase]:
        """The phases of one arm, in time."""
        return [phase for phase in self.phases if phase.arm == arm]


def build_schedule(
    arms: Sequence[str], *, rounds: int, phase_s: float, settle_s: float, warmup_s: float, seed: int
) -> Schedule:
    """Every arm once in every round, in an order drawn from ``seed``: the same arguments, the same schedule.

    Raises ValueError when there is no arm, an arm is named twice, or a time is impossible.
    """
    if not arms or len(set(arms)) != len(arms):
        raise ValueError(f"arms must be named, each once: {list(arms)}")
    if rounds < 1 or warmup_s < 0 or not 0 <= settle_s < phase_s:
        raise ValueError(f"{rounds=}, {phase_s=}, {settle_s=}, {warmup_s=}: impossible")
    draw = random.Random(f"order/{seed}")  # noqa: S311 - a reproducible draw is wanted
    phases: list[Phase] = []
    for number in range(rounds):
        order = list(arms)
        draw.shuffle(order)
        for arm in order:
            starts = warmup_s + len(phases) * phase_s
            phases.append(Phase(arm=arm, round=number, starts_s=starts, ends_s=starts + phase_s))
    return Schedule(warmup_s=warmup_s, settle_s=settle_s, phases=tuple(phases))


def slot_offset(*, seed: int, user: int, round_number: int) -> float:
    """Where in its interval a user's slots lie in one round, from 0 to 1; the same for every arm."""
    return random.Random(f"slot/{seed}/{user}/{round_number}").random()  # noqa: S311 - as above


def slots(*, starts_s: float, ends_s: float, interval_s: float, offset: float) -> Iterator[float]:
    """The intended starts of one user: ``starts_s + (offset + k) * interval_s`` before ``ends_s``.

    Counted, not summed, so that no rounding piles up over a long phase.
    """
    if interval_s <= 0:
        raise ValueError(f"{interval_s=}: must be positive")
    k = 0
    while (intended := starts_s + (offset + k) * interval_s) < ends_s:
        yield intended
        k += 1
