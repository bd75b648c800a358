"""Mutants of the harness: a failure of an install that is not told from others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from meshproof.mesh import diagnosis
from meshproof.mesh.diagnosis import Diagnosis
from meshproof.mesh.facts import InstallFacts
from meshproof.model.mutant import MutantKind
from meshproof.mutate.mutant import Ground, Mutant

__all__ = ["MUTANTS", "Undiagnosed"]

Rule = Callable[[InstallFacts], Diagnosis | None]


@dataclass(frozen=True, kw_only=True)
class Undiagnosed:
    """No rule makes the diagnosis of this code: what is left is a more general one."""

    code: str
    kind: MutantKind = MutantKind.INSTALL

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """The diagnosis is unknown inside the block, to every adapter of a mesh."""
        del ground
        rules = diagnosis.RULES
        setattr(diagnosis, "RULES", tuple(_without(self.code, rule) for rule in rules))  # noqa: B010 - it is Final
        try:
            yield
        finally:
            setattr(diagnosis, "RULES", rules)  # noqa: B010 - as above


def _without(code: str, rule: Rule) -> Rule:
    def asked(facts: InstallFacts) -> Diagnosis | None:
        found = rule(facts)
        return None if found is not None and found.code == code else found

    return asked


MUTANTS: Final = (
    Mutant(
        name="pending-release-not-diagnosed",
        breaks="An install after one that was killed is told to have failed, and not why.",
        change=Undiagnosed(code="release-pending"),
    ),
    Mutant(
        name="missing-dns-not-diagnosed",
        breaks="An install without a DNS that the mesh knows is told to have failed, and not why.",
        change=Undiagnosed(code="dns-missing"),
    ),
    Mutant(
        name="kubedns-not-diagnosed",
        breaks="An install beside a kube-dns without the value for it is waited for to its time limit.",
        change=Undiagnosed(code="kubedns-needed"),
    ),
)
