"""The run on a terminal: at most 25 lines, none wider than 100 characters, nothing that steers it."""

from pathlib import Path
from typing import Final

from meshproof.model.attribution import Attribution
from meshproof.model.comparison import Comparison
from meshproof.model.load import FORTIO, LOCUST
from meshproof.model.mutant import MutantResult, MutantState
from meshproof.model.run import PRIMARY, Overhead, OverheadDetail, Run
from meshproof.model.verdict import Verdict, VerdictState
from meshproof.report.attribution import attribution_lines
from meshproof.report.comparison import short_line
from meshproof.report.costs import cost_line, throughput_line
from meshproof.report.headline import (
    STATE_WORDS,
    banner,
    counts,
    percentile_name,
    subject_line,
    verdict_sentence,
    with_state,
)
from meshproof.report.instruments import by_weight
from meshproof.report.mutants import MUTANT_WORDS, mutants_sentence, only_mutants_judged
from meshproof.report.records import PAGE_FILE, REPORT_FILE
from meshproof.report.saturation import drift_sentence, growth_sentence, saturation_line
from meshproof.report.visible import cut, one_line

__all__ = ["MAX_LINES", "MAX_WIDTH", "summary_lines"]

MAX_LINES: Final = 25
MAX_WIDTH: Final = 100
_FAILED_SHOWN: Final = 8
_INCONCLUSIVE_SHOWN: Final = 4  # with 8 for failures, 7 for what was measured and 6 around them: 25 at most
_OVERHEAD_LINES: Final = 7
_OVERHEAD_LEAST: Final = 3  # its heading, one figure and how many more there are; mutants have the other 4
_COMPARISONS_SHOWN: Final = 2  # instruments of one load profile
_ATTRIBUTION_LEAST: Final = 3  # its heading, one part and how many more there are
_COSTS_SHOWN: Final = 2  # how much one load profile carries, and what it took
_ID_WIDTH: Final = 14
_CLAIM_WIDTH: Final = 62
_PROFILE_WIDTH: Final = 20


def summary_lines(run: Run, where: Path) -> list[str]:
    """The summary of ``run`` whose reports are in the folder ``where``; paths are never cut."""
    lines = [_cut(f"{subject_line(run)} - run {run.run.id}")]
    if not only_mutants_judged(run):
        lines += [_cut(verdict_sentence(run, named=False)), _cut(_count_line(run))]
    if warning := banner(run):
        lines.append(_cut(f"! {warning}"))
    lines += _verdict_lines(run, VerdictState.FAILED, _FAILED_SHOWN)
    lines += _verdict_lines(run, VerdictState.INCONCLUSIVE, _INCONCLUSIVE_SHOWN)
    ends = [f"page:   {where / PAGE_FILE}", f"report: {where / REPORT_FILE}"]
    room = MAX_LINES - len(lines) - len(ends)
    kept = _OVERHEAD_LEAST * bool(run.overhead) + min(len(run.comparisons), _COMPARISONS_SHOWN)
    lines += _mutant_lines(run.mutants, room - kept)
    room = min(_OVERHEAD_LINES, MAX_LINES - len(lines) - len(ends))
    compared = _comparison_lines(run.comparisons, room - _OVERHEAD_LEAST if run.overhead else room)
    compared += _attribution_lines(
        run.attributions, room - len(compared) - _OVERHEAD_LEAST * bool(run.overhead)
    )
    room -= len(compared)
    costs = _cost_lines(run.overhead_detail, room - _OVERHEAD_LEAST)
    lines += _overhead_lines(run.overhead, room - len(costs)) + costs + compared
    return lines + ends


def _cut(line: str) -> str:
    return one_line(line, MAX_WIDTH)


def _count_line(run: Run) -> str:
    return " | ".join(f"{number} {STATE_WORDS[state].label}" for state, number in counts(run).items())


def _verdict_lines(run: Run, state: VerdictState, most: int) -> list[str]:
    """At most ``most`` lines: two a requirement while there is room, else one."""
    verdicts = with_state(run, state)
    if 2 * len(verdicts) <= most:
        return [line for verdict in verdicts for line in (_claim_line(verdict), _said_line(verdict)) if line]
    shown = verdicts if len(verdicts) <= most else verdicts[: most - 1]
    lines = [_short_line(verdict) for verdict in shown]
    if left := len(verdicts) - len(shown):
        lines.append(f"  {STATE_WORDS[state].sign} and {left} more {STATE_WORDS[state].label}")
    return lines


def _claim_line(verdict: Verdict, width: int = MAX_WIDTH) -> str:
    name = one_line(verdict.requirement, _ID_WIDTH)
    statement = one_line(verdict.statement, width)
    return cut(f"  {STATE_WORDS[verdict.state].sign} {name:<{_ID_WIDTH}} {statement}", width)


def _said_line(verdict: Verdict) -> str:
    said = _said(verdict)
    return cut(f"      {said}", MAX_WIDTH) if said else ""


def _short_line(verdict: Verdict) -> str:
    claim, said = _claim_line(verdict, _CLAIM_WIDTH), _said(verdict)
    return cut(f"{claim} | {said}", MAX_WIDTH) if said else claim


def _said(verdict: Verdict) -> str:
    """The first words about the failure, on one line."""
    said = (seen.said for seen in verdict.evidence if seen.state is verdict.state)
    return one_line(next(filter(None, said), ""), MAX_WIDTH)


def _mutant_lines(mutants: list[MutantResult], most: int) -> list[str]:
    """At most ``most`` lines: the sentence, then what a person has to look at, survivors first."""
    if not mutants:
        return []
    told = [
        *(_missed_line(each) for each in mutants if each.state is MutantState.SURVIVED),
        *(_bystander_line(each, *failed) for each in mutants for failed in each.bystanders_failed.items()),
        *(
            _mutant_line(each, _why_not_judged(each))
            for each in mutants
            if each.state is MutantState.NOT_JUDGED
        ),
    ]
    shown = told if len(told) < most else told[: most - 2]
    lines = [_cut(mutants_sentence(mutants)), *shown]
    if left := len(told) - len(shown):
        lines.append(f"  and {left} more on the page")
    return lines


def _why_not_judged(mutant: MutantResult) -> str:
    return mutant.note or "; ".join(f"{name}: {why}" for name, why in mutant.not_judged.items())


def _missed_line(mutant: MutantResult) -> str:
    return _mutant_line(mutant, f"not noticed by {', '.join(mutant.survived)}")


def _bystander_line(mutant: MutantResult, requirement: str, said: str) -> str:
    return _mutant_line(mutant, f"bystander {requirement} failed: {said}", sign="!")


def _mutant_line(mutant: MutantResult, told: str, *, sign: str = "") -> str:
    name = one_line(f"{mutant.name} ({mutant.profile})", _CLAIM_WIDTH)
    return cut(f"  {sign or MUTANT_WORDS[mutant.state].sign} {name}: {one_line(told, MAX_WIDTH)}", MAX_WIDTH)


def _overhead_lines(rows: list[Overhead], most: int) -> list[str]:
    """At most ``most`` lines, ``_OVERHEAD_LEAST`` or more; of several instruments the medians come first."""
    if not rows:
        return []
    profiles, instruments = {row.profile for row in rows}, {row.instrument for row in rows}
    several = len(profiles) > 1 or len(instruments) > 1
    of = "" if len(profiles) > 1 else f" (profile {rows[0].profile})"
    if {FORTIO, LOCUST} <= instruments:
        of += "; fortio's is its cost, locust's what its load saw"
    if several:
        rows = sorted(rows, key=lambda row: (row.percentile != PRIMARY, by_weight(row.instrument)))
    shown = rows if len(rows) < most else rows[: most - 2]
    lines = [_cut(f"overhead, mesh minus direct{of}:")]
    lines += [
        _overhead_line(row, name=_row_name(row, several=len(profiles) > 1) if several else "")
        for row in shown
    ]
    if left := len(rows) - len(shown):
        lines.append(f"  and {left} more on the page")
    return lines


def _row_name(row: Overhead, *, several: bool) -> str:
    """The instrument, of several profiles with the profile."""
    name = f"{row.profile}/{row.instrument}" if several else row.instrument
    return f"{one_line(name, _PROFILE_WIDTH):<{_PROFILE_WIDTH}} "


def _comparison_lines(comparisons: list[Comparison], most: int) -> list[str]:
    """One line each while there is room: at most ``_COMPARISONS_SHOWN``, the rest counted."""
    most = min(most, _COMPARISONS_SHOWN)
    shown = comparisons if len(comparisons) <= most else comparisons[: most - 1]
    lines = [short_line(each, MAX_WIDTH) for each in shown]
    if left := len(comparisons) - len(shown):
        lines.append(f"  and {left} more comparisons on the page")
    return lines


def _attribution_lines(attributions: list[Attribution], most: int) -> list[str]:
    """At most ``most`` lines; where there is no room for a heading and a part, none."""
    lines = [line for each in attributions for line in attribution_lines(each, MAX_WIDTH)]
    if len(lines) <= most:
        return lines
    if most < _ATTRIBUTION_LEAST:
        return []
    return [*lines[: most - 1], f"  and {len(lines) - most + 1} more on the page"]


def _cost_lines(details: list[OverheadDetail], most: int) -> list[str]:
    """How much the mesh carries and what its containers took, of the first profiles: ``most`` lines."""
    several = len({each.profile for each in details}) > 1
    lines = []
    for each in details:
        said = [throughput_line(each.throughput)] if each.throughput else []
        said += [saturation_line(each.saturation)] if each.saturation else []
        said += [drift_sentence(each.drifts)] if each.drifts else []
        said += [growth_sentence(each.growth)] if each.growth else []
        said += [cost_line(each.costs)] if each.costs else []
        about = f"{one_line(each.profile, _PROFILE_WIDTH)}: " if several else ""
        lines += [cut(f"  {about}{one_line(sentence, MAX_WIDTH)}", MAX_WIDTH) for sentence in said]
    return lines[: max(0, min(most, _COSTS_SHOWN))]


def _overhead_line(row: Overhead, *, name: str) -> str:
    low, high = row.interval_ms
    figures = (
        f"{percentile_name(row.percentile):<5} {row.difference_ms:+7.2f} ms  [{low:+.2f}, {high:+.2f}]"
        f"  noise floor {row.noise_floor_ms:.2f}  {row.rounds} rounds"
    )
    return cut(f"  {name}{figures}  {one_line(row.validity, MAX_WIDTH)}", MAX_WIDTH)
