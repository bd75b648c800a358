"""What has come of one mutant so far, while its killers and bystanders run."""

from dataclasses import dataclass, field

from meshproof.model.mutant import MutantResult, MutantState, mutant_state
from meshproof.mutate.mutant import Mutant

__all__ = ["Trial"]


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
