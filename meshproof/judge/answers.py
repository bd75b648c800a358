"""When a change of the cost counts: the rule of the gate, whatever the interval rests on. Pure."""

from dataclasses import dataclass

from meshproof.judge.intervals import Interval
from meshproof.model.comparison import Answer

__all__ = ["Shift", "answer_of"]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How the cost at the median moved, before it is rounded for a report, and the words around it."""

    change_ms: float
    interval: Interval
    noise_floor_ms: float
    figures: str  # in brackets behind the answer
    remedy: str  # what would make the interval narrower
    than: str = ""  # " with B than with A"
    same: str = "what it did"

    @property
    def beyond_noise(self) -> bool:
        return self.interval.excludes_zero() and abs(self.change_ms) > self.noise_floor_ms


def answer_of(shift: Shift, threshold_ms: float) -> tuple[Answer, str]:
    """The answer, and the sentence that goes with it."""
    change, beyond = shift.change_ms, abs(shift.change_ms) > threshold_ms
    if beyond and shift.beyond_noise:
        if change > 0:
            said = f"the mesh costs {change:.2f} ms more at the median{shift.than} {shift.figures}"
            return Answer.REGRESSED, said
        said = f"the mesh costs {-change:.2f} ms less at the median{shift.than} {shift.figures}"
        return Answer.IMPROVED, said
    if shift.interval.width > threshold_ms:
        return Answer.INCONCLUSIVE, (
            f"the interval of the change is {shift.interval.width:.2f} ms wide, too wide for the threshold "
            f"of {threshold_ms:g} ms: {shift.remedy} {shift.figures}"
        )
    if beyond:
        return Answer.INCONCLUSIVE, (
            "the change is beyond the threshold, and yet within the noise floor: the machine tells identical "
            f"arms apart by as much {shift.figures}"
        )
    said = f"the mesh costs {shift.same} at the median, within {threshold_ms:g} ms {shift.figures}"
    return Answer.PASSED, said
