"""What changed between two runs: requirements whose state is another one, the worst first. Pure."""

from enum import StrEnum
from typing import Final

import msgspec

from meshproof.model.history import PastRun, PastVerdict, Versions
from meshproof.model.verdict import VerdictState

__all__ = ["Direction", "StateChange", "WhatChanged", "earlier_of", "what_changed"]

_GRAVITY: Final = (
    VerdictState.PASSED,
    VerdictState.NOT_SUPPORTED,
    VerdictState.FAILED_EXPECTED,
    VerdictState.INCONCLUSIVE,
    VerdictState.FAILED,
)


class Direction(StrEnum):
    """``appeared``: not judged before, and now failed or inconclusive."""

    WORSE = "worse"
    APPEARED = "appeared"
    BETTER = "better"


_ORDER: Final = tuple(Direction)


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement that is in another state; ``before`` is None where it was not judged.

    ``said`` is the later verdict's; ``finding`` the earlier's where the later has none.
    """

    requirement: str
    area: str
    subject: str
    direction: Direction
    before: VerdictState | None
    after: VerdictState
    said: str = ""
    finding: str | None = None


class WhatChanged(msgspec.Struct, frozen=True, kw_only=True):
    """``versions`` has part -> (before, after); ``no_longer_judged`` are those that ``before`` alone did."""

    before: str
    after: str
    versions: dict[str, tuple[str, str]] = {}
    changes: list[StateChange] = []
    no_longer_judged: list[str] = []

    @property
    def worse(self) -> list[StateChange]:
        """Those that somebody has to look at."""
        return [each for each in self.changes if each.direction is not Direction.BETTER]


def what_changed(before: PastRun, after: PastRun) -> WhatChanged:
    """Compare what both judged. What a selection left out in one of them did not change."""
    old, new = _judged(before), _judged(after)
    changes = [change for name, now in new.items() if (change := _change(old.get(name), now))]
    changes.sort(
        key=lambda each: (_ORDER.index(each.direction), -_GRAVITY.index(each.after), each.requirement)
    )
    return WhatChanged(
        before=before.id,
        after=after.id,
        versions=_moved(before.versions, after.versions),
        changes=changes,
        no_longer_judged=sorted(old.keys() - new.keys()),
    )


def earlier_of(runs: list[PastRun], run: PastRun) -> PastRun | None:
    """The last of ``runs`` (oldest first) before ``run`` that judged the same profile of the mesh."""
    place = next((number for number, each in enumerate(runs) if each.id == run.id), len(runs))
    like = (
        each for each in reversed(runs[:place]) if each.mesh_profile == run.mesh_profile and each.judged()
    )
    return next(like, None)


def _judged(run: PastRun) -> dict[str, PastVerdict]:
    return {each.requirement: each for each in run.verdicts if each.state is not VerdictState.SKIPPED}


def _change(before: PastVerdict | None, after: PastVerdict) -> StateChange | None:
    if before and before.state is after.state:
        return None
    if before is None and after.state not in (VerdictState.FAILED, VerdictState.INCONCLUSIVE):
        return None
    return StateChange(
        requirement=after.requirement,
        area=after.area,
        subject=after.subject.value,
        direction=_direction(before, after),
        before=before.state if before else None,
        after=after.state,
        said=after.said,
        finding=after.finding or (before.finding if before else None),
    )


def _direction(before: PastVerdict | None, after: PastVerdict) -> Direction:
    """From failed to inconclusive is no improvement: nothing is known any more."""
    if before is None:
        return Direction.APPEARED
    graver = _GRAVITY.index(after.state) > _GRAVITY.index(before.state)
    return Direction.WORSE if graver or after.state is VerdictState.INCONCLUSIVE else Direction.BETTER


def _moved(before: Versions, after: Versions) -> dict[str, tuple[str, str]]:
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in Versions.__struct_fields__}
    return {name: (old, new) for name, (old, new) in pairs.items() if old != new}
