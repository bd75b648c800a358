"""What can go wrong, told so that the reader can act: where, what was seen, what to do."""

from difflib import get_close_matches
from enum import IntEnum
from typing import ClassVar, Final

__all__ = ["BadInputError", "ExitCode", "HarnessError", "MeshproofError", "nearest"]

_MOST: Final = 30  # words that a reader looks through
_SOME: Final = 5


class ExitCode(IntEnum):
    """Exit codes of ``pytest suites/`` and of ``meshproof``; 0 to 5 are pytest's own."""

    PASSED = 0
    FAILED = 1
    INTERRUPTED = 2
    BAD_INPUT = 4
    INCONCLUSIVE = 6


class MeshproofError(Exception):
    """An error of ours. ``str()`` gives ``CODE: where: problem; remedy`` and, below it, the evidence."""

    code: ClassVar[str] = "MESHPROOF"
    exit_code: ClassVar[ExitCode] = ExitCode.INCONCLUSIVE

    def __init__(self, *, where: str, problem: str, remedy: str, evidence: str = "") -> None:
        self.where = where
        self.problem = problem
        self.remedy = remedy
        self.evidence = evidence.strip()
        head = f"{self.code}: {where}: {problem}; {remedy}"
        super().__init__(f"{head}\n{self.evidence}" if self.evidence else head)


class BadInputError(MeshproofError):
    """The user's options or files are wrong: nothing was started, nothing was changed."""

    code = "BAD-INPUT"
    exit_code = ExitCode.BAD_INPUT


class HarnessError(MeshproofError):
    """The harness or its environment failed: says nothing about the mesh."""

    code = "HARNESS"


def nearest(got: str, known: list[str]) -> str:
    """A remedy that names the known word nearest to ``got``; where none is, all of them or the next few."""
    if close := get_close_matches(got, known, n=1):
        return f"did you mean {close[0]!r}?"
    if len(known) <= _MOST:
        return f"use one of {', '.join(sorted(known))}"
    some = get_close_matches(got, known, n=_SOME, cutoff=0.0)
    return f"there are {len(known)}; the most alike are {', '.join(some)}"
