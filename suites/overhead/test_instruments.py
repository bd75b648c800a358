"""Whether the load generator's figures can be held against a lighter one's: asked only with --instruments."""

from fixtures.catalogue import only_with, requirement, stage
from fixtures.instruments import Checked
from fixtures.verdicts import Facts
from meshproof.model.errors import HarnessError
from meshproof.model.load import FORTIO, FORTIO_BESIDE, LOCUST
from meshproof.model.run import PRIMARY


@requirement("TM-OVERHEAD-010")
@only_with("instruments")
@stage("measure")
def test_every_instrument_has_a_figure_at_every_rate(checked_instruments: Checked, evidence: Facts) -> None:
    """Locust's and fortio's figure, with interval and noise floor, at three rates, pinned and not."""
    medians = {
        (row.profile, row.instrument): row for row in checked_instruments.rows if row.percentile == PRIMARY
    }
    for (condition, instrument), row in medians.items():
        evidence.record(
            {
                "kind": f"{condition} by {instrument}",
                "difference_ms": row.difference_ms,
                "interval_ms": row.interval_ms,
                "noise_floor_ms": row.noise_floor_ms,
                "validity": row.validity,
            }
        )
    evidence.record(checked_instruments.movement.facts())
    wanted = [
        (profile.name, name)
        for profile in checked_instruments.conditions
        for name in (FORTIO, FORTIO_BESIDE, LOCUST)
    ]
    invalid = [f"{condition} by {name}" for condition, name in wanted if (condition, name) not in medians]
    invalid += [
        f"{key[0]} by {key[1]}: {row.validity}" for key, row in medians.items() if row.validity != "valid"
    ]
    if invalid:
        raise HarnessError(
            where="the check of the instruments",
            problem="; ".join(invalid),
            remedy="run on a quieter machine, or with a profile of more rounds",
        )

    assert checked_instruments.movement.total == checked_instruments.sent, "requests went around the mesh"
    for row in medians.values():
        assert row.interval_ms[0] < row.difference_ms < row.interval_ms[1]
        assert row.noise_floor_ms > 0
