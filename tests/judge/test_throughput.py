"""From a closed model's recording to how much either way carries."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from meshproof.judge.overhead import judge_overhead
from meshproof.model.load import Arrivals, RecordedCell, Recording
from meshproof.model.run import OverheadDetail
from meshproof.model.throughput import Throughput
from tests.judge.recordings import cell, recording

ANSWERS = {"direct": 180, "control": 180, "mesh": 90}  # in 1.8 measured seconds


def carried(arm: str, number: int, **changed: Any) -> RecordedCell:
    """Every third round a few more, in all arms alike."""
    return cell(arm, number, [1.0] * (ANSWERS[arm] + 9 * (number % 3)), lag_ms=0.001, **changed)


def closed(make: Callable[[str, int], RecordedCell] = carried, **changed: Any) -> Recording:
    made = recording(make, **changed)
    profile = msgspec.structs.replace(made.profile, arrivals=Arrivals.CLOSED, arrival_rate_per_s=0.0)
    return msgspec.structs.replace(made, profile=profile)


def detail_of(made: Recording) -> OverheadDetail:
    return judge_overhead(made)[1]


def throughput_of(made: Recording) -> Throughput:
    found = detail_of(made).throughput
    assert found
    return found


def test_an_open_model_has_no_throughput_of_its_own() -> None:
    assert detail_of(recording(carried)).throughput is None


def test_the_difference_is_of_paired_rounds() -> None:
    """What all arms gain and lose together is not in its interval."""
    found = throughput_of(closed())

    assert (found.direct_per_s, found.control_per_s, found.mesh_per_s) == (105, 105, 55)
    assert found.difference_per_s == -50
    assert found.interval_per_s == pytest.approx((-50, -50))
    assert (found.noise_floor_per_s, found.rounds, found.users) == (0, 12, 4)
    assert found.validity == "valid"
    assert not found.limited_by_generator


def test_a_generator_at_its_limit_voids_no_round_and_is_told() -> None:
    busy = closed(lambda arm, n: carried(arm, n, cpu_share=0.3 if arm == "mesh" else 0.97))

    rows, detail = judge_overhead(busy)

    assert detail.void_rounds == {}
    assert detail.throughput
    assert detail.throughput.limited_by_generator == ["direct", "control"]
    assert detail.throughput.validity == "valid"
    assert "closed model: the direct arm holds the generator's own limit" in rows[0].validity


def test_a_generator_that_was_busy_once_set_no_limit() -> None:
    found = throughput_of(closed(lambda arm, n: carried(arm, n, cpu_share=0.97 if n == 3 else 0.3)))

    assert found.limited_by_generator == []


def test_a_mesh_that_answers_nothing_carries_nothing() -> None:
    found = throughput_of(
        closed(lambda arm, n: cell(arm, n, [], errors={"HTTP 502": 9}) if arm == "mesh" else carried(arm, n))
    )

    assert found.mesh_per_s == 0
    assert found.rounds == 12


def test_a_round_without_direct_answers_is_void_and_too_few_are_said_so() -> None:
    made = closed(lambda arm, n: cell(arm, n, []) if (arm, n) == ("direct", 0) else carried(arm, n), rounds=9)

    assert detail_of(made).void_rounds.keys() == {"0"}
    assert throughput_of(made).validity == "8 of 9 rounds are valid, 10 are needed"
    assert detail_of(closed(rounds=1)).throughput is None


def test_there_is_no_rate_to_miss_and_no_lag_to_tell() -> None:
    detail = detail_of(closed())

    assert not [key for key in detail.generator if key.startswith(("lag", "wanted"))]
    assert any("response time is service time" in note for note in detail.notes)


@pytest.mark.parametrize("make", [closed, recording])
def test_each_arm_tells_what_it_answered(make: Callable[..., Recording]) -> None:
    arms = detail_of(make(carried)).arms

    assert [(arm.arm, arm.answered_per_s) for arm in arms] == [
        ("direct", 105),
        ("control", 105),
        ("mesh", 55),
    ]
