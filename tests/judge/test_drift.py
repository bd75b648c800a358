"""Slopes over a soak's rounds: found where there is one, and not where there is none."""

import random
from collections.abc import Callable

import msgspec
import pytest

from meshproof.judge.drift import judge_drift, slope
from meshproof.judge.histograms import Latencies
from meshproof.judge.overhead import judge_overhead
from meshproof.model.drift import Drift, Unit
from meshproof.model.load import Recording
from meshproof.model.usage import Component, ContainerSample, Moment, Usage, UsageSample
from tests.judge.recordings import cell, recording

ROUNDS = 60
ROUND_S = 6.0  # three arms of 2 s
HOURS = ROUNDS * ROUND_S / 3600
MIB = 1024 * 1024


def soak(extra_ms: Callable[[int], float], *, seed: int = 1) -> Recording:
    """The mesh adds ``extra_ms`` of the round; both arms rise and fall with the machine."""
    draw = random.Random(seed)  # noqa: S311 - test data
    machine = [1.0 + 0.4 * n / ROUNDS + abs(draw.gauss(0, 0.1)) for n in range(ROUNDS)]

    def median_ms(arm: str, number: int) -> float:
        added = 0.8 + extra_ms(number) if arm == "mesh" else 0.0
        return machine[number] + added + draw.gauss(0, 0.05)

    made = recording(lambda arm, n: cell(arm, n, [max(0.1, median_ms(arm, n))]), rounds=ROUNDS)
    return msgspec.structs.replace(made, profile=msgspec.structs.replace(made.profile, drift=True))


def drifts_of(made: Recording) -> dict[str, Drift]:
    found = judge_drift(made, Latencies(made), list(range(made.profile.rounds)))
    return {each.of: each for each in found}


def with_memory(made: Recording, mib: Callable[[float], float], *, samples: int = 60) -> Recording:
    """A proxy's working set at ``samples`` moments, by the hours since the first."""
    seen = []
    for number in range(samples):
        hours = number * HOURS / samples
        container = ContainerSample(
            namespace="mesh",
            pod="proxy-1",
            container="proxy",
            instance="a",
            at_unix=1000 + hours * 3600,
            cpu_s=1.0,
            working_set_bytes=round(mib(hours) * MIB),
        )
        seen.append(UsageSample(component=Component.PROXY, moment=Moment.DURING, seen=container))
    return msgspec.structs.replace(made, usage=Usage(samples=seen))


def test_a_profile_that_does_not_ask_is_not_judged() -> None:
    assert judge_overhead(recording(lambda arm, n: cell(arm, n, [1.0] * 100)))[1].drifts == []


def test_a_difference_that_grows_drifts() -> None:
    found = drifts_of(soak(lambda n: 0.3 * n / ROUNDS))["mesh minus direct at p50"]

    assert found.shown
    assert found.unit is Unit.MILLISECONDS
    assert found.per_hour == pytest.approx(0.3 / HOURS, rel=0.3)
    assert found.interval_per_hour[0] < found.per_hour < found.interval_per_hour[1]
    assert (found.points, found.over_s) == (ROUNDS, (ROUNDS - 1) * ROUND_S)


def test_a_difference_that_shrinks_drifts() -> None:
    found = drifts_of(soak(lambda n: -0.3 * n / ROUNDS))["mesh minus direct at p50"]

    assert found.shown
    assert found.interval_per_hour[1] < 0


def test_what_both_arms_do_is_the_machines_drift_and_not_the_meshs() -> None:
    found = drifts_of(soak(lambda _: 0.0))

    assert found["direct at p50"].shown
    assert not found["mesh minus direct at p50"].shown


def test_rounds_that_stand_out_make_no_drift() -> None:
    """Two of sixty, both at the end, off by two milliseconds: a line of least squares would follow them."""
    assert not drifts_of(soak(lambda n: 2.0 * (n > ROUNDS - 3)))["mesh minus direct at p50"].shown


def test_a_steady_difference_is_rarely_said_to_drift() -> None:
    said = 0
    for seed in range(200):
        draw = random.Random(seed)  # noqa: S311 - test data
        found = slope("x", Unit.MILLISECONDS, [(30.0 * n, draw.gauss(0.8, 0.26)) for n in range(ROUNDS)])
        said += bool(found and found.shown)

    assert said <= 18  # 10 are to be expected at 95 %


def test_memory_that_grows_all_the_time_drifts() -> None:
    made = with_memory(soak(lambda _: 0.0), lambda hours: 40 + 120 * hours)

    found = drifts_of(made)["working set of proxy proxy-1"]

    assert found.shown
    assert found.unit is Unit.MEBIBYTES
    assert found.per_hour == pytest.approx(120, rel=0.05)


def test_memory_that_only_grows_to_its_working_size_does_not() -> None:
    said, steady = 0, soak(lambda _: 0.0)
    latencies, rounds = Latencies(steady), list(range(ROUNDS))
    draw = random.Random(1)  # noqa: S311 - test data
    for _ in range(20):
        made = with_memory(steady, lambda hours: 40 + min(8.0, 330 * hours) + draw.gauss(0, 0.3))
        said += judge_drift(made, latencies, rounds)[-1].shown

    assert said <= 4


def test_memory_that_is_collected_now_and_then_is_rarely_said_to_drift() -> None:
    """Each sample is near the one before it: they are no independent points."""
    said, steady = 0, soak(lambda _: 0.0)
    latencies, rounds = Latencies(steady), list(range(ROUNDS))
    for seed in range(40):
        draw = random.Random(seed)  # noqa: S311 - test data
        level, series = 50.0, []
        for number in range(120):
            level = 50 + 0.6 * (level - 50) + draw.gauss(0, 1)
            series.append((number * 15.0, level))
        values = dict(series)
        made = with_memory(
            steady,
            lambda hours, values=values: values[round(hours / HOURS * 120) * 15.0],  # type: ignore[misc]
            samples=120,
        )
        said += judge_drift(made, latencies, rounds)[-1].shown

    assert said <= 8


def test_too_few_points_have_no_slope() -> None:
    assert slope("x", Unit.MILLISECONDS, [(float(n), 1.0) for n in range(7)]) is None
    assert "working set of proxy proxy-1" not in drifts_of(
        with_memory(soak(lambda _: 0.0), lambda _: 40.0, samples=5)
    )
