"""Runs as history has them, made for one behaviour each."""

from typing import Any

from meshproof.model.history import PastFigure, PastRun, PastVerdict, Versions
from meshproof.model.requirement import Subject
from meshproof.model.verdict import VerdictState

VERSIONS = Versions(
    mesh="traefik-mesh v1.4.8", proxy="Traefik v2.11.14", kubernetes="v1.34.4", coredns="v1.12.1"
)


def a_past_verdict(
    requirement: str = "TM-DNS-001", state: VerdictState = VerdictState.PASSED, **changed: Any
) -> PastVerdict:
    """A verdict that says something wherever it did not pass."""
    fields: dict[str, Any] = {
        "requirement": requirement,
        "area": requirement.split("-")[1].lower(),
        "subject": Subject.PROXY,
        "state": state,
        "said": "" if state is VerdictState.PASSED else f"what was said of {requirement}",
    }
    return PastVerdict(**(fields | changed))


def a_past_figure(difference_ms: float = 0.9, **changed: Any) -> PastFigure:
    """A median with its interval."""
    fields: dict[str, Any] = {
        "profile": "standard",
        "instrument": "fortio",
        "percentile": 50.0,
        "difference_ms": difference_ms,
        "interval_ms": (round(difference_ms - 0.1, 3), round(difference_ms + 0.1, 3)),
        "confidence": 0.95,
        "noise_floor_ms": 0.08,
        "validity": "valid",
    }
    return PastFigure(**(fields | changed))


def a_past_run(day: int = 1, *verdicts: PastVerdict, **changed: Any) -> PastRun:
    """The run of a night of November."""
    fields: dict[str, Any] = {
        "id": f"202611{day:02d}-020000-{day:04x}",
        "started": f"2026-11-{day:02d}T02:00:00+00:00",
        "finished": f"2026-11-{day:02d}T02:20:00+00:00",
        "exit_code": 0,
        "versions": VERSIONS,
        "mesh_profile": "plain",
        "verdicts": list(verdicts) or [a_past_verdict()],
    }
    return PastRun(**(fields | changed))
