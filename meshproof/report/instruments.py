"""Several instruments that measured one load profile: side by side, and which figure says what."""

from dataclasses import dataclass
from typing import Final

from meshproof.model.load import FORTIO, FORTIO_BESIDE, LOCUST
from meshproof.model.run import PRIMARY, Overhead, Run
from meshproof.report.visible import visible

__all__ = ["WHICH_IS_WHICH", "InstrumentView", "SideBySide", "by_weight", "side_by_side"]

WHICH_IS_WHICH: Final = (
    "The lighter instrument's figure is the cost of the mesh; Locust's is what clients under that load saw, "
    "the load on the machine and Locust's own waiting included."
)

_ORDER: Final = (FORTIO, FORTIO_BESIDE, LOCUST)  # the lightest first
_SAYS: Final = {
    FORTIO: "what the mesh costs, with no other load",
    FORTIO_BESIDE: "what the mesh costs while that load is on, seen by a light client",
    LOCUST: "what the load's own clients saw",
}


@dataclass(frozen=True, kw_only=True)
class InstrumentView:
    """One instrument's figure at the median, and what it says."""

    instrument: str
    says: str
    row: Overhead


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """The instruments of one profile; ``explained`` are sentences on what lies between their figures."""

    profile: str
    instruments: list[InstrumentView]
    explained: list[str]


def by_weight(instrument: str) -> int:
    """For sorting: the lightest instrument first, one that is not known before Locust."""
    return _ORDER.index(instrument) if instrument in _ORDER else _ORDER.index(LOCUST) - 1


def side_by_side(run: Run) -> list[SideBySide]:
    """Every profile that more than one instrument has a figure of, in the order of the run."""
    medians = [row for row in run.overhead if row.percentile == PRIMARY]
    found = []
    for profile in dict.fromkeys(row.profile for row in medians):
        rows = [row for row in medians if row.profile == profile]
        rows.sort(key=lambda row: by_weight(row.instrument))
        if len(rows) < 2:
            continue
        views = [
            InstrumentView(instrument=row.instrument, says=_SAYS.get(row.instrument, ""), row=row)
            for row in rows
        ]
        explained = [
            visible(said)
            for each in run.overhead_detail
            if each.profile == profile
            for said in each.beside_others
        ]
        found.append(SideBySide(profile=profile, instruments=views, explained=explained))
    return found
