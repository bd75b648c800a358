"""What a lighter instrument says of the same arms, and what explains the difference to Locust."""

import random

import msgspec
import pytest

from meshproof.judge.light import explain, judge_light
from meshproof.judge.overhead import judge_overhead
from meshproof.model.errors import BadInputError
from meshproof.model.load import FORTIO, FORTIO_BESIDE, RecordedCell, Recording
from tests.judge.recordings import ARMS, cell, histogram, recording

ADDED = {"direct": 0.0, "control": 0.0, "mesh": 0.5}


def sampled(*, base_ms: float = 0.4, added_ms: float = 0.5, seed: int = 1, rounds: int = 12) -> Recording:
    """About 30 requests a round, without any lag: fortio has no schedule of ours."""
    draw = random.Random(seed)  # noqa: S311 - test data

    def make(arm: str, number: int) -> RecordedCell:
        centre = base_ms + (added_ms if arm == "mesh" else 0.0) + 0.01 * (number % 3)
        values = [centre + draw.uniform(-0.05, 0.05) for _ in range(30)]
        return msgspec.structs.replace(cell(arm, number, values, cpu_share=0.01), lag=histogram([]))

    return recording(make, rounds=rounds)


def loaded(*, base_ms: float = 1.0, added_ms: float = 0.9, busy_in: int | None = None) -> Recording:
    """Locust's: slower, and the mesh seems to cost more."""
    draw = random.Random(2)  # noqa: S311 - test data

    def make(arm: str, number: int) -> RecordedCell:
        centre = base_ms + (added_ms if arm == "mesh" else 0.0)
        values = [centre + draw.uniform(-0.05, 0.05) for _ in range(200)]
        busy = number == busy_in and arm == "direct"
        return cell(arm, number, values, cpu_share=0.95 if busy else 0.3)

    return recording(make)


def whole(**changed: Recording) -> Recording:
    parts = {"alone": sampled(), "beside": sampled(base_ms=0.6, added_ms=0.6, seed=3)} | changed
    return msgspec.structs.replace(loaded(), **parts)


def test_each_sampling_has_rows_of_its_own() -> None:
    (alone, behind), (beside, _) = judge_light(whole())

    assert [(row.instrument, row.percentile) for row in alone] == [(FORTIO, 50.0), (FORTIO, 90.0)]
    assert [(row.instrument, row.percentile) for row in beside] == [
        (FORTIO_BESIDE, 50.0),
        (FORTIO_BESIDE, 90.0),
    ]
    assert alone[0].difference_ms == pytest.approx(0.5, abs=0.03)
    assert alone[0].interval_ms[0] < alone[0].difference_ms < alone[0].interval_ms[1]
    assert alone[0].validity == "valid"
    assert behind.instrument == FORTIO
    assert any("with no other load" in note for note in behind.notes)


def test_locusts_own_figure_does_not_change_by_what_samples_beside_it() -> None:
    rows, detail = judge_overhead(whole())
    bare, bare_detail = judge_overhead(loaded())

    assert rows == bare
    assert detail.load["fortio_beside_per_s"] == 100
    assert "fortio_beside_per_s" not in bare_detail.load


def test_what_was_sent_by_no_schedule_has_no_response_time() -> None:
    (_, behind), _ = judge_light(whole())

    assert all(arm.percentiles and not arm.response_percentiles for arm in behind.arms)


def test_a_round_that_is_void_for_locust_is_void_beside_it_and_not_alone() -> None:
    busy = msgspec.structs.replace(
        loaded(busy_in=4), alone=sampled(), beside=sampled(base_ms=0.6, added_ms=0.6)
    )

    (_, alone), (rows, beside) = judge_light(busy)

    assert alone.void_rounds == {}
    assert list(beside.void_rounds) == ["4"]
    assert "the generator used 95%" in beside.void_rounds["4"]
    assert rows[0].rounds == 11


def test_sampling_that_missed_an_arm_in_a_round_loses_that_round() -> None:
    def make(arm: str, number: int) -> RecordedCell:
        values = [] if (arm, number) == ("direct", 3) else [0.4 + ADDED[arm]] * 30
        return cell(arm, number, values)

    (_, detail), _ = judge_light(whole(alone=recording(make)))

    assert "no answer in the direct arm" in detail.void_rounds["3"]


def test_too_few_rounds_are_not_called_valid() -> None:
    (rows, _), _ = judge_light(whole(alone=sampled(rounds=5)))

    assert rows[0].validity == "5 of 5 rounds are valid, 10 are needed"


def test_one_round_gives_no_figure_and_says_so() -> None:
    (rows, detail), _ = judge_light(whole(alone=sampled(rounds=1)))

    assert rows == []
    assert detail.notes[0].startswith("no figure: 1 rounds can be judged")


def test_mesh_that_answered_nothing_is_the_result() -> None:
    def make(arm: str, number: int) -> RecordedCell:
        if arm == "mesh" and number == 0:
            return cell(arm, number, [], errors={"HTTP 503": 30})
        return cell(arm, number, [0.4 + ADDED[arm] + number / 1000] * 30)

    (rows, detail), _ = judge_light(whole(alone=recording(make)))

    assert "the mesh answered nothing in 1 of 12 valid rounds" in rows[0].validity
    assert any("mesh: 30 requests failed" in note for note in detail.notes)


def test_few_requests_of_a_round_are_told() -> None:
    def make(arm: str, number: int) -> RecordedCell:
        return cell(arm, number, [0.4 + ADDED[arm] + number / 1000] * 7)

    (_, detail), _ = judge_light(whole(alone=recording(make)))

    assert "a round has as few as 7 answers of an arm: its median is a guess" in detail.notes


def test_both_parts_of_the_difference_are_told_apart() -> None:
    """Locust 0.9, beside it 0.6, alone 0.5: Locust adds 0.3, its load 0.1."""
    told = explain(whole())

    assert told is not None
    assert told.instrument_ms == pytest.approx(0.3, abs=0.03)
    assert told.load_ms == pytest.approx(0.1, abs=0.03)
    assert told.instrument.low < 0.3 < told.instrument.high
    _, (_, beside) = judge_light(whole())
    assert beside.generator["locust_minus_fortio_beside_ms"] == round(told.instrument_ms, 4)
    assert any(note.startswith("what Locust adds to what it measures") for note in beside.beside_others)


@pytest.mark.parametrize("missing", ["alone", "beside"])
def test_without_one_of_them_nothing_is_explained(missing: str) -> None:
    part = msgspec.structs.replace(whole(), **{missing: None})

    assert explain(part) is None
    assert len(judge_light(part)) == 1


def test_recording_without_a_sampling_has_none() -> None:
    assert judge_light(loaded()) == []


def test_sampling_that_lacks_an_arm_is_refused() -> None:
    lacking = msgspec.structs.replace(sampled(), arms={"direct": "http://a", "mesh": "http://b"})

    with pytest.raises(BadInputError, match="control"):
        judge_light(whole(alone=lacking))


def test_every_instruments_requests_are_counted() -> None:
    found = whole()

    assert found.by_instrument("mesh") == {
        "locust": (12 * 200 + 10, 0),
        FORTIO: (12 * 30 + 10, 0),
        FORTIO_BESIDE: (12 * 30 + 10, 0),
    }
    assert found.carried("mesh") == 12 * 230 + 20  # while load was on
    assert loaded().by_instrument("mesh") == {"locust": (12 * 200 + 10, 0)}
    assert set(ARMS) == {"direct", "control", "mesh"}
