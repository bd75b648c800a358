"""The gate's false alarms, simulated from rounds that a cluster recorded of identical arms.

``recorded_rounds.json`` holds the median of every valid round, in milliseconds, as the proof of the measure
recorded them (TM-OVERHEAD-005): two direct arms and two identical ones through the mesh. A round counts
twice: each of the latter was measured against a direct arm of its own.
"""

import json
import random
from pathlib import Path
from typing import Final

import pytest

from meshproof.judge.intervals import Interval, mean_interval
from meshproof.judge.regression import Gate, compare
from meshproof.model.comparison import Answer, Comparison
from tests.judge.baselines import of_rounds
from tests.judge.test_coverage import slack

EXPERIMENTS: Final = json.loads((Path(__file__).parent / "recorded_rounds.json").read_text())["medians_ms"]
PAIRS: Final = 1000
ROUNDS: Final = 20
NOMINAL: Final = 0.05
SLOWER_MS: Final = 0.5

Round = tuple[float, float, float]  # direct, control and mesh


def rounds_of(experiment: dict[str, list[float]]) -> list[Round]:
    """Its rounds as those of two measurements, that share no arm."""
    direct, control, before, again = (experiment[arm] for arm in ("direct", "control", "before", "again"))
    return [*zip(direct, control, before, strict=True), *zip(control, direct, again, strict=True)]


ALL: Final = [each for experiment in EXPERIMENTS for each in rounds_of(experiment)]


def judged(before: list[Round], after: list[Round], more_ms: float = 0.0) -> Comparison:
    """The gate on two runs with these rounds; the mesh of the later one costs ``more_ms`` more."""
    baseline, run = (
        of_rounds(
            [mesh - direct + more for direct, _, mesh in rounds],
            noise_floor_ms=mean_interval([control - direct for direct, control, _ in rounds], 0.95).farthest,
        )
        for rounds, more in ((before, 0.0), (after, more_ms))
    )
    (found,) = compare(baseline, run, named="x", gate=Gate())
    return found


@pytest.fixture(scope="module")
def pairs() -> list[Comparison]:
    """Pairs of runs whose rounds are all drawn from the same recorded ones: nothing differs but by chance."""
    rng = random.Random(2026)  # noqa: S311 - seeded on purpose
    return [judged(rng.choices(ALL, k=ROUNDS), rng.choices(ALL, k=ROUNDS)) for _ in range(PAIRS)]


def test_there_are_enough_rounds_to_draw_from() -> None:
    assert len(ALL) >= 200


def test_interval_of_the_change_excludes_zero_at_the_nominal_rate(pairs: list[Comparison]) -> None:
    low_high = [each.changes[0].interval_ms for each in pairs]
    excluded = sum(Interval(low=low, high=high).excludes_zero() for low, high in low_high)

    assert excluded / PAIRS == pytest.approx(NOMINAL, abs=slack(NOMINAL, PAIRS))


def test_gate_calls_identical_runs_different_no_more_often_than_that(pairs: list[Comparison]) -> None:
    alarms = sum(each.answer in {Answer.REGRESSED, Answer.IMPROVED} for each in pairs)

    assert alarms / PAIRS <= NOMINAL


def test_half_a_millisecond_is_seen_among_recorded_rounds() -> None:
    rng = random.Random(2027)  # noqa: S311 - seeded on purpose
    said = [
        judged(rng.choices(ALL, k=ROUNDS), rng.choices(ALL, k=ROUNDS), SLOWER_MS).answer
        for _ in range(PAIRS // 4)
    ]

    assert said.count(Answer.REGRESSED) / len(said) >= 0.9
    assert said.count(Answer.IMPROVED) == said.count(Answer.PASSED) == 0
