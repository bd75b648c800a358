"""The history as a page: what changed first, then the trends, then every run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from meshproof.history.changes import WhatChanged, earlier_of, what_changed
from meshproof.history.listing import DIRECTION_WORDS, figure_told, moment_of
from meshproof.history.trends import (
    convergence_picture,
    day_of,
    overhead_picture,
    overhead_series,
    trouble_picture,
    verdicts_picture,
)
from meshproof.model.history import PastRun, PastVerdict
from meshproof.model.run import RunState
from meshproof.model.verdict import VerdictState
from meshproof.report.headline import STATE_WORDS, Tone, many
from meshproof.report.html import page_environment

__all__ = ["Unsteady", "Wait", "drawn_runs", "render_history", "unsteady", "waits"]


@dataclass(frozen=True, kw_only=True)
class Unsteady:
    """A requirement that was not always in one state: run by run, None where it was not judged."""

    requirement: str
    states: list[tuple[PastRun, VerdictState | None]]


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How long the mesh took to take up the change of one requirement, in seconds."""

    requirement: str
    last_s: float
    median_s: float
    least_s: float
    most_s: float
    runs: int


def drawn_runs(runs: Sequence[PastRun]) -> list[PastRun]:
    """What can be drawn as one line: runs of the newest one's profile that judged the mesh as it is."""
    told = [each for each in runs if each.judged()]
    return [each for each in told if each.mesh_profile == told[-1].mesh_profile]


def unsteady(runs: Sequence[PastRun]) -> list[Unsteady]:
    """The requirements that were judged, and not always alike; those that failed last first."""
    by_run = [{each.requirement: each.state for each in run.verdicts} for run in runs]
    names = sorted({name for states in by_run for name in states})
    found = []
    for name in names:
        states = [states.get(name) for states in by_run]
        shown = [None if state is VerdictState.SKIPPED else state for state in states]
        if len({state for state in shown if state}) > 1:
            found.append(Unsteady(requirement=name, states=list(zip(runs, shown, strict=True))))
    order = list(STATE_WORDS)
    return sorted(found, key=lambda each: order.index(next(s for _, s in reversed(each.states) if s)))


def waits(runs: Sequence[PastRun]) -> list[Wait]:
    """The waits of each requirement over the runs, the longest of the last ones first."""
    seen: dict[str, list[float]] = {}
    for run in runs:
        for each in run.verdicts:
            if each.convergence_s is not None:
                seen.setdefault(each.requirement, []).append(each.convergence_s)
    rows = [
        Wait(
            requirement=name,
            last_s=values[-1],
            median_s=median(values),
            least_s=min(values),
            most_s=max(values),
            runs=len(values),
        )
        for name, values in seen.items()
    ]
    return sorted(rows, key=lambda each: -each.last_s)


def render_history(runs: Sequence[PastRun], statements: Mapping[str, str]) -> str:
    """The page of these runs (oldest first). Raises HarnessError when a figure is not a finite number."""
    drawn = drawn_runs(runs)
    newest = drawn[-1] if drawn else None
    earlier = earlier_of(drawn, newest) if newest else None
    found = what_changed(earlier, newest) if earlier and newest else None
    return (
        page_environment()
        .get_template("history.html.j2")
        .render(
            title=newest.versions.told() if newest else "No run judged anything",
            tone=_tone(newest, found),
            sentence=_sentence(newest, found),
            runs=[*reversed(runs)],
            drawn=drawn,
            left_out=len(runs) - len(drawn),
            newest=newest,
            earlier=earlier,
            found=found,
            pictures=_pictures(drawn) if drawn else [],
            unsteady=unsteady(drawn),
            waits=waits(drawn),
            statements=statements,
            words=STATE_WORDS,
            directions=DIRECTION_WORDS,
            moment_of=moment_of,
            day_of=day_of,
            figure_told=figure_told,
            said_of=_said_of,
        )
    )


def _pictures(runs: Sequence[PastRun]) -> list[tuple[str, Markup]]:
    measured = [
        (
            f"Overhead at the median: {profile}, measured by {instrument}",
            overhead_picture(runs, (profile, instrument), key=f"overhead-{place}"),
        )
        for place, (profile, instrument) in enumerate(overhead_series(runs))
    ]
    return [
        ("Failed, or not to be judged", trouble_picture(runs, key="trouble")),
        ("All verdicts", verdicts_picture(runs, key="verdicts")),
        ("Convergence", convergence_picture(runs, key="convergence")),
        *measured,
    ]


def _tone(newest: PastRun | None, found: WhatChanged | None) -> Tone:
    if newest is None:
        return Tone.WARN
    if newest.counts()[VerdictState.FAILED]:
        return Tone.BAD
    unclear = newest.counts()[VerdictState.INCONCLUSIVE] or newest.state is not RunState.FINISHED
    return Tone.WARN if unclear or (found and (found.worse or found.no_longer_judged)) else Tone.GOOD


def _sentence(newest: PastRun | None, found: WhatChanged | None) -> str:
    """The newest run against the one before it."""
    if newest is None:
        return "No run has judged anything yet"
    if found is None:
        return f"One run of profile {newest.mesh_profile}: there is nothing to compare it with yet"
    better = len(found.changes) - len(found.worse)
    lost = len(found.no_longer_judged)
    parts = (
        f"{many(len(found.worse), 'requirement')} worse than in the run before" if found.worse else "",
        f"{many(better, 'requirement')} better" if better else "",
        f"{lost} no longer judged" if lost else "",
    )
    failed = newest.counts()[VerdictState.FAILED]
    same = "Nothing changed since the run before" + (
        f": {many(failed, 'requirement')} failed" if failed else ""
    )
    return "; ".join(filter(None, parts)) or same


def _said_of(runs: Sequence[PastRun], requirement: str) -> PastVerdict | None:
    """The last verdict on it that says something."""
    told = (
        each
        for run in reversed(runs)
        for each in run.verdicts
        if each.requirement == requirement and each.said
    )
    return next(told, None)
