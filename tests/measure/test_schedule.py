"""The schedule: every arm once a round in a seeded random order; slots that do not wait for answers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.schedule import Schedule, build_schedule, slot_offset, slots

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
