"""What the mesh costs: the experiment of the profile, judged."""

import msgspec

from fixtures.catalogue import requirement, stage
from fixtures.overhead import Measured
from fixtures.verdicts import Facts
from meshproof.model.errors import HarnessError
from meshproof.model.load import FORTIO, FORTIO_BESIDE, LOCUST


@requirement("TM-OVERHEAD-001")
@stage("measure")
def test_mesh_answers_under_load(measurements: list[Measured], evidence: Facts) -> None:
    """No request of the mesh's arm failed, void rounds included, and all went through the mesh.

    Every instrument's requests count, those of its warm-up too.
    """
    for measured in measurements:
        asked = measured.recording.by_instrument("mesh")
        sent, errors = (sum(each) for each in zip(*asked.values(), strict=True))
        evidence.record({"sent": sent, "errors": errors, "by_instrument": asked})
        evidence.record(measured.movement.facts())
        direct_errors = sum(
            failed
            for arm in ("direct", "control")
            for _, failed in measured.recording.by_instrument(arm).values()
        )
        if direct_errors:
            raise HarnessError(
                where="the direct arms",
                problem=f"{direct_errors} requests without the mesh failed as well",
                remedy="look at the server's pod: nothing can be said of the mesh",
            )

        assert sent > 0
        assert errors == 0
        assert measured.movement.total == sent, "requests of the mesh's arm went around the mesh"


@requirement("TM-OVERHEAD-002")
@stage("measure")
def test_cost_comes_with_its_uncertainty(measurements: list[Measured], evidence: Facts) -> None:
    """Each percentile has a difference inside its interval, from enough rounds that nothing voided.

    By each instrument: fortio alone, fortio beside Locust, and Locust.
    At full load it is the difference of what either way carries: latency there is the load's, not the mesh's.
    Of a ramp it is the rates between which each arm ceases to carry them.
    """
    for measured in measurements:
        _judge(measured, evidence)


def _judge(measured: Measured, evidence: Facts) -> None:
    throughput, saturation = measured.detail.throughput, measured.detail.saturation
    if whole := throughput or saturation:
        evidence.record({"measured": msgspec.to_builtins(whole)})
    judged = [whole] if whole else measured.all_rows
    invalid = sorted({each.validity for each in judged if each.validity != "valid"})
    if not whole:
        said = {detail.instrument: detail.notes[0] for detail in measured.details}
        seen = {row.instrument for row in measured.all_rows}
        missing = [name for name in (FORTIO, FORTIO_BESIDE, LOCUST) if name not in seen]
        invalid += [f"{name}: {said.get(name, 'it was not asked')}" for name in missing]
    void = {detail.instrument: detail.void_rounds for detail in measured.details}
    evidence.record({"void_rounds": void, "validity": invalid or "valid"})
    if invalid:
        raise HarnessError(
            where=f"profile {measured.recording.profile.name}",
            problem="; ".join(invalid),
            remedy="run on a quieter machine, or with a profile of more rounds",
        )

    if saturation:
        for arm in ("direct", "control", "mesh"):
            knee = saturation.knee(arm)
            assert knee.carried_per_s or knee.past_per_s, f"nothing is known of how far the {arm} arm carries"
        return
    if throughput:
        assert throughput.interval_per_s[0] < throughput.difference_per_s < throughput.interval_per_s[1]
        assert throughput.noise_floor_per_s > 0
        return
    assert {50.0, 90.0, 99.0} <= {row.percentile for row in measured.rows}
    for row in measured.all_rows:
        assert row.interval_ms[0] < row.difference_ms < row.interval_ms[1]
        assert row.noise_floor_ms > 0
