"""Whether the mesh costs what it did: asked only where a baseline is given."""

import msgspec

from fixtures.catalogue import only_with, requirement, stage
from fixtures.overhead import Measured
from fixtures.verdicts import Facts
from meshproof.model.comparison import Answer, Comparison, worst_answer
from meshproof.model.errors import HarnessError


@requirement("TM-OVERHEAD-003")
@only_with("baseline")
@stage("measure")
def test_mesh_does_not_cost_more_than_in_the_baseline(
    measured: Measured, compared: list[Comparison], evidence: Facts
) -> None:
    """At the median the mesh does not cost more than in the baseline, by more than the threshold."""
    for each in compared:
        evidence.record({"kind": f"comparison by {each.instrument}", **msgspec.to_builtins(each)})
    answer = worst_answer(compared)
    said = "; ".join(each.sentence for each in compared if each.answer is answer)
    if answer is Answer.INCONCLUSIVE:
        raise HarnessError(
            where=f"profile {measured.recording.profile.name}",
            problem=said or "there is no baseline",
            remedy="see 'The gate' in docs/guide/overhead.md",
        )

    assert answer is not Answer.REGRESSED, said
