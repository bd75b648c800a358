"""Whether one setting of the mesh costs more than another, both deployed in turn: only with ``--live``."""

import msgspec

from fixtures.catalogue import only_with, requirement, stage
from fixtures.verdicts import Facts
from meshproof.model.comparison import Answer, Comparison
from meshproof.model.errors import HarnessError


@requirement("TM-OVERHEAD-020")
@only_with("live")
@stage("measure")
def test_second_setting_does_not_cost_more_than_the_first(
    between_settings: Comparison, evidence: Facts
) -> None:
    """At the median, over several deployments of each, the second does not cost more than the first."""
    found = msgspec.structs.replace(between_settings, deployments=None)  # these stand in the report once
    evidence.record({"kind": "comparison of settings", **msgspec.to_builtins(found)})
    if found.answer is Answer.INCONCLUSIVE:
        raise HarnessError(
            where=f"profile {found.profile}",
            problem=found.sentence,
            remedy="see 'Two settings in turn' in docs/guide/overhead.md",
        )

    assert found.answer is not Answer.REGRESSED, found.sentence
