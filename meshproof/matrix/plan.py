"""Which cells a night judges, and in which order: the most informative first, within its time. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import median
from typing import Final

import msgspec

from meshproof.model.matrix import CellRow

__all__ = ["Attempt", "Planned", "Reason", "left_out_by", "plan_night"]

_USUAL_S: Final = (
    1800.0  # a bundle with one program compiled anew and one profile: what a cell takes unmeasured
)


class Reason(StrEnum):
    """Why a cell has its place, the most informative first."""

    NEW = "new"
    CHANGED = "changed the last time"
    OLDEST = "the oldest result comes first"


_ORDER: Final = tuple(Reason)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the last time that a cell was tried; ``run`` is empty where no session came about.

    ``changed`` says whether a requirement was in another state than the time before.
    """

    started: str
    seconds: float
    exit_code: int
    run: str = ""
    changed: bool = False
    note: str = ""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A cell in its turn; ``estimate_s`` is what it took the last time, or what others took."""

    cell: CellRow
    reason: Reason
    estimate_s: float


def plan_night(
    cells: Sequence[CellRow],
    attempts: Mapping[str, Attempt],
    *,
    budget_s: float | None = None,
    since: str = "",
) -> list[Planned]:
    """The cells in their order: new ones as the file has them, those that changed, then the oldest result.

    Cells that were tried at ``since`` (RFC 3339, UTC) or later are left out: their night goes on. With a
    budget each is planned that still fits what those before it leave; the first is, however long it takes.
    """
    usual = median([each.seconds for each in attempts.values() if each.run] or [_USUAL_S])
    due = [each for each in cells if not since or _tried(each, attempts) < since]
    ordered = [
        Planned(
            cell=cell, reason=_reason(attempts.get(cell.name)), estimate_s=_estimate(cell, attempts, usual)
        )
        for cell in due
    ]
    ordered.sort(key=lambda each: (_ORDER.index(each.reason), _tried(each.cell, attempts)))
    if budget_s is None:
        return ordered
    planned: list[Planned] = []
    left = budget_s
    for each in ordered:
        if not planned or each.estimate_s <= left:
            planned.append(each)
            left -= each.estimate_s
    return planned


def left_out_by(planned: Sequence[Planned], cells: Sequence[CellRow]) -> list[str]:
    """The names of the cells that a plan has no time for."""
    taken = {each.cell.name for each in planned}
    return [each.name for each in cells if each.name not in taken]


def _reason(attempt: Attempt | None) -> Reason:
    """One that never led to a run is no longer new: it would take the time of every night."""
    if attempt is None:
        return Reason.NEW
    return Reason.CHANGED if attempt.changed else Reason.OLDEST


def _tried(cell: CellRow, attempts: Mapping[str, Attempt]) -> str:
    attempt = attempts.get(cell.name)
    return attempt.started if attempt else ""


def _estimate(cell: CellRow, attempts: Mapping[str, Attempt], usual: float) -> float:
    attempt = attempts.get(cell.name)
    return attempt.seconds if attempt and attempt.run else usual
