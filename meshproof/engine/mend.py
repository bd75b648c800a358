"""Make this host ready: mend what this process may mend, refuse with every remedy where it may not."""

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshproof.engine.container import Engine
from meshproof.engine.find import find_engine
from meshproof.engine.finding import Finding, MakeFolder, Mend, Purpose, RaiseOpenFiles, WriteSetting
from meshproof.engine.host import read_host
from meshproof.engine.preflight import examine
from meshproof.model.errors import BadInputError

__all__ = ["Attempt", "PreflightError", "mend_host", "prepare_host"]


class PreflightError(BadInputError):
    """This host cannot do what was asked: each problem with its remedy. Nothing was started."""

    code = "PREFLIGHT"

    def __init__(self, purpose: Purpose, problems: Sequence[Finding]) -> None:
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__(
            where="this host",
            problem=f"{count} in the way of the {purpose}",
            remedy="do what each line says, then try again ('meshproof doctor' shows the whole picture)",
            evidence="\n".join(f"- {finding}" for finding in problems),
        )


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A mend that was tried; ``error`` is the system's reason when it could not be done."""

    mend: Mend
    error: str | None = None

    def __str__(self) -> str:
        return str(self.mend) if self.error is None else f"not done ({self.error}): {self.mend}"


def mend_host(findings: Sequence[Finding], *, root: Path = Path("/")) -> list[Attempt]:
    """Do every mend that ``findings`` offer; ``root`` is where their paths begin. Raises nothing of ours."""
    return [_attempt(finding.mendable, root) for finding in findings if finding.mendable is not None]


def prepare_host(purpose: Purpose, cache: Path, *, say: Callable[[str], None] | None = None) -> Engine:
    """Examine this host for ``purpose``, mend what may be mended, and return the engine to use.

    ``say`` gets one line for each mend and each warning that is left. Takes well under a second, but for
    the first trial of a Docker daemon. Raises PreflightError with every problem that is left, and
    BadInputError for an unknown ``MESHPROOF_ENGINE`` or an unwritable cache.
    """
    tell = say or (lambda _line: None)
    facts = read_host(cache)
    findings = examine(facts, purpose=purpose)
    if attempts := mend_host(findings):
        for attempt in attempts:
            tell(f"preflight: {attempt}")
        facts = read_host(cache)
        findings = examine(facts, purpose=purpose)
    for finding in findings:
        if finding.severity == "warning":
            tell(f"preflight: warning: {finding}")
    if problems := [finding for finding in findings if finding.severity == "problem"]:
        raise PreflightError(purpose, problems)
    return find_engine(facts, cache)


def _attempt(mend: Mend, root: Path) -> Attempt:
    try:
        match mend:
            case WriteSetting():
                (root / mend.path.lstrip("/")).write_text(f"{mend.value}\n", encoding="ascii")
            case MakeFolder():
                (root / mend.path.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case RaiseOpenFiles():
                _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:
        return Attempt(mend=mend, error=str(error))
    return Attempt(mend=mend)
