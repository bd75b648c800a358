"""From a recording to the table: differences, floor, validity, and what voids a round."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from meshproof.judge.overhead import judge_overhead
from meshproof.measure.recording import recording_from_json, recording_to_json
from meshproof.model.errors import BadInputError
from meshproof.model.load import RecordedCell, Restart
from meshproof.model.run import VALID
from tests.judge.recordings import ARMS, cell, recording

BASE_MS = {"direct": 1.0, "control": 1.0, "mesh": 1.5}


def spread(arm: str, number: int, *, count: int = 200) -> list[float]:
    """Latencies around the arm's base: the round's drift is common to all arms, the noise is not."""
    drift = random.Random(number).uniform(-0.2, 0.2)  # noqa: S311 - seeded on purpose
    noise = random.Random(f"{arm}/{number}").gauss(0, 0.02)  # noqa: S311 - as above
    return [BASE_MS[arm] + drift + noise + 0.001 * (k - count / 2) for k in range(count)]


def quiet(arm: str, number: int) -> RecordedCell:
    return cell(arm, number, spread(arm, number))


def except_for(special: Callable[[str, int], RecordedCell | None]) -> Callable[[str, int], RecordedCell]:
    return lambda arm, number: special(arm, number) or quiet(arm, number)


def test_difference_of_paired_rounds_stands_out_of_a_common_drift() -> None:
    """The drift between rounds is ten times the noise within one, and leaves the difference alone."""
    rows, detail = judge_overhead(recording(quiet, rounds=20))

    p50 = rows[0]
    assert [row.percentile for row in rows] == [50, 90, 99]
    assert p50.interval_ms[0] < 0.5 < p50.interval_ms[1]
    assert p50.interval_ms[1] - p50.interval_ms[0] < 0.05
    assert p50.noise_floor_ms < 0.03
    assert p50.difference_ms == pytest.approx(p50.mesh_ms - p50.direct_ms, abs=2e-4)
    assert len(p50.round_differences_ms) == p50.rounds == 20
    assert p50.validity == VALID
    assert detail.void_rounds == {}


def test_identical_arms_show_no_difference_and_the_notes_say_so() -> None:
    rows, detail = judge_overhead(recording(lambda arm, number: cell(arm, number, spread("direct", number))))

    assert [row.difference_ms for row in rows] == [0, 0, 0]
    assert [row.p_value for row in rows] == [1, 1, 1]
    assert any("p50: no difference shown" in note for note in detail.notes)


def test_secondary_percentiles_are_adjusted_and_the_primary_is_not() -> None:
    rows, _ = judge_overhead(recording(quiet))

    assert [row.confidence for row in rows] == pytest.approx([0.95, 0.975, 0.95], abs=1e-9) or [
        row.confidence for row in rows
    ] == pytest.approx([0.95, 0.95, 0.975], abs=1e-9)
    assert all(row.p_value is not None and row.p_value < 0.05 for row in rows)


def test_rare_percentile_only_where_every_round_has_ten_thousand_requests() -> None:
    many, _ = judge_overhead(
        recording(lambda arm, number: cell(arm, number, spread(arm, number) * 50), rounds=2)
    )
    few, _ = judge_overhead(recording(quiet, rounds=2))

    assert [row.percentile for row in many] == [50, 90, 99, 99.9]
    assert [row.percentile for row in few] == [50, 90, 99]


@pytest.mark.parametrize(
    ("special", "evidence"),
    [
        pytest.param(
            lambda arm, n: cell(arm, n, spread(arm, n), cpu_share=0.9) if (arm, n) == ("direct", 3) else None,
            "90% of a core in the direct arm",
            id="generator out of CPU",
        ),
        pytest.param(
            lambda arm, n: cell(arm, n, spread(arm, n), lag_ms=25) if (arm, n) == ("control", 3) else None,
            "lagged by 25.0 ms",
            id="generator late in the control arm",
        ),
        pytest.param(
            lambda arm, n: cell(arm, n, [], errors={"HTTP 502": 9}) if (arm, n) == ("direct", 3) else None,
            "no answer in the direct arm",
            id="server down without the mesh",
        ),
    ],
)
def test_round_is_void_on_evidence_outside_the_mesh(
    special: Callable[[str, int], RecordedCell | None], evidence: str
) -> None:
    rows, detail = judge_overhead(recording(except_for(special)))

    assert list(detail.void_rounds) == ["3"]
    assert evidence in detail.void_rounds["3"]
    assert rows[0].rounds == 11
    assert rows[0].validity == VALID


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        pytest.param({"cpu_share": 0.95}, "more than 80% of a core in 12 rounds", id="CPU"),
        pytest.param({"lag_ms": 300.0}, "", id="lag"),
        pytest.param({"errors": {"HTTP 503": 50}}, "600 requests failed", id="errors"),
        pytest.param({"unsent": 90}, "1080 requests could not be sent", id="missed rate"),
        pytest.param({"beyond": 2}, "24 answers took more than 60 s", id="stalls"),
    ],
)
def test_nothing_in_the_mesh_arm_voids_a_round(change: dict[str, Any], remark: str) -> None:
    def changed(arm: str, n: int) -> RecordedCell | None:
        return cell(arm, n, spread(arm, n), **change) if arm == "mesh" else None

    rows, detail = judge_overhead(recording(except_for(changed)))

    assert detail.void_rounds == {}
    assert rows[0].rounds == 12
    assert rows[0].validity == VALID
    assert any(remark in note for note in detail.notes)


def test_errors_in_the_mesh_arm_are_counted_by_kind() -> None:
    def failing(arm: str, n: int) -> RecordedCell | None:
        return cell(arm, n, spread(arm, n), errors={"HTTP 503": 5, "timeout": 1}) if arm == "mesh" else None

    _, detail = judge_overhead(recording(except_for(failing)))

    mesh = detail.arms[-1]
    assert (mesh.arm, mesh.errors) == ("mesh", 72)
    assert mesh.error_kinds == {"HTTP 503": 60, "timeout": 12}
    assert "mesh: 72 requests failed; latencies are of the answered ones only" in detail.notes


def test_rounds_that_the_mesh_did_not_answer_make_the_figure_not_valid() -> None:
    """They have no latency, so they cannot be in the mean; the result must not look like one without them."""

    def silent(arm: str, n: int) -> RecordedCell | None:
        return cell(arm, n, [], errors={"HTTP 503": 200}) if arm == "mesh" and n < 2 else None

    rows, detail = judge_overhead(recording(except_for(silent)))

    assert detail.void_rounds == {}
    assert rows[0].rounds == 10
    assert "answered nothing in 2 of 12 valid rounds" in rows[0].validity


def test_a_mesh_that_never_answers_gives_no_figure_but_a_reason() -> None:
    def dead(arm: str, n: int) -> RecordedCell | None:
        return cell(arm, n, [], errors={"HTTP 503": 200}) if arm == "mesh" else None

    rows, detail = judge_overhead(recording(except_for(dead)))

    assert rows == []
    assert "no figure: 0 rounds can be judged" in detail.notes[0]
    assert "answered nothing in 12 of 12" in detail.notes[0]


def test_too_few_valid_rounds_are_said_instead_of_valid() -> None:
    rows, _ = judge_overhead(recording(quiet, rounds=5))

    assert rows[0].validity == "5 of 5 rounds are valid, 10 are needed"


@pytest.mark.parametrize(
    ("at_s", "void"),
    [
        pytest.param(8.0, ["1"], id="in the second round"),
        pytest.param(None, [str(n) for n in range(12)], id="at an unknown time"),
        pytest.param(0.5, [], id="in the warm-up"),
        pytest.param(999.0, [], id="after the end"),
    ],
)
def test_restart_outside_the_mesh_voids_the_rounds_it_can_have_touched(
    at_s: float | None, void: list[str]
) -> None:
    restart = Restart(pod="overhead-1/echo", at_s=at_s, reason="OOMKilled, exit code 137")

    _, detail = judge_overhead(recording(quiet, restarts=[restart]))

    assert list(detail.void_rounds) == void
    assert any("before the first round" in note for note in detail.notes) == (at_s == 0.5)


def test_one_wild_round_is_pointed_out_where_the_two_intervals_disagree() -> None:
    def wild(arm: str, n: int) -> RecordedCell | None:
        return cell(arm, n, [80.0] * 200) if (arm, n) == ("mesh", 4) else None

    rows, detail = judge_overhead(recording(except_for(wild)))

    assert rows[0].interval_ms[0] < 0
    assert rows[0].hodges_lehmann_ms
    assert rows[0].hodges_lehmann_ms[1] > 0
    assert any(note.startswith("p50: the t interval and the signed-rank interval") for note in detail.notes)


def test_curves_stop_where_samples_run_out_and_carry_the_generators_figures() -> None:
    _, detail = judge_overhead(recording(quiet))

    mesh = detail.arms[2]
    assert mesh.requests == 2400
    assert mesh.percentiles[-1][0] == 99.5
    assert [q for q, _ in mesh.response_percentiles] == [q for q, _ in mesh.percentiles]
    assert dict(mesh.response_percentiles)[50.0] == pytest.approx(
        dict(mesh.percentiles)[50.0] + 0.7, abs=0.01
    )
    assert detail.generator["lag_p50_ms"] == pytest.approx(0.7, abs=0.001)
    assert detail.generator["dns_mesh_slowest_ms"] == 2.0


def test_an_arm_that_is_missing_is_refused() -> None:
    arms = {"direct": "http://a", "mesh": "http://b"}

    with pytest.raises(BadInputError, match="control"):
        judge_overhead(recording(quiet, arms=arms))


def test_a_saved_recording_is_judged_the_same() -> None:
    made = recording(quiet)

    again = recording_from_json(recording_to_json(made))

    assert judge_overhead(again) == judge_overhead(made)
    assert again.arms == ARMS
