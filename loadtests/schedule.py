"""Which arm is measured when, and when each user sends: pure, standard library only.

Shared by the locustfile (mounted beside it in the cluster) and by the tests. All times are seconds since the
common start of the experiment, ``t0``.

The arms are interleaved inside each round in random order, so that a drift of the machine falls on all of
them alike. In an open model each user has slots that do not wait for answers, which is what keeps a slow
answer from hiding the requests behind it (coordinated omission, G. Tene, "How NOT to measure latency"). They
come at a fixed rate from an offset, or as a Poisson process (exponential gaps; users together are one, too);
offset and gaps are drawn anew for each round and are the same for all arms of the round. A closed model has
no slots.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Phase", "Schedule", "build_schedule", "intended_starts", "slot_offset", "slots"]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One arm in one round, from ``starts_s`` up to but not including ``ends_s``; its rate, if it has one."""

    arm: str
    round: int
    starts_s: float
    ends_s: float
    rate_per_s: float = 0.0


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
    arms: Sequence[str],
    *,
    rounds: int,
    phase_s: float,
    settle_s: float,
    warmup_s: float,
    seed: int,
    rates_per_s: Sequence[float] = (0.0,),
) -> Schedule:
    """Every arm once in every round, in an order drawn from ``seed``: the same arguments, the same schedule.

    With several rates, a ramp, each of the ``rounds`` goes through all of them, and each is a round of its
    own number: round ``n`` has the rate ``n`` modulo how many there are. So a drift of the machine falls on
    all rates alike. Raises ValueError when there is no arm, an arm is named twice, or a time is impossible.
    """
    if not arms or len(set(arms)) != len(arms):
        raise ValueError(f"arms must be named, each once: {list(arms)}")
    if rounds < 1 or not rates_per_s or warmup_s < 0 or not 0 <= settle_s < phase_s:
        raise ValueError(f"{rounds=}, {phase_s=}, {settle_s=}, {warmup_s=}: impossible")
    draw = random.Random(f"order/{seed}")  # noqa: S311 - a reproducible draw is wanted
    phases: list[Phase] = []
    for number in range(rounds * len(rates_per_s)):
        order = list(arms)
        draw.shuffle(order)
        rate = rates_per_s[number % len(rates_per_s)]
        for arm in order:
            starts = warmup_s + len(phases) * phase_s
            ends = starts + phase_s
            phases.append(Phase(arm=arm, round=number, starts_s=starts, ends_s=ends, rate_per_s=rate))
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


def intended_starts(
    arrivals: str,
    *,
    seed: int,
    user: int,
    round_number: int,
    starts_s: float,
    ends_s: float,
    interval_s: float,
) -> Iterator[float]:
    """When one user is to send in one phase of an open model: ``interval_s`` is the mean of the gaps.

    Raises ValueError for a model that has no such times.
    """
    if arrivals == "fixed":
        offset = slot_offset(seed=seed, user=user, round_number=round_number)
        return slots(starts_s=starts_s, ends_s=ends_s, interval_s=interval_s, offset=offset)
    if arrivals == "poisson":
        draw = random.Random(f"gap/{seed}/{user}/{round_number}")  # noqa: S311 - as above
        return _poisson(draw, starts_s=starts_s, ends_s=ends_s, interval_s=interval_s)
    raise ValueError(f"{arrivals=}: no open model")


def _poisson(draw: random.Random, *, starts_s: float, ends_s: float, interval_s: float) -> Iterator[float]:
    """Summed from 0, so that a phase's start makes no difference to the gaps."""
    since_start = draw.expovariate(1 / interval_s)
    while starts_s + since_start < ends_s:
        yield starts_s + since_start
        since_start += draw.expovariate(1 / interval_s)
