"""Verdicts: what is said of each requirement, and the exit code that follows from all of them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec

from meshproof.model.errors import ExitCode
from meshproof.model.requirement import Level, Subject

__all__ = ["Evidence", "Verdict", "VerdictState", "exit_code", "summarise", "worst"]


class VerdictState(StrEnum):
    """The states of a verdict, as ``docs`` and ``report.json`` name them."""

    PASSED = "passed"
    FAILED = "failed"
    FAILED_EXPECTED = "failed_expected"
    NOT_SUPPORTED = "not_supported"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"


# A requirement of which tests were left out says nothing; a failure seen is a failure all the same.
_BY_WEIGHT: Final = (
    VerdictState.PASSED,
    VerdictState.NOT_SUPPORTED,
    VerdictState.SKIPPED,
    VerdictState.FAILED_EXPECTED,
    VerdictState.INCONCLUSIVE,
    VerdictState.FAILED,
)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one test saw under one profile. ``said`` is its failure or reason in words, else empty.

    ``facts`` are the observations it judged, whole enough to judge again without the cluster.
    """

    test: str
    state: VerdictState
    said: str = ""
    profile: str = ""
    facts: list[dict[str, Any]] = []


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one requirement. ``duration_s`` sums its tests.

    ``convergence_s`` is the longest wait for the mesh to take up a change, where a test measured one.
    """

    requirement: str
    statement: str
    area: str
    level: Level
    subject: Subject
    state: VerdictState
    evidence: list[Evidence]
    duration_s: float
    convergence_s: float | None = None
    finding: str | None = None


def worst(states: Iterable[VerdictState]) -> VerdictState:
    """The verdict on a requirement from those of its tests; no tests at all is ``skipped``."""
    return max(states, key=_BY_WEIGHT.index, default=VerdictState.SKIPPED)


def summarise(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many requirements are in each state; every state has its count, 0 included."""
    counts = dict.fromkeys((state.value for state in VerdictState), 0)
    for verdict in verdicts:
        counts[verdict.state.value] += 1
    return counts


def exit_code(states: Iterable[VerdictState]) -> ExitCode:
    """What ``pytest suites/`` ends with: a failure outweighs what could not be judged."""
    seen = set(states)
    if VerdictState.FAILED in seen:
        return ExitCode.FAILED
    if VerdictState.INCONCLUSIVE in seen:
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASSED
