"""What the mutants of a run say of its checks: in one sentence, and as the page shows it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from meshproof.model.mutant import MutantKind, MutantResult, MutantState
from meshproof.model.run import Run
from meshproof.model.verdict import VerdictState
from meshproof.report.headline import StateWords, counts, many
from meshproof.report.visible import visible

__all__ = [
    "MUTANT_WORDS",
    "MutantView",
    "MutantsView",
    "ProofView",
    "Said",
    "mutant_counts",
    "mutant_tiles",
    "mutants_sentence",
    "mutants_view",
    "only_mutants_judged",
]

MUTANT_WORDS: Final[dict[MutantState, StateWords]] = {  # gravest first
    MutantState.SURVIVED: StateWords(
        sign="✕", label="survived", meaning="a check that is meant to notice it passed: a hole in the suite"
    ),
    MutantState.NOT_JUDGED: StateWords(
        sign="?",
        label="not judged",
        meaning="it could not be applied or taken back, or none of its killers could run",
    ),
    MutantState.KILLED: StateWords(
        sign="✓", label="killed", meaning="all checks that are meant to notice it, and could run, did"
    ),
    MutantState.EQUIVALENT: StateWords(
        sign="=", label="equivalent", meaning="it changes nothing that a user could see"
    ),
}
_GRAVEST_FIRST: Final = tuple(MUTANT_WORDS)
_SAID_LENGTH: Final = 1_000  # characters of what one check said; a mutant may have forty killers


@dataclass(frozen=True, kw_only=True)
class Said:
    """The words of one check; ``left_out`` counts the characters cut."""

    requirement: str
    text: str
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class MutantView:
    """A mutant under one profile, with the place on the page that a link can name.

    ``label`` names the profile where the mutant ran under several. ``explained`` has the requirements of
    each reason.
    """

    result: MutantResult
    anchor: str
    label: str
    words: StateWords
    said: list[Said]
    bystanders_failed: list[Said]
    explained: list[tuple[str, list[str]]]

    @property
    def told_first(self) -> bool:
        """Whether a person has to look at it."""
        found = {MutantState.SURVIVED, MutantState.NOT_JUDGED}
        return self.result.state in found or bool(self.bystanders_failed)


@dataclass(frozen=True, kw_only=True)
class ProofView:
    """A requirement, and what became of the mutants that it is to notice."""

    requirement: str
    noticed: list[MutantView]
    missed: list[MutantView]
    same: list[MutantView]  # equivalent: there was nothing to notice
    not_judged: list[MutantView]

    @property
    def named(self) -> bool:
        """Whether a mutant of the run names it."""
        return bool(self.noticed or self.missed or self.same or self.not_judged)


@dataclass(frozen=True, kw_only=True)
class MutantsView:
    """The section of the page. ``unproven`` have mutants in this run, ``unnamed`` have none."""

    mutants: int
    sentence: str
    survived: list[MutantView]
    disturbed: list[MutantView]  # killed or equivalent, but a bystander failed
    not_judged: list[MutantView]
    kinds: list[tuple[MutantKind, list[MutantView]]]
    proven: list[ProofView]
    unproven: list[ProofView]
    unnamed: list[str]
    requirements: int
    statements: Mapping[str, str]  # of the requirements that the run has verdicts on
    places: Mapping[str, str]  # requirement -> where on the page its verdict is


def only_mutants_judged(run: Run) -> bool:
    """Whether the run has mutants and says nothing of the mesh itself."""
    silent = {VerdictState.SKIPPED, VerdictState.NOT_SUPPORTED}
    return bool(run.mutants) and not any(
        number for state, number in counts(run).items() if state not in silent
    )


def mutant_counts(results: Iterable[MutantResult]) -> dict[MutantState, int]:
    """How many mutants, by name, are in each state: that of its gravest profile."""
    gravest: dict[str, MutantState] = {}
    for each in results:
        known = gravest.get(each.name, each.state)
        gravest[each.name] = min(known, each.state, key=_GRAVEST_FIRST.index)
    states = list(gravest.values())
    return {state: states.count(state) for state in MUTANT_WORDS}


def mutant_tiles(results: Iterable[MutantResult]) -> list[tuple[MutantState, StateWords, int]]:
    """The counts with their words, gravest first."""
    return [(state, MUTANT_WORDS[state], number) for state, number in mutant_counts(results).items()]


def mutants_sentence(results: Sequence[MutantResult]) -> str:
    """``64 mutants: 60 killed, 2 survived, 1 equivalent, 1 not judged; 3 bystanders failed``."""
    count = mutant_counts(results)
    always = (MutantState.KILLED, MutantState.SURVIVED)
    at_times = (MutantState.EQUIVALENT, MutantState.NOT_JUDGED)
    shown = [*always, *(state for state in at_times if count[state])]
    parts = ", ".join(f"{count[state]} {MUTANT_WORDS[state].label}" for state in shown)
    failed = len({(each.name, bystander) for each in results for bystander in each.bystanders_failed})
    return f"{many(sum(count.values()), 'mutant')}: {parts}" + (
        f"; {many(failed, 'bystander')} failed" if failed else ""
    )


def mutants_view(run: Run, places: Mapping[str, str]) -> MutantsView | None:
    """What the page shows of the mutants, None where there are none. ``places``: requirement -> anchor."""
    if not run.mutants:
        return None
    views = _views(run.mutants)
    proofs = _proofs(run, views)
    with_state = {state: [v for v in views if v.result.state is state] for state in MutantState}
    calm = [*with_state[MutantState.KILLED], *with_state[MutantState.EQUIVALENT]]
    return MutantsView(
        mutants=sum(mutant_counts(run.mutants).values()),
        sentence=mutants_sentence(run.mutants),
        survived=with_state[MutantState.SURVIVED],
        disturbed=[view for view in calm if view.told_first],
        not_judged=with_state[MutantState.NOT_JUDGED],
        kinds=_by_kind(views),
        proven=[proof for proof in proofs if proof.noticed],
        unproven=[proof for proof in proofs if proof.named and not proof.noticed],
        unnamed=[proof.requirement for proof in proofs if not proof.named],
        requirements=len(proofs),
        statements={verdict.requirement: verdict.statement for verdict in run.verdicts},
        places=places,
    )


def _views(results: Sequence[MutantResult]) -> list[MutantView]:
    names = [each.name for each in results]
    return [
        MutantView(
            result=each,
            anchor=f"mutant-{place}",
            label=f"{each.name} ({each.profile})" if names.count(each.name) > 1 else each.name,
            words=MUTANT_WORDS[each.state],
            said=_said(each.said),
            bystanders_failed=_said(each.bystanders_failed),
            explained=_by_reason(each.explained),
        )
        for place, each in enumerate(results)
    ]


def _said(words: Mapping[str, str]) -> list[Said]:
    shown = ((requirement, visible(text).strip()) for requirement, text in words.items())
    return [
        Said(requirement=each, text=text[:_SAID_LENGTH], left_out=max(0, len(text) - _SAID_LENGTH))
        for each, text in shown
    ]


def _by_reason(explained: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    by_reason: dict[str, list[str]] = {}
    for requirement, reason in explained.items():
        by_reason.setdefault(reason, []).append(requirement)
    return list(by_reason.items())


def _by_kind(views: Sequence[MutantView]) -> list[tuple[MutantKind, list[MutantView]]]:
    """By kind, then by name: the profiles of a mutant stand below one another."""
    groups = {kind: [view for view in views if view.result.kind is kind] for kind in MutantKind}
    return [(kind, sorted(group, key=lambda v: v.result.name)) for kind, group in groups.items() if group]


def _proofs(run: Run, views: Sequence[MutantView]) -> list[ProofView]:
    """Of every requirement that the run has a verdict on or a mutant names, in the order of the run."""
    judged = [verdict.requirement for verdict in run.verdicts]
    named = [each for view in views for each in view.result.killers]
    return [_proof(each, views) for each in dict.fromkeys([*judged, *named])]


def _proof(requirement: str, views: Sequence[MutantView]) -> ProofView:
    of_it = [view for view in views if requirement in view.result.killers]
    noticed = [view for view in of_it if requirement in view.result.killed_by]
    passed = [view for view in of_it if requirement in view.result.survived]
    return ProofView(
        requirement=requirement,
        noticed=noticed,
        missed=[view for view in passed if view.result.state is not MutantState.EQUIVALENT],
        same=[view for view in passed if view.result.state is MutantState.EQUIVALENT],
        not_judged=[view for view in of_it if view not in noticed and view not in passed],
    )
