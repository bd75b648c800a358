"""How far each arm of a ramp carries: the figures of every step, and the knee that follows from them."""

from enum import StrEnum

import msgspec

__all__ = ["Knee", "Limit", "Saturation", "StepFigure", "StepState"]


class StepState(StrEnum):
    """What the rounds of a step say of an arm."""

    CARRIED = "carried"
    PAST = "past"  # the knee
    UNDECIDED = "undecided"


class Limit(StrEnum):
    """What gave out at the first step that an arm did not carry."""

    PATH = "path"
    GENERATOR = "generator"
    NOT_REACHED = "not reached"


class StepFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One arm at one step, over the rounds that are judged; times in milliseconds.

    Rates are of whole phases, settle time included. ``answered_share`` and ``parted_ms`` (the median response
    time minus the median service time) are the estimate and its interval over the rounds; None where there
    are too few. Percentiles are pooled over the rounds; one that has fewer than ten requests beyond it is
    missing. ``generator_cpu_share`` is that of the busiest worker, ``generator_late_ms`` how late the
    workers' own clocks woke at p90: medians over the rounds.
    """

    arm: str
    rate_per_s: float
    state: StepState
    offered_per_s: float
    answered_per_s: float
    answered_share: tuple[float, float, float] | None
    parted_ms: tuple[float, float, float] | None
    service_percentiles: list[tuple[float, float]]
    response_percentiles: list[tuple[float, float]]
    errors: int
    unsent: int
    generator_cpu_share: float
    generator_late_ms: float


class Knee(msgspec.Struct, frozen=True, kw_only=True):
    """Between which two steps an arm's knee is.

    ``carried_per_s`` is the highest rate that was carried below ``past_per_s``, the lowest one that was not;
    None where there is none such. Unless the path gave out, what it carries is that or more.
    """

    arm: str
    carried_per_s: float | None
    past_per_s: float | None
    limit: Limit


class Saturation(msgspec.Struct, frozen=True, kw_only=True):
    """``rounds`` is the least number of rounds that a step was judged by; ``rule`` is how, in words."""

    rounds: int
    rule: str
    steps: list[StepFigure]
    knees: list[Knee]
    validity: str  # "valid", or the evidence why it is not
    notes: list[str] = []

    def knee(self, arm: str) -> Knee:
        """Raises StopIteration for an arm that took no part."""
        return next(each for each in self.knees if each.arm == arm)
