"""What the mesh costs: the experiment of the profile, judged."""

from fixtures.catalogue import requirement, stage
from fixtures.overhead import Measured
from fixtures.verdicts import Facts


@requirement("TM-OVERHEAD-001")
@stage("measure")
def test_mesh_answers_under_load(measured: Measured, evidence: Facts) -> None:
    """No request of the mesh's arm failed, far below what one proxy carries, and all went through it."""
    arms = {each.arm: each for each in measured.detail.arms}
    evidence.record({name: {"requests": arm.requests, "errors": arm.errors} for name, arm in arms.items()})

    evidence.record(measured.movement.facts())
    assert arms["mesh"].requests > 0
    assert arms["mesh"].errors == 0
    assert measured.movement.total >= arms["mesh"].requests, "the mesh's arm went around the mesh"


@requirement("TM-OVERHEAD-002")
@stage("measure")
def test_cost_comes_with_its_uncertainty(measured: Measured, evidence: Facts) -> None:
    """Each percentile has a difference inside its interval, from enough rounds that nothing voided."""
    evidence.record(
        {"void_rounds": measured.detail.void_rounds, "validity": [r.validity for r in measured.rows]}
    )

    assert {50.0, 90.0, 99.0} <= {row.percentile for row in measured.rows}
    for row in measured.rows:
        assert row.validity == "valid"
        assert row.interval_ms[0] < row.difference_ms < row.interval_ms[1]
        assert row.noise_floor_ms > 0
