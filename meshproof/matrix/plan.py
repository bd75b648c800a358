"""In which order a night judges cells, the most informative first, and how long each takes. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import median
from typing import Final

import msgspec

from meshproof.model.matrix import CellRow

__all__ = ["Attempt", "Planned", "Reason", "estimate_s", "plan_night"]

_USUAL_S: Final = 480.0  # a bundle with one program compiled anew, one profile: where nothing was measured
_KUBERNETES_S: Final = 300.0  # to compile one: every program of the node


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
    """A cell in its turn."""

    cell: CellRow
    reason: Reason


def plan_night(
    cells: Sequence[CellRow], attempts: Mapping[str, Attempt], *, since: str = ""
) -> list[Planned]:
    """The cells in their order: new ones as the file has them, those that changed, then the oldest result.

    Cells that were tried at ``since`` (RFC 3339, UTC) or later are left out: their night goes on.
    """
    due = [each for each in cells if not since or _tried(each, attempts) < since]
    planned = [Planned(cell=cell, reason=_reason(attempts.get(cell.name))) for cell in due]
    return sorted(planned, key=lambda each: (_ORDER.index(each.reason), _tried(each.cell, attempts)))


def estimate_s(cell: CellRow, attempts: Mapping[str, Attempt]) -> float:
    """What a cell took the last time; where it never ran, what others did, as the median.

    Another Kubernetes is compiled first, which hardly any of the others did.
    """
    attempt = attempts.get(cell.name)
    if attempt and attempt.run:
        return attempt.seconds
    others = median([each.seconds for each in attempts.values() if each.run] or [_USUAL_S])
    return others + (_KUBERNETES_S if cell.kubernetes else 0.0)


def _reason(attempt: Attempt | None) -> Reason:
    """One that never led to a run is no longer new: it would take the time of every night."""
    if attempt is None:
        return Reason.NEW
    return Reason.CHANGED if attempt.changed else Reason.OLDEST


def _tried(cell: CellRow, attempts: Mapping[str, Attempt]) -> str:
    attempt = attempts.get(cell.name)
    return attempt.started if attempt else ""
