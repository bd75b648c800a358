"""What is kept of a run when it is past: enough to see what changed, small enough to keep every night."""

from collections.abc import Iterable
from typing import Final

import msgspec

from meshproof.model.load import LOCUST
from meshproof.model.requirement import Subject
from meshproof.model.run import PRIMARY, Overhead, Run, RunState
from meshproof.model.verdict import Verdict, VerdictState

__all__ = ["PastFigure", "PastRun", "PastVerdict", "Versions", "past_of"]

_SAID_LENGTH: Final = 1_000  # characters of a failure's words; the rest is in report.json
_USUAL: Final = "standard"  # the load profile of the published figure


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What was tested, as read from the cluster; empty where it was not read."""

    mesh: str = ""
    proxy: str = ""
    kubernetes: str = ""
    coredns: str = ""

    def told(self) -> str:
        """``traefik-mesh v1.4.8, Traefik v2.11.14, Kubernetes v1.34.4, CoreDNS v1.12.1``."""
        named = (
            self.mesh,
            self.proxy,
            self.kubernetes and f"Kubernetes {self.kubernetes}",
            self.coredns and f"CoreDNS {self.coredns}",
        )
        return ", ".join(filter(None, named)) or "versions not read"


class PastVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict without its evidence; ``said`` are the first words of what made it what it is."""

    requirement: str
    area: str
    subject: Subject
    state: VerdictState
    said: str = ""
    finding: str | None = None
    convergence_s: float | None = None


class PastFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One percentile of the overhead, mesh minus direct, in milliseconds."""

    profile: str
    instrument: str
    percentile: float
    difference_ms: float
    interval_ms: tuple[float, float]
    confidence: float
    noise_floor_ms: float
    validity: str


class PastRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as history has it. ``mutants`` counts those that it broke the mesh with."""

    id: str
    started: str
    finished: str | None = None
    state: RunState = RunState.FINISHED
    exit_code: int | None = None
    note: str = ""
    versions: Versions = Versions()
    mesh_profile: str = ""
    mutants: int = 0
    verdicts: list[PastVerdict] = []
    figures: list[PastFigure] = []

    def counts(self) -> dict[VerdictState, int]:
        """How many requirements are in each state, 0 included."""
        found = dict.fromkeys(VerdictState, 0)
        for each in self.verdicts:
            found[each.state] += 1
        return found

    def judged(self) -> bool:
        """Whether it says anything of the mesh as it is: a campaign of mutants judges the checks."""
        return not self.mutants and any(each.state is not VerdictState.SKIPPED for each in self.verdicts)

    def median(self) -> PastFigure | None:
        """The figure that is told: of the standard load and by the lighter instrument where it can be."""
        medians = [each for each in self.figures if each.percentile == PRIMARY]
        return min(
            medians, key=lambda each: (each.profile != _USUAL, each.instrument == LOCUST), default=None
        )


def past_of(run: Run) -> PastRun:
    """What history keeps of ``run``."""
    seen = run.environment
    return PastRun(
        id=run.run.id,
        started=run.run.started,
        finished=run.run.finished,
        state=run.run.state,
        exit_code=run.run.exit_code,
        note=run.run.note,
        versions=Versions(mesh=seen.mesh, proxy=seen.proxy, kubernetes=seen.kubernetes, coredns=seen.coredns),
        mesh_profile=str(seen.settings.get("mesh_profile", "")),
        mutants=len(run.mutants),
        verdicts=[_verdict(each) for each in run.verdicts],
        figures=[_figure(each) for each in run.overhead],
    )


def _verdict(verdict: Verdict) -> PastVerdict:
    told = verdict.state not in (VerdictState.PASSED, VerdictState.SKIPPED)
    return PastVerdict(
        requirement=verdict.requirement,
        area=verdict.area,
        subject=verdict.subject,
        state=verdict.state,
        said=_first_words(verdict) if told else "",
        finding=verdict.finding,
        convergence_s=verdict.convergence_s,
    )


def _first_words(verdict: Verdict) -> str:
    words: Iterable[str] = (each.said for each in verdict.evidence if each.state is verdict.state)
    return next(filter(None, words), "")[:_SAID_LENGTH]


def _figure(row: Overhead) -> PastFigure:
    return PastFigure(
        profile=row.profile,
        instrument=row.instrument,
        percentile=row.percentile,
        difference_ms=row.difference_ms,
        interval_ms=row.interval_ms,
        confidence=row.confidence,
        noise_floor_ms=row.noise_floor_ms,
        validity=row.validity,
    )
