"""Mutants: what a deliberately broken mesh says of the checks that are to notice it."""

from collections.abc import Collection, Iterable
from enum import StrEnum

import msgspec

from meshproof.model.errors import ExitCode

__all__ = ["MutantKind", "MutantResult", "MutantState", "mutant_state", "mutants_exit_code"]


class MutantKind(StrEnum):
    """Where a mutant breaks the mesh."""

    SERVED = "served configuration"  # between controller and proxies
    FRONT = "proxy in front"  # between the mesh's proxies and a server, or before these proxies
    FLAGS = "flags"  # arguments of a program of the mesh
    DNS = "dns"
    CHART = "chart"  # what the chart installed: rights, pod settings, definitions
    NETWORK = "network"  # the way to a pod: shadow services, routes of nodes
    INSTALL = "install"  # the chart that it is installed from and removed by, and what is said of a failure
    WORKLOAD = "workload"  # pods and services of the cluster around the mesh
    TOLD = "told"  # what a proxy or the controller tells of itself


class MutantState(StrEnum):
    """What became of a mutant. ``survived``: a check that is named as its killer did not notice it."""

    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"  # it changes nothing that a user could see; the reason is with it
    NOT_JUDGED = "not_judged"  # it could not be applied or taken back, or none of its killers could run


class MutantResult(msgspec.Struct, frozen=True, kw_only=True):
    """One mutant under one profile of the mesh.

    ``killers`` are the requirements that name it, ``killed_by`` those of which a check failed, ``survived``
    those whose checks all passed, ``not_judged`` the others, each with the reason. ``bystanders`` are checks
    that ran although nothing of theirs was broken; ``bystanders_failed`` says what those said that failed all
    the same, ``explained`` those whose failure is no surprise (blocked by a requirement they build on, or
    disturbed as the mutant declares), with the reason. ``seconds`` is from applied to taken back.
    """

    name: str
    kind: MutantKind
    profile: str
    breaks: str
    state: MutantState
    killers: list[str] = []
    killed_by: list[str] = []
    survived: list[str] = []
    not_judged: dict[str, str] = {}
    bystanders: list[str] = []
    bystanders_failed: dict[str, str] = {}
    explained: dict[str, str] = {}
    equivalent: str = ""
    said: dict[str, str] = {}  # requirement -> the words with which its check failed
    seconds: float = 0.0
    note: str = ""  # why it was not judged


def mutant_state(*, killed_by: Collection[str], survived: Collection[str], equivalent: str) -> MutantState:
    """Killed only when every named killer that could run noticed it, and at least one did."""
    if survived:
        return MutantState.EQUIVALENT if equivalent and not killed_by else MutantState.SURVIVED
    if killed_by:
        return MutantState.KILLED
    return MutantState.NOT_JUDGED


def mutants_exit_code(results: Iterable[MutantResult]) -> ExitCode:
    """Failed where one survived or a bystander failed unexplained, as both are faults of the checks.

    That outweighs what could not be judged.
    """
    judged = list(results)
    if any(each.state is MutantState.SURVIVED or each.bystanders_failed for each in judged):
        return ExitCode.FAILED
    if any(each.state is MutantState.NOT_JUDGED for each in judged):
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASSED
