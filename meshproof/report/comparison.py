"""A comparison with a baseline, told: the same words on the page, in the terminal and on the command line."""

from dataclasses import dataclass
from typing import Final

from meshproof.model.comparison import Answer, Change, Comparison
from meshproof.model.run import PRIMARY
from meshproof.model.verdict import VerdictState
from meshproof.report.headline import StateWords, confidence_name, percentile_name
from meshproof.report.visible import cut, one_line, visible

__all__ = [
    "ANSWER_WORDS",
    "ComparisonView",
    "comparison_lines",
    "comparison_sentence",
    "comparison_view",
    "short_line",
]

ANSWER_WORDS: Final[dict[Answer, StateWords]] = {
    Answer.REGRESSED: StateWords(sign="✕", label="regressed", meaning="the mesh costs more than it did"),
    Answer.INCONCLUSIVE: StateWords(
        sign="?", label="inconclusive", meaning="the figures cannot say, or must not be compared"
    ),
    Answer.IMPROVED: StateWords(sign="↓", label="improved", meaning="the mesh costs less than it did"),
    Answer.PASSED: StateWords(sign="✓", label="pass", meaning="the mesh costs what it did"),
}
_STATE_OF: Final[dict[Answer, VerdictState]] = {  # whose colours an answer has
    Answer.REGRESSED: VerdictState.FAILED,
    Answer.INCONCLUSIVE: VerdictState.INCONCLUSIVE,
    Answer.IMPROVED: VerdictState.PASSED,
    Answer.PASSED: VerdictState.PASSED,
}
_NAME_WIDTH: Final = 24  # of a baseline in one line; paths are cut at their front


@dataclass(frozen=True, kw_only=True)
class ComparisonView:
    """A comparison as the page shows it, in the colours of ``state``."""

    comparison: Comparison
    words: StateWords
    state: VerdictState


def comparison_view(comparison: Comparison) -> ComparisonView:
    return ComparisonView(
        comparison=comparison,
        words=ANSWER_WORDS[comparison.answer],
        state=_STATE_OF[comparison.answer],
    )


def comparison_sentence(comparison: Comparison) -> str:
    """``against <baseline>: regressed: the mesh costs ...``."""
    return (
        f"against {visible(comparison.baseline)}: {comparison.answer.value}: {visible(comparison.sentence)}"
    )


def short_line(comparison: Comparison, width: int) -> str:
    """The same on one line of a terminal, with the figures in place of the sentence where there are some."""
    name = visible(comparison.baseline)
    name = name if len(name) <= _NAME_WIDTH else f"…{name[1 - _NAME_WIDTH :]}"
    median = next((each for each in comparison.changes if each.percentile == PRIMARY), None)
    said = _moved(median) if median else comparison.sentence
    told = f"against {name}: {comparison.answer.value}: {said}"
    return cut(f"  {ANSWER_WORDS[comparison.answer].sign} {one_line(told, width)}", width)


def comparison_lines(comparison: Comparison) -> list[str]:
    """The answer with its sentence, then every percentile; only the median is judged."""
    lines = [f"{comparison.answer.value}: {visible(comparison.sentence)}"]
    of = f"profile {visible(comparison.profile)}, measured by {visible(comparison.instrument)}"
    if comparison.rounds:
        of += "; {} rounds in the baseline, {} in the run".format(*comparison.rounds)
    lines.append(f"  {of}")
    lines += [f"  {_moved(each)}{_remark(each)}" for each in comparison.changes]
    lines += [
        f"  differs: {visible(name)}: {visible(old)} in the baseline, {visible(new)} in the run"
        for name, (old, new) in comparison.differs.items()
    ]
    return lines


def _moved(change: Change) -> str:
    low, high = change.interval_ms
    return (
        f"{percentile_name(change.percentile):<5} {change.baseline_ms:+.2f} -> {change.run_ms:+.2f} ms, "
        f"change {change.change_ms:+.2f} [{low:+.2f}, {high:+.2f}]"
    )


def _remark(change: Change) -> str:
    of = f"  {confidence_name(change.confidence)}"
    direct = "direct {:.2f} -> {:.2f} ms".format(*change.direct_ms)
    return f"{of}, {direct}" if change.percentile == PRIMARY else f"{of}, shown, not judged; {direct}"
