"""The schedule: every arm once a round in a seeded random order; slots that do not wait for answers."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from loadtests.schedule import Schedule, build_schedule, intended_starts, slot_offset, slots

ARMS = ("direct", "control", "mesh")


def schedule(*, rounds: int = 20, seed: int = 1) -> Schedule:
    return build_schedule(ARMS, rounds=rounds, phase_s=2.0, settle_s=0.2, warmup_s=5.0, seed=seed)


@given(st.integers(1, 50), st.integers(0, 2**63 - 1))
def test_every_arm_comes_once_in_every_round(rounds: int, seed: int) -> None:
    phases = schedule(rounds=rounds, seed=seed).phases

    assert len(phases) == 3 * rounds
    for number in range(rounds):
        assert sorted(p.arm for p in phases if p.round == number) == sorted(ARMS)
    assert all(a.ends_s == b.starts_s for a, b in pairwise(phases))


def test_order_is_random_but_the_same_for_the_same_seed() -> None:
    orders = {tuple(p.arm for p in schedule().phases if p.round == number) for number in range(20)}

    assert len(orders) > 3
    assert schedule() == schedule()
    assert schedule() != schedule(seed=2)


def test_phase_at_a_time() -> None:
    plan = schedule(rounds=1)

    assert plan.at(4.999) is None
    assert plan.at(5.0) is plan.phases[0]
    assert plan.at(7.0) is plan.phases[1]
    assert plan.at(plan.duration_s) is None
    assert plan.duration_s == 11.0


def test_start_of_each_phase_is_settle_time() -> None:
    plan = schedule(rounds=1)
    second = plan.phases[1]

    assert plan.settling(second, second.starts_s)
    assert plan.settling(second, second.starts_s + 0.19)
    assert not plan.settling(second, second.starts_s + 0.21)


def test_ramp_goes_through_all_rates_with_every_arm_and_then_again() -> None:
    plan = build_schedule(
        ARMS, rounds=2, phase_s=1.0, settle_s=0.2, warmup_s=5.0, seed=1, rates_per_s=[100, 200, 300]
    )

    assert [p.rate_per_s for p in plan.of_arm("mesh")] == [100, 200, 300, 100, 200, 300]
    assert [p.round for p in plan.of_arm("mesh")] == list(range(6))
    for number in range(6):
        of_round = [p for p in plan.phases if p.round == number]
        assert sorted(p.arm for p in of_round) == sorted(ARMS)
        assert {p.rate_per_s for p in of_round} == {(number % 3 + 1) * 100}


def test_rates_change_nothing_about_the_order_of_the_arms() -> None:
    """A profile of one rate is measured as it was before there were ramps."""
    one = build_schedule(ARMS, rounds=20, phase_s=2.0, settle_s=0.2, warmup_s=5.0, seed=1, rates_per_s=[300])

    assert [(p.arm, p.starts_s) for p in one.phases] == [(p.arm, p.starts_s) for p in schedule().phases]


def test_phases_of_one_arm() -> None:
    assert [phase.round for phase in schedule(rounds=3).of_arm("mesh")] == [0, 1, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"arms": ()}, id="no arm"),
        pytest.param({"arms": ("mesh", "mesh")}, id="an arm twice"),
        pytest.param({"rounds": 0}, id="no round"),
        pytest.param({"settle_s": 2.0}, id="nothing but settle time"),
        pytest.param({"warmup_s": -1.0}, id="negative warm-up"),
    ],
)
def test_impossible_schedule_is_refused(wrong: dict[str, object]) -> None:
    arguments = {"arms": ARMS, "rounds": 1, "phase_s": 2.0, "settle_s": 0.2, "warmup_s": 5.0, "seed": 1}

    with pytest.raises(ValueError, match=r"impossible|each once"):
        build_schedule(**(arguments | wrong))  # type: ignore[arg-type]  # wrong on purpose


@given(
    st.floats(0, 1000),
    st.floats(0.1, 10),
    st.floats(0.01, 1),
    st.floats(0, 1, exclude_max=True),
)
def test_slots_lie_in_their_phase_at_the_rate_that_was_asked_for(
    starts: float, length: float, interval: float, offset: float
) -> None:
    found = list(slots(starts_s=starts, ends_s=starts + length, interval_s=interval, offset=offset))

    assert abs(len(found) - length / interval) <= 1
    assert all(starts <= slot < starts + length for slot in found)
    assert all(b > a for a, b in pairwise(found))


def test_slots_need_an_interval() -> None:
    with pytest.raises(ValueError, match="positive"):
        next(slots(starts_s=0, ends_s=1, interval_s=0, offset=0))


def test_offset_is_drawn_for_each_user_and_round() -> None:
    """It does not depend on the arm, so the arms of a round see the same pattern of arrivals."""
    drawn = {slot_offset(seed=1, user=user, round_number=r) for user in range(10) for r in range(10)}

    assert len(drawn) == 100
    assert all(0 <= value < 1 for value in drawn)
    assert slot_offset(seed=1, user=0, round_number=0) == slot_offset(seed=1, user=0, round_number=0)


def starts(arrivals: str = "poisson", **changed: Any) -> list[float]:
    fields: dict[str, Any] = {
        "seed": 1,
        "user": 0,
        "round_number": 0,
        "starts_s": 5.0,
        "ends_s": 7.0,
        "interval_s": 0.1,
    }
    return list(intended_starts(arrivals, **(fields | changed)))


def test_fixed_arrivals_are_the_slots_from_the_users_offset() -> None:
    offset = slot_offset(seed=1, user=0, round_number=0)

    assert starts("fixed") == list(slots(starts_s=5, ends_s=7, interval_s=0.1, offset=offset))


def test_gaps_are_the_same_for_every_arm_of_a_round() -> None:
    """An arm's phase begins when it begins; what differs between arms is only that."""
    first, second = starts(), starts(starts_s=9.0, ends_s=11.0)

    assert [t - 5 for t in first] == pytest.approx([t - 9 for t in second], abs=1e-9)


@pytest.mark.parametrize("other", [{"seed": 2}, {"user": 1}, {"round_number": 1}])
def test_gaps_are_drawn_anew(other: dict[str, Any]) -> None:
    assert starts(**other) != starts()
    assert starts() == starts()


@given(st.integers(0, 2**63 - 1), st.integers(0, 1999), st.integers(-1, 199))
def test_poisson_arrivals_rise_inside_their_phase(seed: int, user: int, round_number: int) -> None:
    found = starts(seed=seed, user=user, round_number=round_number)

    assert found == sorted(found)
    assert all(5.0 <= t < 7.0 for t in found)


def test_users_together_are_a_poisson_process_of_the_whole_rate() -> None:
    """Twenty users with a request every 0.1 s on average are 200 a second, with exponential gaps."""
    found = sorted(t for user in range(20) for t in starts(user=user, ends_s=105.0))
    gaps = [later - earlier for earlier, later in pairwise(found)]

    assert len(found) == pytest.approx(20_000, abs=4 * 20_000**0.5)
    assert stats.kstest(gaps, "expon", args=(0, 1 / 200)).pvalue > 0.001


def test_model_without_a_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="no open model"):
        starts("closed")
