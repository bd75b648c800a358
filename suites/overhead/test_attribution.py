"""Where the cost of the mesh comes from: asked only with ``--attribution``."""

import msgspec

from fixtures.catalogue import only_with, requirement, stage
from fixtures.verdicts import Facts
from meshproof.model.attribution import Attribution
from meshproof.model.errors import HarnessError
from meshproof.model.run import VALID


@requirement("TM-OVERHEAD-021")
@only_with("attribution")
@stage("measure")
def test_what_a_part_adds_comes_with_its_uncertainty(attributed: Attribution, evidence: Facts) -> None:
    """The hop and every part of it have a figure inside an interval that rests on several deployments."""
    for part in attributed.parts:
        evidence.record(msgspec.to_builtins(part))
    invalid = [f"{part.part}: {part.validity}" for part in attributed.parts if part.validity != VALID]
    if invalid or not attributed.parts:
        raise HarnessError(
            where=f"profile {attributed.profile}",
            problem="; ".join(invalid) or "nothing was measured",
            remedy="run on a quieter machine, or give it a larger --budget",
        )

    for part in attributed.parts:
        assert part.interval_ms is not None, part
        assert part.added_ms is not None, part
        assert part.interval_ms[0] < part.added_ms < part.interval_ms[1]
        assert (part.noise_floor_ms or 0) > 0
