"""A ramp's recording becomes the knee of each arm: the highest rate that it carries. Pure.

The rule. A step is *carried* where nearly every slot was answered (the lossless rate of RFC 2544, section
26.1, with 1 % let go) and the median response time is the median service time and no more than ``PARTED_MS``:
users were free when their slots came. It is *past* the knee where one of both is shown not to be so. Both are
judged by the signed-rank interval over the step's rounds, which for six rounds reaches from the least to the
greatest: single rounds that a machine's hiccup spoilt make a step undecided and no more. The knee then lies
between the lowest step that is past it and the highest below that is carried ("knee capacity", R. Jain, "The
Art of Computer Systems Performance Analysis", 1991, chapter 3).

``PARTED_MS`` is what the slowest hundredth may lag in a valid round: past the knee half of all requests wait
for longer. There the users wait for answers, so that the wait grows all through the phase, by far more than
that.
"""

from statistics import fmean, median
from typing import Final

from meshproof.judge.histograms import Latencies
from meshproof.judge.intervals import hodges_lehmann
from meshproof.judge.rounds import CONTROL, CPU_BOUND, DIRECT, LAG_BOUND_MS
from meshproof.model.load import RecordedCell, Recording
from meshproof.model.run import VALID
from meshproof.model.saturation import Knee, Limit, Saturation, StepFigure, StepState

__all__ = ["PARTED_MS", "judge_saturation"]

ANSWERED: Final = 0.99  # of the slots
PARTED_MS: Final = LAG_BOUND_MS
LATE_MS: Final = LAG_BOUND_MS  # p90 of the workers' own clocks, which no answer holds up
MIN_ROUNDS: Final = 6  # fewer have no signed-rank interval of 95 %

_CONFIDENCE: Final = 0.95
_SHOWN: Final = (50, 90, 99)
_RULE: Final = (
    f"carried: {ANSWERED:.0%} of the slots are answered, and the median response time is at most "
    f"{PARTED_MS:g} ms above the median service time, both with the whole 95 % interval over the rounds; "
    "past the knee: one of both fails with the whole interval"
)


def judge_saturation(recording: Recording, latencies: Latencies, valid: list[int]) -> Saturation | None:
    """None where the load is no ramp; ``valid`` are the numbers of the rounds that nothing voided."""
    profile = recording.profile
    if not profile.rates_per_s:
        return None
    rounds = {rate: [n for n in valid if profile.rate_in(n) == rate] for rate in profile.rates_per_s}
    steps = [
        _step(recording, latencies, arm, rate, numbers)
        for arm in recording.arms
        for rate, numbers in rounds.items()
    ]
    knees = [_knee(arm, [each for each in steps if each.arm == arm]) for arm in recording.arms]
    fewest = min(len(numbers) for numbers in rounds.values())
    few = f"{fewest} rounds of a step are valid, {MIN_ROUNDS} are needed for an interval"
    return Saturation(
        rounds=fewest,
        rule=_RULE,
        steps=steps,
        knees=knees,
        validity=VALID if fewest >= MIN_ROUNDS else few,
        notes=_notes(steps, knees),
    )


def _step(
    recording: Recording, latencies: Latencies, arm: str, rate: float, numbers: list[int]
) -> StepFigure:
    cells = [cell for cell in recording.cells if cell.arm == arm and cell.round in numbers]
    phase_s = recording.profile.phase_s
    answered = [latencies.count(arm, cell.round) + cell.discarded for cell in cells]
    slots = [cell.requests + cell.unsent for cell in cells]
    share = _over_rounds([part / whole for part, whole in zip(answered, slots, strict=True) if whole])
    parted = _over_rounds([_parted_ms(latencies, cell) for cell in cells if latencies.count(arm, cell.round)])
    late = [latencies.at_ms(arm, cell.round, 90, "late") for cell in cells]
    return StepFigure(
        arm=arm,
        rate_per_s=rate,
        state=_state(share, parted),
        offered_per_s=round(fmean(slots) / phase_s, 2) if slots else 0.0,
        answered_per_s=round(fmean(answered) / phase_s, 2) if slots else 0.0,
        answered_share=share,
        parted_ms=parted,
        service_percentiles=latencies.pooled_ms([arm], numbers, _SHOWN),
        response_percentiles=latencies.pooled_ms([arm], numbers, _SHOWN, "response"),
        errors=sum(sum(cell.errors.values()) for cell in cells),
        unsent=sum(cell.unsent for cell in cells),
        generator_cpu_share=round(median([cell.cpu_share for cell in cells] or [0.0]), 4),
        generator_late_ms=round(median(late or [0.0]), 4),
    )


def _parted_ms(latencies: Latencies, cell: RecordedCell) -> float:
    """How far the median response time is from the median service time, in one round."""
    response, service = (latencies.at_ms(cell.arm, cell.round, 50, kind) for kind in ("response", "service"))
    return response - service


def _over_rounds(values: list[float]) -> tuple[float, float, float] | None:
    found = hodges_lehmann(values, _CONFIDENCE) if values else None
    if found is None:
        return None
    return round(found.estimate, 4), round(found.interval.low, 4), round(found.interval.high, 4)


def _state(share: tuple[float, float, float] | None, parted: tuple[float, float, float] | None) -> StepState:
    if (share and share[2] < ANSWERED) or (parted and parted[1] > PARTED_MS):
        return StepState.PAST
    if share and parted and share[1] >= ANSWERED and parted[2] <= PARTED_MS:
        return StepState.CARRIED
    return StepState.UNDECIDED


def _knee(arm: str, steps: list[StepFigure]) -> Knee:
    """``steps`` are the arm's, the lowest rate first."""
    past = next((each for each in steps if each.state is StepState.PAST), None)
    below = steps if past is None else steps[: steps.index(past)]
    carried = [each.rate_per_s for each in below if each.state is StepState.CARRIED]
    if past is None:
        limit = Limit.NOT_REACHED
    else:
        spent = past.generator_cpu_share > CPU_BOUND or past.generator_late_ms > LATE_MS
        limit = Limit.GENERATOR if spent else Limit.PATH
    return Knee(
        arm=arm,
        carried_per_s=max(carried, default=None),
        past_per_s=past.rate_per_s if past else None,
        limit=limit,
    )


def _notes(steps: list[StepFigure], knees: list[Knee]) -> list[str]:
    notes = []
    for knee in knees:
        again = [
            each.rate_per_s
            for each in steps
            if each.arm == knee.arm and each.state is StepState.CARRIED and _above(each, knee)
        ]
        if again:
            notes.append(
                f"{knee.arm}: {again[0]:g} requests/s were carried, although {knee.past_per_s:g} were not: "
                "something else took the machine's time"
            )
    by_arm = {knee.arm: knee for knee in knees}
    if not _may_be_one(by_arm[DIRECT], by_arm[CONTROL]):
        notes.append("direct and control are one path, and their knees differ: so may the mesh's by chance")
    return notes


def _above(step: StepFigure, knee: Knee) -> bool:
    return knee.past_per_s is not None and step.rate_per_s > knee.past_per_s


def _may_be_one(one: Knee, other: Knee) -> bool:
    """Whether one and the same knee can lie in both brackets."""
    low = max(one.carried_per_s or 0.0, other.carried_per_s or 0.0)
    return low < min(each.past_per_s or float("inf") for each in (one, other))
