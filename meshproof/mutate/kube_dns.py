"""Mutants of what the mesh gives a kube-dns, and of what it takes back: its stub domains."""

from typing import Final

from meshproof.mutate.mutant import Mutant
from meshproof.mutate.recharted import Recharted, after_cleanup, after_prepare

__all__ = ["MUTANTS"]

_UNKNOWN: Final = {"TM-DNS-021": "it asks for an unknown mesh name, too"}

MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="stub-domain-missing",
        breaks="Nobody tells kube-dns who knows the mesh's domains.",
        change=Recharted(edits=(after_prepare("stub-domain-missing"),)),
        disturbs=_UNKNOWN,
    ),
    Mutant(
        name="stub-domain-wrong-address",
        breaks="A kube-dns is told to ask nobody's address for the mesh's domains.",
        change=Recharted(edits=(after_prepare("stub-domain-wrong-address"),)),
        disturbs=_UNKNOWN,
    ),
    Mutant(
        name="stub-domain-too-wide",
        breaks="A kube-dns is told to ask the mesh's CoreDNS for the cluster's own names, too.",
        change=Recharted(edits=(after_prepare("stub-domain-too-wide"),)),
    ),
    Mutant(
        name="users-stub-domain-dropped",
        breaks="An install takes the user's own stub domains away from kube-dns.",
        change=Recharted(edits=(after_prepare("users-stub-domain-dropped"),)),
    ),
    Mutant(
        name="users-stub-domain-taken-along",
        breaks="An uninstall takes the user's own stub domains away from kube-dns with the mesh's.",
        change=Recharted(edits=(after_cleanup("users-stub-domain-taken-along"),)),
    ),
)
