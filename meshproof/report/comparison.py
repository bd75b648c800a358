"""A comparison with a baseline, told: the same words on the page, in the terminal and on the command line."""

from dataclasses import dataclass
from statistics import fmean
from typing import Final

from markupsafe import Markup

from meshproof.model.comparison import Answer, Change, Comparison
from meshproof.model.run import PRIMARY
from meshproof.model.verdict import VerdictState
from meshproof.report.deployments_picture import deployments_picture
from meshproof.report.headline import StateWords, confidence_name, percentile_name
from meshproof.report.visible import cut, one_line, visible

__all__ = [
    "ANSWER_WORDS",
    "ComparisonView",
    "comparison_lines",
    "comparison_sentence",
    "comparison_view",
    "short_line",
    "sides_of",
    "so_far",
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
    sides: tuple[str, str]
    picture: Markup | None  # of deployments in turn


def comparison_view(comparison: Comparison, *, key: str = "comparison") -> ComparisonView:
    """Raises HarnessError when a figure of a deployment is not a finite number."""
    whole = comparison.deployments
    return ComparisonView(
        comparison=comparison,
        words=ANSWER_WORDS[comparison.answer],
        state=_STATE_OF[comparison.answer],
        sides=sides_of(comparison),
        picture=deployments_picture(whole, key=f"{key}-deployments") if whole else None,
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
    before, after = sides_of(comparison)
    if comparison.rounds:
        of += f"; {comparison.rounds[0]} rounds {before}, {comparison.rounds[1]} {after}"
    lines.append(f"  {of}")
    lines += [f"  {_moved(each)}{_remark(each)}" for each in comparison.changes]
    lines += [
        f"  differs: {visible(name)}: {visible(old)} {before}, {visible(new)} {after}"
        for name, (old, new) in comparison.differs.items()
    ]
    return lines


def sides_of(comparison: Comparison) -> tuple[str, str]:
    """``in the baseline`` and ``in the run``; of settings in turn ``with A (default)`` and ``with B``."""
    if comparison.deployments is None:
        return "in the baseline", "in the run"
    before, after = comparison.deployments.settings
    return f"with {visible(before.title)}", f"with {visible(after.title)}"


def so_far(comparison: Comparison) -> str:
    """How two settings in turn stand while it goes on: what was just deployed, and the difference."""
    whole = comparison.deployments
    if whole is None or not whole.deployed:
        return "nothing was deployed yet"
    last = whole.deployed[-1]
    told = last.left_out or f"{last.setting} costs {fmean(last.rounds_ms):+.2f} ms at the median"
    if not comparison.changes:
        return told
    before, after = whole.settings
    median, (low, high) = comparison.changes[0], comparison.changes[0].interval_ms
    return (
        f"{told}; so far {after.name} minus {before.name} {median.change_ms:+.2f} ms "
        f"[{low:+.2f}, {high:+.2f}]"
    )


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
