"""What is said of a run against a baseline: an answer, the sentence with it, and the figures behind it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from meshproof.model.deployment import Deployments
from meshproof.model.errors import ExitCode

__all__ = ["Answer", "Change", "Comparison", "answer_exit_code", "worst_answer"]


class Answer(StrEnum):
    """``pass``: no change beyond the threshold, and an interval narrow enough to say so."""

    PASSED = "pass"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"
    REGRESSED = "regressed"


_BY_WEIGHT: Final = (Answer.PASSED, Answer.IMPROVED, Answer.INCONCLUSIVE, Answer.REGRESSED)
_EXIT_CODES: Final = {Answer.REGRESSED: ExitCode.FAILED, Answer.INCONCLUSIVE: ExitCode.INCONCLUSIVE}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """How the mesh's cost (mesh minus direct) moved at one percentile; milliseconds.

    ``interval_ms`` is Welch's interval of ``change_ms``, over rounds or over deployments; it and ``p_value``
    are Holm-adjusted for all but the primary percentile. ``direct_ms`` is the direct arm in the baseline and
    in the run: where it moved as well, so did the machine.
    """

    percentile: float
    baseline_ms: float
    run_ms: float
    change_ms: float
    interval_ms: tuple[float, float]
    confidence: float
    p_value: float
    direct_ms: tuple[float, float]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement against its counterpart in the baseline. Pairs are (baseline, run).

    Only the primary percentile is judged; ``changes`` is empty where there was nothing to compare.
    ``differs`` has what is not the same in both environments, field by field. In a comparison of deployments
    in turn the pairs are the two settings, and every interval rests on the deployments' means.
    """

    baseline: str  # where it came from
    profile: str
    instrument: str
    answer: Answer
    sentence: str
    threshold_ms: float
    noise_floors_ms: tuple[float, float] | None = None
    rounds: tuple[int, int] | None = None
    changes: list[Change] = []
    differs: dict[str, tuple[str, str]] = {}
    deployments: Deployments | None = None


def worst_answer(comparisons: Iterable[Comparison]) -> Answer:
    """The answer of all of them; of none it is inconclusive."""
    answers = [each.answer for each in comparisons]
    return max(answers, key=_BY_WEIGHT.index, default=Answer.INCONCLUSIVE)


def answer_exit_code(answer: Answer) -> ExitCode:
    """1 when regressed, 6 when inconclusive, else 0."""
    return _EXIT_CODES.get(answer, ExitCode.PASSED)
