"""What can be wrong with a bundle, each with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meshproof.model.errors import BadInputError, HarnessError

__all__ = ["BUILD_COMMAND", "BundleDamagedError", "BundleMissingError", "Damage", "DiskFullError"]

BUILD_COMMAND: Final = "meshproof bundle build"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One blob that is not what the manifest says.

    ``actual`` and ``expected`` are digests, or words where there is nothing to hash.
    """

    blob: str
    what: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.blob} ({self.what}): got {self.actual}, expected {self.expected}"


class BundleMissingError(BadInputError):
    """No bundle was built for the lock as it stands."""

    code = "BUNDLE-MISSING"

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(
            where=str(root),
            problem="there is no bundle for this lock",
            remedy=f"make it with '{BUILD_COMMAND}' (up to 20 minutes), or with 'make conformance'",
        )


class BundleDamagedError(BadInputError):
    """A blob of the bundle differs from the manifest: nothing of it is used."""

    code = "BUNDLE-DAMAGED"

    def __init__(self, root: Path, damages: Sequence[Damage]) -> None:
        self.damages = tuple(damages)
        first = self.damages[0]
        others = f" (and {len(self.damages) - 1} more)" if len(self.damages) > 1 else ""
        super().__init__(
            where=str(root / first.blob),
            problem=f"{first.what}: got {first.actual}, expected {first.expected}{others}",
            remedy=f"rebuild what is damaged with '{BUILD_COMMAND} --repair'",
            evidence="\n".join(str(damage) for damage in self.damages),
        )


class DiskFullError(HarnessError):
    """The disk ran full, or would."""

    code = "DISK-FULL"

    def __init__(self, where: Path, *, free: int, problem: str, evidence: str = "") -> None:
        super().__init__(
            where=str(where),
            problem=f"{problem}; {free / 1e9:.1f} GB are free",
            remedy=(
                "free space there, or set MESHPROOF_CACHE to a folder with 22 GB free, and try again:"
                " finished steps are kept"
            ),
            evidence=evidence,
        )
