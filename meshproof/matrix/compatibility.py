"""Which versions hold together: a cell for each combination that was judged, from a history. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from meshproof.history.changes import WhatChanged, what_changed
from meshproof.model.history import PastFigure, PastRun, PastVerdict, Versions
from meshproof.model.verdict import VerdictState, worst

__all__ = ["AreaStates", "Cell", "areas_of", "compatibility", "newest_first", "whole_runs"]

_WHOLE: Final = (
    0.9  # of what the fullest run of the same versions judged: a run that judged less is a selection
)
_TROUBLE: Final = (VerdictState.FAILED, VerdictState.INCONCLUSIVE)


class AreaStates(msgspec.Struct, frozen=True, kw_only=True):
    """The requirements of an area in one cell: how many are in each state; none was left out."""

    area: str
    counts: dict[VerdictState, int]

    @property
    def worst(self) -> VerdictState:
        """The gravest of them."""
        return worst(self.counts)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One combination of versions by the newest run that judged it whole.

    ``troubles`` are its verdicts that failed or could not be judged, with their words and subject; ``since``
    is what changed against its run before, or where it has none against that of other versions which is
    nearest: ``against`` then.
    """

    versions: Versions
    run: str
    started: str
    mesh_profile: str
    areas: list[AreaStates]
    troubles: list[PastVerdict]
    known: list[PastVerdict]
    overhead: PastFigure | None = None
    since: WhatChanged | None = None
    against: Versions | None = None

    def area(self, name: str) -> AreaStates | None:
        """Its requirements of that area; None where none was judged."""
        return next((each for each in self.areas if each.area == name), None)


def compatibility(runs: Sequence[PastRun]) -> list[Cell]:
    """A cell for each combination of versions among ``runs`` (oldest first), the newest versions first."""
    whole = whole_runs(runs)
    newest = {run.versions: place for place, run in enumerate(whole)}
    return newest_first(_cell(whole, place) for place in newest.values())


def whole_runs(runs: Sequence[PastRun]) -> list[PastRun]:
    """Those that judged the mesh as it is, its versions known, without leaving a part of the checks out."""
    told = [run for run in runs if run.judged() and all(msgspec.structs.astuple(run.versions))]
    fullest: dict[Versions, int] = {}
    for run in told:
        fullest[run.versions] = max(fullest.get(run.versions, 0), _number_judged(run))
    return [run for run in told if _number_judged(run) >= _WHOLE * fullest[run.versions]]


def newest_first(cells: Iterable[Cell]) -> list[Cell]:
    """By mesh, proxy, Kubernetes and CoreDNS, each by the numbers in it."""
    return sorted(cells, key=lambda cell: _numbers(cell.versions), reverse=True)


def areas_of(cells: Iterable[Cell]) -> list[str]:
    """Every area, in the order in which the runs came to them."""
    return list(dict.fromkeys(each.area for cell in cells for each in cell.areas))


def _cell(whole: Sequence[PastRun], place: int) -> Cell:
    run = whole[place]
    earlier = whole[:place]
    before = next((each for each in reversed(earlier) if each.versions == run.versions), None)
    other = None if before else _nearest(earlier, run.versions)
    compared = before or other
    judged = [each for each in run.verdicts if each.state is not VerdictState.SKIPPED]
    return Cell(
        versions=run.versions,
        run=run.id,
        started=run.started,
        mesh_profile=run.mesh_profile,
        areas=_areas(judged),
        troubles=[each for state in _TROUBLE for each in judged if each.state is state],
        known=[each for each in judged if each.state is VerdictState.FAILED_EXPECTED],
        overhead=run.median(),
        since=what_changed(compared, run) if compared else None,
        against=other.versions if other else None,
    )


def _nearest(earlier: Sequence[PastRun], versions: Versions) -> PastRun | None:
    """Of the newest runs of each: that with the fewest other parts, then the fewest failures, the newest."""
    parts = msgspec.structs.astuple(versions)

    def distance(run: PastRun) -> tuple[int, int]:
        theirs = msgspec.structs.astuple(run.versions)
        failed = sum(each.state is VerdictState.FAILED for each in run.verdicts)
        return sum(ours != other for ours, other in zip(parts, theirs, strict=True)), failed

    newest = {run.versions: run for run in earlier}
    return min(sorted(newest.values(), key=lambda run: run.started, reverse=True), key=distance, default=None)


def _areas(judged: Sequence[PastVerdict]) -> list[AreaStates]:
    counts: dict[str, dict[VerdictState, int]] = {}
    for each in judged:
        area = counts.setdefault(each.area, {})
        area[each.state] = area.get(each.state, 0) + 1
    return [AreaStates(area=name, counts=found) for name, found in counts.items()]


def _number_judged(run: PastRun) -> int:
    return sum(each.state is not VerdictState.SKIPPED for each in run.verdicts)


def _numbers(versions: Versions) -> list[list[int]]:
    return [[int(each) for each in re.findall(r"\d+", part)] for part in msgspec.structs.astuple(versions)]
