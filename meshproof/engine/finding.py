"""What a rule of the preflight says about this host, and what may be mended without asking."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

__all__ = ["Finding", "MakeFolder", "Mend", "Purpose", "RaiseOpenFiles", "Severity", "WriteSetting"]

Severity: TypeAlias = Literal["ok", "warning", "problem"]


class Purpose(StrEnum):
    """What the host is wanted for: building the bundle, or running the suites."""

    BUILD = "build"
    RUN = "run"


@dataclass(frozen=True, kw_only=True)
class WriteSetting:
    """Raise a kernel setting (a file under /proc/sys) until the next boot."""

    path: str
    value: int

    def __str__(self) -> str:
        return f"set {self.path} to {self.value}"


@dataclass(frozen=True, kw_only=True)
class MakeFolder:
    """Make an empty folder."""

    path: str

    def __str__(self) -> str:
        return f"made {self.path}"


@dataclass(frozen=True, kw_only=True)
class RaiseOpenFiles:
    """Raise this process's soft limit of open files (its children inherit it)."""

    to: int

    def __str__(self) -> str:
        return f"raised the limit of open files to {self.to} for this run"


Mend: TypeAlias = WriteSetting | MakeFolder | RaiseOpenFiles


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fact judged: what it is, why it matters, the exact remedy, and the mend that is allowed."""

    code: str
    severity: Severity
    what: str
    why: str
    remedy: str = ""
    mendable: Mend | None = None

    def __str__(self) -> str:
        parts = [f"{self.code}: {self.what}", self.why, self.remedy]
        return "; ".join(part for part in parts if part)
