"""What has come of one mutant so far, while its killers and bystanders run."""

from dataclasses import dataclass, field

from meshproof.engine.progress import span
from meshproof.model.mutant import MutantResult, MutantState, mutant_state
from meshproof.mutate.mutant import Mutant

__all__ = ["Trial", "told"]


@dataclass(kw_only=True)
class Trial:
    """What has come of one mutant so far; ``broken`` are the requirements that were seen not to hold."""

    mutant: Mutant
    killers: list[str]
    killed: dict[str, str] = field(default_factory=dict)
    survived: list[str] = field(default_factory=list)
    not_judged: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    explained: dict[str, str] = field(default_factory=dict)
    note: str = ""

    def result(self, profile: str, seconds: float) -> MutantResult:
        """As it is reported."""
        mutant = self.mutant
        return MutantResult(
            name=mutant.name,
            kind=mutant.change.kind,
            profile=profile,
            breaks=mutant.breaks,
            state=self._state(),
            killers=self.killers,
            killed_by=list(self.killed),
            survived=self.survived,
            not_judged=self.not_judged,
            bystanders=self.ran,
            bystanders_failed=self.failed,
            explained=self.explained,
            equivalent=mutant.equivalent,
            said=self.killed,
            seconds=round(seconds, 1),
            note=self.note,
        )

    def _state(self) -> MutantState:
        if self.note:
            return MutantState.NOT_JUDGED
        return mutant_state(killed_by=self.killed, survived=self.survived, equivalent=self.mutant.equivalent)


def told(result: MutantResult, number: str, left_s: float) -> str:
    """What came of a mutant, in a line; ``number`` is which one it was."""
    who = f" by {', '.join(result.killed_by)}" if result.killed_by else ""
    parts = [f"mutant {number}: {result.name} {result.state.value}{who} in {result.seconds:.0f} s"]
    if result.survived:
        parts.append(f"not noticed by {', '.join(result.survived)}")
    if result.not_judged:
        parts.append(f"not judged: {', '.join(result.not_judged)}")
    if result.bystanders_failed:
        parts.append(f"bystanders that failed: {', '.join(result.bystanders_failed)}")
    if result.note:
        parts.append(result.note)
    return "; ".join([*parts, f"about {span(left_s)} left"])
