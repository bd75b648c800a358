"""From a ramp over paths of known capacity to the knee of each."""

from functools import cache
from typing import Any

import msgspec
import pytest

from meshproof.judge.overhead import judge_overhead
from meshproof.model.load import Recording, Restart
from meshproof.model.run import OverheadDetail
from meshproof.model.saturation import Limit, Saturation, StepFigure, StepState
from tests.judge.ramps import RATES, USERS, Path, ramp
from tests.judge.recordings import cell, recording

QUICK = Path(capacity_per_s=5000)
SLOW = Path(capacity_per_s=340)


@cache
def plain() -> Recording:
    return of()


def of(mesh: Path = SLOW, direct: Path = QUICK, **changed: Any) -> Recording:
    return ramp({"direct": direct, "control": direct, "mesh": mesh}, **changed)


def detail_of(made: Recording) -> OverheadDetail:
    rows, detail = judge_overhead(made)
    assert rows == []
    return detail


def saturation_of(made: Recording) -> Saturation:
    found = detail_of(made).saturation
    assert found
    return found


def step(found: Saturation, arm: str, rate: float) -> StepFigure:
    return next(each for each in found.steps if (each.arm, each.rate_per_s) == (arm, rate))


def test_a_load_of_one_rate_has_no_knee() -> None:
    detail = judge_overhead(recording(lambda arm, n: cell(arm, n, [1.0] * 100)))[1]

    assert detail.saturation is None


@pytest.mark.parametrize(
    ("capacity", "carried", "past"),
    [
        pytest.param(140, 100, 200, id="slow"),
        pytest.param(250, 200, 300, id="quicker"),
        pytest.param(340, 300, 400, id="limited"),
        pytest.param(500, 400, 600, id="quick"),
    ],
)
def test_the_knee_lies_between_the_steps_around_the_capacity(
    capacity: float, carried: float, past: float
) -> None:
    knee = saturation_of(of(Path(capacity_per_s=capacity))).knee("mesh")

    assert (knee.carried_per_s, knee.past_per_s, knee.limit) == (carried, past, Limit.PATH)


def test_a_step_at_the_capacity_itself_is_not_called_either() -> None:
    """Whatever is said of it, the knee's bracket holds the capacity."""
    for seed in range(2):
        knee = saturation_of(of(Path(capacity_per_s=400), seed=seed)).knee("mesh")

        assert knee.carried_per_s
        assert knee.past_per_s
        assert knee.carried_per_s <= 400 <= knee.past_per_s


def test_what_carries_every_rate_has_its_knee_above() -> None:
    knee = saturation_of(plain()).knee("direct")

    assert (knee.carried_per_s, knee.past_per_s, knee.limit) == (600, None, Limit.NOT_REACHED)


def test_what_carries_no_rate_has_its_knee_below() -> None:
    knee = saturation_of(of(Path(capacity_per_s=50))).knee("mesh")

    assert (knee.carried_per_s, knee.past_per_s, knee.limit) == (None, 100, Limit.PATH)


@pytest.mark.parametrize(
    "spent",
    [pytest.param({"cpu_share": 0.93}, id="CPU"), pytest.param({"late_ms": 14.0}, id="lag")],
)
def test_a_generator_at_its_limit_makes_the_knee_a_lower_bound(spent: dict[str, Any]) -> None:
    found = saturation_of(of(mesh=Path(capacity_per_s=340, **spent)))

    assert found.knee("mesh").limit is Limit.GENERATOR
    assert found.knee("mesh").carried_per_s == 300
    assert found.validity == "valid"


def test_a_generator_that_waits_for_answers_is_not_at_its_limit() -> None:
    """Its requests are late because their users wait, its own clock is not."""
    made = plain()
    past = step(saturation_of(made), "mesh", 600)

    assert past.parted_ms
    assert past.parted_ms[0] > 100
    assert past.generator_late_ms < 1
    assert saturation_of(made).knee("mesh").limit is Limit.PATH


def test_service_and_response_time_part_at_the_knee() -> None:
    found = saturation_of(plain())
    below, beyond = step(found, "mesh", 300), step(found, "mesh", 600)

    assert dict(below.response_percentiles)[50] - dict(below.service_percentiles)[50] < 2
    assert dict(beyond.service_percentiles)[50] == pytest.approx(1000 * USERS / 340, rel=0.1)
    assert dict(beyond.response_percentiles)[50] > 3 * dict(beyond.service_percentiles)[50]


def test_past_the_knee_as_much_is_answered_as_at_it() -> None:
    """What is asked for beyond that is unsent; throughput does not fall for it in the figures."""
    found = saturation_of(plain())

    for rate in (400.0, 600.0):
        figure = step(found, "mesh", rate)
        assert figure.offered_per_s == pytest.approx(rate, rel=0.02)
        assert figure.answered_per_s == pytest.approx(340 + USERS / 2, abs=USERS)
        assert figure.unsent > 0


def test_requests_that_wait_are_past_the_knee_though_all_are_answered() -> None:
    """A path that stands still for most of a phase and then catches up."""
    figure = step(saturation_of(of(mesh=Path(capacity_per_s=5000, opens_s=0.8))), "mesh", 300)

    assert figure.answered_share
    assert figure.answered_share[1] > 0.99
    assert figure.parted_ms
    assert figure.parted_ms[1] > 10
    assert figure.state is StepState.PAST


def test_one_bad_round_moves_no_knee() -> None:
    found = saturation_of(of(hiccups=[("mesh", 200.0, 2), ("direct", 300.0, 0)]))

    assert step(found, "mesh", 200).state is StepState.UNDECIDED
    assert (found.knee("mesh").carried_per_s, found.knee("mesh").past_per_s) == (300, 400)
    assert found.knee("direct").carried_per_s == 600


def test_bad_rounds_throughout_a_step_are_not_explained_away() -> None:
    """The knee is put below it, and that more was carried above it is told."""
    detail = detail_of(of(hiccups=[("mesh", 200.0, n) for n in range(6)]))

    assert detail.saturation
    assert detail.saturation.knee("mesh").carried_per_s == 100
    assert detail.saturation.knee("mesh").past_per_s == 200
    assert any("300 requests/s were carried, although 200 were not" in note for note in detail.notes)


def test_errors_are_not_answers() -> None:
    found = saturation_of(of(mesh=Path(capacity_per_s=5000, fails=lambda number: number % 20 == 0)))

    assert found.knee("mesh").past_per_s == 100
    assert step(found, "mesh", 600).errors > 100
    assert step(found, "mesh", 600).answered_share == pytest.approx((0.95, 0.95, 0.95), abs=0.01)


def test_few_rounds_decide_nothing_and_say_so() -> None:
    found = saturation_of(of(rounds=4))

    assert {each.state for each in found.steps} == {StepState.UNDECIDED}
    assert found.validity == "4 rounds of a step are valid, 6 are needed for an interval"
    assert found.knee("mesh").carried_per_s is None


def test_a_restart_voids_its_round_and_nothing_else_does() -> None:
    """Nothing that the load itself may bring about: errors, lag and CPU are what a ramp is there to find."""
    at_s = 1 + 3 * (2 * len(RATES)) + 0.5  # in the first step of the third time through
    made = of(
        direct=Path(capacity_per_s=300, cpu_share=0.95, late_ms=30.0),
        rounds=7,
        restarts=[Restart(pod="overhead-1", at_s=at_s, reason="OOMKilled")],
    )

    detail = detail_of(made)

    assert list(detail.void_rounds) == [str(2 * len(RATES))]
    assert detail.saturation
    assert (detail.saturation.rounds, detail.saturation.validity) == (6, "valid")


def test_one_path_of_two_knees_is_told() -> None:
    paths = {"direct": QUICK, "control": Path(capacity_per_s=250), "mesh": SLOW}

    found = saturation_of(ramp(paths))

    assert any("direct and control are one path" in note for note in found.notes)
    assert not any("one path" in note for note in saturation_of(plain()).notes)


def test_what_stands_behind_a_ramp_is_told_step_by_step() -> None:
    """No figure is pooled over rates, and the load is told in plain values."""
    detail = detail_of(plain())

    assert all(arm.percentiles == [] for arm in detail.arms)
    assert detail.load["rates_per_s"] == "100, 200, 300, 400, 600"
    assert "lag_p50_ms" not in detail.generator
    assert "wanted_rate_per_s" not in detail.generator
    assert len(detail.saturation.steps if detail.saturation else []) == 3 * len(RATES)


def test_a_recording_without_the_workers_own_clocks_is_judged_by_their_cpu() -> None:
    made = of(mesh=Path(capacity_per_s=340, cpu_share=0.9))
    earlier = [msgspec.structs.replace(each, late="") for each in made.cells]

    found = saturation_of(msgspec.structs.replace(made, cells=earlier))

    assert found.knee("mesh").limit is Limit.GENERATOR
    assert step(found, "mesh", 600).generator_late_ms == 0
