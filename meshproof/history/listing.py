"""A history on a terminal: runs, one requirement over time, what changed; as lines and as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec

from meshproof.history.changes import Direction, StateChange, WhatChanged
from meshproof.model.history import PastFigure, PastRun, PastVerdict
from meshproof.model.run import PRIMARY, VALID, RunState
from meshproof.model.verdict import VerdictState
from meshproof.report.headline import STATE_WORDS, many
from meshproof.report.terminal import MAX_WIDTH
from meshproof.report.visible import cut, one_line, visible

__all__ = [
    "DIRECTION_WORDS",
    "change_lines",
    "figure_told",
    "moment_of",
    "requirement_as_values",
    "requirement_lines",
    "run_as_values",
    "run_lines",
]

_ID_WIDTH: Final = 20  # it says when: UTC, to the second
_PROFILE_WIDTH: Final = 14
_COUNTED: Final = (
    VerdictState.FAILED,
    VerdictState.INCONCLUSIVE,
    VerdictState.FAILED_EXPECTED,
    VerdictState.PASSED,
)
_NAMED: Final = 8  # requirements in one line; the rest is counted
DIRECTION_WORDS: Final[dict[Direction, str]] = {
    Direction.WORSE: "worse",
    Direction.APPEARED: "not judged before",
    Direction.BETTER: "better",
}


def run_lines(runs: Sequence[PastRun]) -> list[str]:
    """The runs (oldest first) newest first, under the versions that they tested."""
    return _under_versions([(run, _run_line(run)) for run in reversed(runs)])


def requirement_lines(runs: Sequence[PastRun], requirement: str) -> list[str]:
    """The verdicts on one requirement, newest first, under the versions; runs without one are not shown."""
    judged = reversed(_judged(runs, requirement))
    return _under_versions([(run, _verdict_line(run, verdict)) for run, verdict in judged])


def change_lines(found: WhatChanged, statements: Mapping[str, str]) -> list[str]:
    """What changed, the worst first, each with its words; what is no longer judged at the end."""
    lines = [
        _cut(f"{name}: {visible(old) or 'not read'} -> {visible(new) or 'not read'}")
        for name, (old, new) in found.versions.items()
    ]
    for each in found.changes:
        lines.append(_cut(_change_line(each, statements)))
        told = filter(None, (one_line(each.said, MAX_WIDTH), each.finding and f"finding: {each.finding}"))
        lines += [_cut(f"      {visible(line)}") for line in told]
    if lost := found.no_longer_judged:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        lines.append(
            _cut(f"{many(len(lost), 'requirement')} no longer judged: {', '.join(lost[:_NAMED])}{more}")
        )
    return lines or ["nothing changed"]


def run_as_values(run: PastRun) -> dict[str, Any]:
    """A run for ``--json``: its verdicts counted, its overhead at the median."""
    values: dict[str, Any] = msgspec.to_builtins(run)
    del values["verdicts"], values["figures"]
    medians = [each for each in run.figures if each.percentile == PRIMARY]
    return {**values, "counts": run.counts(), "overhead": msgspec.to_builtins(medians)}


def requirement_as_values(runs: Sequence[PastRun], requirement: str) -> list[dict[str, Any]]:
    """The verdicts on one requirement for ``--json``, oldest first."""
    return [
        {"run": run.id, "started": run.started, "versions": run.versions, **msgspec.to_builtins(verdict)}
        for run, verdict in _judged(runs, requirement)
    ]


def figure_told(row: PastFigure) -> str:
    """``+0.92 ms [+0.81, +1.02]``."""
    low, high = row.interval_ms
    doubt = "" if row.validity == VALID else " not valid"
    return f"{row.difference_ms:+.2f} ms [{low:+.2f}, {high:+.2f}]{doubt}"


def moment_of(run: PastRun) -> str:
    """``2026-11-30 03:30``, UTC."""
    return visible(run.started[:16].replace("T", " "))


def _judged(runs: Sequence[PastRun], requirement: str) -> list[tuple[PastRun, PastVerdict]]:
    return [
        (run, verdict)
        for run in runs
        for verdict in run.verdicts
        if verdict.requirement == requirement and verdict.state is not VerdictState.SKIPPED
    ]


def _under_versions(lines: Iterable[tuple[PastRun, str]]) -> list[str]:
    told: list[str] = []
    for versions, group in groupby(lines, key=lambda each: each[0].versions):
        told += [one_line(versions.told(), MAX_WIDTH), *(line for _, line in group)]
    return told


def _verdict_line(run: PastRun, verdict: PastVerdict) -> str:
    words = STATE_WORDS[verdict.state]
    waited = "" if verdict.convergence_s is None else f"{verdict.convergence_s:.2f} s"
    return _cut(
        f"{_about(run)}  {words.sign} {words.label:<15} {waited:>8}  {one_line(verdict.said, MAX_WIDTH)}"
    )


def _run_line(run: PastRun) -> str:
    counts, row = run.counts(), run.median()
    told = "  ".join(f"{STATE_WORDS[state].sign} {counts[state]:>3}" for state in _COUNTED)
    remarks = (
        run.state.value if run.state is not RunState.FINISHED else "",
        f"campaign of {many(run.mutants, 'mutant')}" if run.mutants else "",
        figure_told(row) if row else "",
    )
    return _cut(f"{_about(run)}  {told}  {'; '.join(filter(None, remarks))}")


def _about(run: PastRun) -> str:
    profile = one_line(run.mesh_profile, _PROFILE_WIDTH)
    return f"  {one_line(run.id, _ID_WIDTH):<{_ID_WIDTH}}  {profile:<{_PROFILE_WIDTH}}"


def _change_line(change: StateChange, statements: Mapping[str, str]) -> str:
    words = STATE_WORDS[change.after]
    was = "not judged" if change.before is None else STATE_WORDS[change.before].label
    statement = statements.get(change.requirement, "")
    return f"  {words.sign} {change.requirement}: {was} -> {words.label}  {visible(statement)}"


def _cut(line: str) -> str:
    return cut(line.rstrip(), MAX_WIDTH)
