"""The gate's four answers, each with its sentence."""

import math
from typing import Any

import msgspec
import pytest

from meshproof.judge.regression import Gate, compare
from meshproof.model.baseline import Baseline
from meshproof.model.comparison import Answer, Comparison, answer_exit_code, worst_answer
from meshproof.model.errors import BadInputError
from tests.judge.baselines import LOAD, a_baseline, a_figure, a_measurement, around, of_rounds

BEFORE = of_rounds(around(0.9))


def judged(before: Baseline, after: Baseline, **gate: Any) -> Comparison:
    """The only comparison of two baselines."""
    (found,) = compare(before, after, named="main.json", gate=Gate(**gate))
    return found


@pytest.mark.parametrize(
    ("after", "answer", "said"),
    [
        pytest.param(
            around(0.93),
            Answer.PASSED,
            "the mesh costs what it did at the median, within 0.2 ms "
            "(+0.90 ms in the baseline, +0.93 ms now; change +0.03 ms, 95% interval -0.01 to +0.07 ms; "
            "threshold 0.2 ms, noise floor 0.10 ms)",
            id="the same",
        ),
        pytest.param(
            around(1.05), Answer.PASSED, "change +0.15 ms, 95% interval +0.11", id="a change, and a small one"
        ),
        pytest.param(
            around(1.4), Answer.REGRESSED, "the mesh costs 0.50 ms more at the median (+0.90", id="slower"
        ),
        pytest.param(
            around(0.4), Answer.IMPROVED, "the mesh costs 0.50 ms less at the median (+0.90", id="quicker"
        ),
        pytest.param(
            around(1.9, reach_ms=0.9),
            Answer.REGRESSED,
            "1.00 ms more",
            id="slower, however wide the interval",
        ),
        pytest.param(
            around(1.0, reach_ms=0.9),
            Answer.INCONCLUSIVE,
            "the interval of the change is 0.53 ms wide, too wide for the threshold of 0.2 ms: some 128",
            id="too wide to pass",
        ),
        pytest.param(
            around(1.3, reach_ms=2.5),
            Answer.INCONCLUSIVE,
            "change +0.40 ms, 95% interval -0.3",
            id="beyond the threshold, and perhaps nothing",
        ),
        pytest.param(
            around(1.0, reach_ms=3.0),
            Answer.INCONCLUSIVE,
            "measure on a quieter machine, or set a wider threshold",
            id="too wide for any number of rounds",
        ),
    ],
)
def test_answer_follows_from_the_interval_and_the_threshold(
    after: list[float], answer: Answer, said: str
) -> None:
    found = judged(BEFORE, of_rounds(after))

    assert found.answer is answer
    assert said in found.sentence


@pytest.mark.parametrize("noisy", ["before", "after"])
def test_change_within_the_noise_floor_of_either_run_is_neither_a_regression_nor_a_pass(noisy: str) -> None:
    floors = {"before": 0.1, "after": 0.1, noisy: 0.6}

    found = judged(
        of_rounds(around(0.9), noise_floor_ms=floors["before"]),
        of_rounds(around(1.4), noise_floor_ms=floors["after"]),
    )

    assert found.answer is Answer.INCONCLUSIVE
    assert "within the noise floor" in found.sentence
    assert found.noise_floors_ms == (floors["before"], floors["after"])


def test_threshold_is_the_users() -> None:
    assert judged(BEFORE, of_rounds(around(1.4)), threshold_ms=0.6).answer is Answer.PASSED
    assert judged(BEFORE, of_rounds(around(1.05)), threshold_ms=0.1).answer is Answer.REGRESSED


@pytest.mark.parametrize("threshold", [0.0, -0.2, math.nan, math.inf])
def test_threshold_that_is_no_positive_number_is_refused(threshold: float) -> None:
    with pytest.raises(
        BadInputError, match=r"--threshold-ms: got .*, expected a number of milliseconds above 0"
    ):
        Gate(threshold_ms=threshold)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param("cpu", "Intel Xeon", "cpu was AMD EPYC 7763, is Intel Xeon", id="CPU"),
        pytest.param("cpus", 8, "cpus was 4, is 8", id="CPUs"),
        pytest.param("kernel", "6.12", "kernel was 6.8, is 6.12", id="kernel"),
        pytest.param("engine", "docker", "engine was podman, is docker", id="engine"),
        pytest.param("kubernetes", "v1.33.0", "kubernetes was v1.32.1, is v1.33.0", id="Kubernetes"),
        pytest.param("mesh", "traefik-mesh v2", "mesh was traefik-mesh v1.4.8, is", id="mesh"),
        pytest.param("proxy", "", "proxy was Traefik v2.11.24, is not recorded", id="not recorded"),
    ],
)
def test_other_environment_is_named_and_judged_only_when_allowed(field: str, value: Any, said: str) -> None:
    after = a_baseline(a_measurement(a_figure(around(1.4))), **{field: value})

    refused, allowed = judged(BEFORE, after), judged(BEFORE, after, allow_other_environment=True)

    assert (refused.answer, list(refused.differs)) == (Answer.INCONCLUSIVE, [field])
    assert said in refused.sentence
    assert "--allow-other-environment" in refused.sentence
    assert allowed.answer is Answer.REGRESSED
    assert allowed.sentence.startswith("the mesh costs 0.50 ms more")
    assert said in allowed.sentence


def test_environment_that_neither_recorded_is_not_taken_for_the_same() -> None:
    unknown = a_baseline(a_measurement(a_figure(around(0.9))), cpu="", cpus=0)

    found = judged(unknown, unknown)

    assert found.answer is Answer.INCONCLUSIVE
    assert found.differs == {"cpu": ("not recorded",) * 2, "cpus": ("not recorded",) * 2}


@pytest.mark.parametrize(
    ("load", "said"),
    [
        pytest.param(
            LOAD | {"arrival_rate_per_s": 600.0}, "load/arrival_rate_per_s was 300.0, is 600.0", id="rate"
        ),
        pytest.param(LOAD | {"keep_alive": True}, "load/keep_alive was False, is True", id="flag"),
        pytest.param(LOAD | {"think_s": 1}, "load/think_s was not recorded, is 1", id="a field more"),
    ],
)
def test_load_profile_of_the_same_name_that_says_something_else_is_another_environment(
    load: dict[str, Any], said: str
) -> None:
    found = judged(BEFORE, a_baseline(a_measurement(a_figure(around(0.9)), load=load)))

    assert found.answer is Answer.INCONCLUSIVE
    assert said in found.sentence


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param(
            {"figures": [a_figure(around(1.9, rounds=9))]}, "has 9 valid rounds, 10 are needed", id="few"
        ),
        pytest.param(
            {"validity": "the mesh answered nothing"}, "not valid: the mesh answered", id="not valid"
        ),
    ],
)
@pytest.mark.parametrize("side", ["baseline", "run"])
def test_figures_that_are_not_valid_say_nothing_on_either_side(
    changed: dict[str, Any], said: str, side: str
) -> None:
    unfit = a_baseline(a_measurement(a_figure(around(0.9)), **changed))
    pair = {"baseline": BEFORE, "run": of_rounds(around(1.9)), side: unfit}

    found = judged(pair["baseline"], pair["run"])

    assert found.answer is Answer.INCONCLUSIVE
    assert found.sentence.startswith(f"the {side}")
    assert said in found.sentence


def test_higher_percentiles_are_shown_adjusted_and_do_not_gate() -> None:
    """p90 and p99 moved by a second; the median did not."""
    before = a_baseline(a_measurement(*(a_figure(around(0.9), q) for q in (50, 90, 99))))
    after = a_baseline(
        a_measurement(*(a_figure(around(0.9 if q == 50 else 1.9), q) for q in (50, 90, 99, 99.9)))
    )

    found = judged(before, after)

    assert found.answer is Answer.PASSED
    assert [each.percentile for each in found.changes] == [50, 90, 99]
    assert [each.change_ms for each in found.changes] == pytest.approx([0, 1, 1])
    assert sorted(each.confidence for each in found.changes[1:]) == pytest.approx([0.95, 0.975])
    assert found.changes[0].confidence == pytest.approx(0.95)
    assert found.changes[0].direct_ms == (1.0, 1.0)


def test_every_instrument_of_the_profile_is_judged_by_itself() -> None:
    before = a_baseline(
        a_measurement(a_figure(around(0.9))),
        a_measurement(a_figure(around(0.5)), instrument="fortio"),
        a_measurement(a_figure(around(0.5)), profile="heavy"),
    )
    after = a_baseline(
        a_measurement(a_figure(around(0.9))), a_measurement(a_figure(around(1.2)), instrument="fortio")
    )

    found = compare(before, after, named="main.json", gate=Gate())

    assert [(each.instrument, each.answer) for each in found] == [
        ("locust", Answer.PASSED),
        ("fortio", Answer.REGRESSED),
    ]
    assert worst_answer(found) is Answer.REGRESSED


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(a_baseline(), id="nothing measured"),
        pytest.param(a_baseline(a_measurement(a_figure(around(0.9)), profile="smoke")), id="another profile"),
        pytest.param(
            a_baseline(a_measurement(a_figure(around(0.9)), instrument="fortio")), id="another instrument"
        ),
    ],
)
def test_measurement_without_a_counterpart_is_inconclusive(run: Baseline) -> None:
    found = judged(BEFORE, run)

    assert found.answer is Answer.INCONCLUSIVE
    assert found.sentence == "the run has no figure of profile standard by locust"
    assert found.changes == []


def test_baseline_that_holds_nothing_passes_nothing() -> None:
    found = compare(a_baseline(), BEFORE, named="x", gate=Gate())

    assert worst_answer(found) is Answer.INCONCLUSIVE


def test_rounds_without_spread_are_judged() -> None:
    same, more = of_rounds([0.9] * 20), of_rounds([1.4] * 20)

    assert judged(same, same).answer is Answer.PASSED
    assert judged(same, more).answer is Answer.REGRESSED


@pytest.mark.parametrize(
    ("answers", "worst", "code"),
    [
        pytest.param([], Answer.INCONCLUSIVE, 6, id="nothing"),
        pytest.param([Answer.PASSED, Answer.IMPROVED], Answer.IMPROVED, 0, id="good"),
        pytest.param([Answer.IMPROVED, Answer.INCONCLUSIVE], Answer.INCONCLUSIVE, 6, id="unclear"),
        pytest.param([Answer.INCONCLUSIVE, Answer.REGRESSED], Answer.REGRESSED, 1, id="bad"),
    ],
)
def test_gravest_answer_makes_the_exit_code(answers: list[Answer], worst: Answer, code: int) -> None:
    comparisons = [msgspec.structs.replace(judged(BEFORE, BEFORE), answer=each) for each in answers]

    assert worst_answer(comparisons) is worst
    assert answer_exit_code(worst) == code
