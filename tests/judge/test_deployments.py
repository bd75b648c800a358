"""Two settings in turn: what is said of them, and when nothing is."""

from statistics import fmean
from typing import Any

import msgspec
import pytest

from meshproof.judge.deployments import compare_deployments, deployed, deployments_of
from meshproof.judge.intervals import change_interval
from meshproof.model.comparison import Answer, Comparison
from meshproof.model.deployment import Deployments
from meshproof.model.usage import Usage
from tests.judge.deployments import A, B, a_deployed, four_each
from tests.judge.recordings import cell, recording
from tests.judge.usages import PROXY, course


def judged(whole: Deployments, threshold_ms: float = 0.2) -> Comparison:
    return compare_deployments(whole, profile="live", threshold_ms=threshold_ms)


@pytest.mark.parametrize(
    ("after_ms", "answer", "sentence"),
    [
        pytest.param(
            0.92,
            Answer.PASSED,
            "the mesh costs the same with B (b.yaml) as with A (default) at the median, within 0.2 ms "
            "(+0.90 ms with A, +0.92 ms with B; change +0.02 ms, 95% interval -0.01 to +0.05 ms over 4 and 4 "
            "deployments, which spread by",
            id="pass",
        ),
        pytest.param(
            1.4,
            Answer.REGRESSED,
            "the mesh costs 0.50 ms more at the median with B (b.yaml) than with A (default) (",
            id="regressed",
        ),
        pytest.param(
            0.4,
            Answer.IMPROVED,
            "the mesh costs 0.50 ms less at the median with B (b.yaml) than with A (default) (",
            id="improved",
        ),
    ],
)
def test_answer_comes_with_its_sentence(after_ms: float, answer: Answer, sentence: str) -> None:
    found = judged(four_each(0.9, after_ms))

    assert found.answer is answer
    assert found.sentence.startswith(sentence)


def test_deployments_that_differ_from_one_another_leave_the_answer_open() -> None:
    found = judged(four_each(0.9, 1.0, reach_ms=0.4))

    assert found.answer is Answer.INCONCLUSIVE
    assert "too wide for the threshold of 0.2 ms: measure on a quieter machine" in found.sentence


def test_some_more_deployments_are_named_where_they_would_do() -> None:
    assert ": some 12 deployments of each would do (" in judged(four_each(0.9, 0.9, reach_ms=0.12)).sentence


def test_interval_is_welchs_over_the_deployments_means() -> None:
    whole = four_each(0.9, 1.4)
    before, after = ([fmean(d.rounds_ms) for d in whole.deployed if d.setting == name] for name in "AB")

    expected = change_interval(before, after, 0.95)
    median = judged(whole).changes[0]

    assert (median.percentile, median.confidence) == (50.0, 0.95)
    assert median.interval_ms == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_only_the_median_decides_and_the_others_are_adjusted() -> None:
    changes = judged(four_each(0.9, 1.4)).changes

    assert [each.percentile for each in changes] == [50.0, 90.0, 99.0]
    assert changes[2].change_ms == pytest.approx(0.5 * 99 / 50, abs=1e-3)
    assert changes[1].confidence > 0.95 or changes[2].confidence > 0.95


def test_change_within_the_noise_floor_is_none() -> None:
    """The control arm, which no mesh is in, moved as much from one setting's deployments to the other's."""
    whole = four_each(0.9, 1.4)
    moved = [
        msgspec.structs.replace(each, control_ms=[0.6 if each.setting == "B" else 0.0] * 6)
        for each in whole.deployed
    ]

    found = judged(deployments_of([A, B], moved, planned=8))

    assert found.answer is Answer.INCONCLUSIVE
    assert "within the noise floor" in found.sentence


def test_fewer_than_four_of_each_are_not_judged() -> None:
    whole = four_each(0.9, 1.4)
    found = judged(deployments_of([A, B], whole.deployed[:7], planned=8))

    assert found.answer is Answer.INCONCLUSIVE
    assert found.sentence == (
        "4 deployments of A (default) and 3 deployments of B (b.yaml) can be judged, 4 of each are needed"
    )
    assert found.changes[0].change_ms == pytest.approx(0.5, abs=0.02)


def test_nothing_measured_yet_is_said() -> None:
    found = judged(deployments_of([A, B], [], planned=8))

    assert (found.answer, found.changes) == (Answer.INCONCLUSIVE, [])


def test_lost_requests_are_no_quick_ones() -> None:
    whole = four_each(0.9, 0.4)
    lost = [msgspec.structs.replace(each, errors=3) if each.number == 4 else each for each in whole.deployed]

    found = judged(deployments_of([A, B], lost, planned=8))

    assert found.answer is Answer.INCONCLUSIVE
    assert found.sentence.startswith("requests through the mesh failed, 3 with B (b.yaml): latencies are")


def test_other_versions_are_told() -> None:
    whole = four_each(0.9, 0.9)
    other = msgspec.structs.replace(whole, settings=[A, msgspec.structs.replace(B, proxy="v3.4.1")])

    assert judged(other).differs == {"proxy": ("v2.11.14", "v3.4.1")}


def measured(**changed: Any) -> Any:
    """A deployment of five rounds: direct 1 ms, mesh 1.5 ms, another arm 1.8 ms."""
    takes = {"direct": 1.0, "control": 1.1, "mesh": 1.5, "retry": 1.8}
    arms = dict.fromkeys(takes, "http://x")

    def make(arm: str, number: int) -> Any:
        return changed.get(f"{arm}{number}") or cell(arm, number, [takes[arm] + number / 10] * 30)

    return recording(make, rounds=5, arms=arms)


def test_recording_becomes_a_deployment() -> None:
    found = deployed(measured(), number=3, setting="B", proxies=["p"], deploy_s=9.123)

    assert (found.number, found.setting, found.proxies, found.deploy_s) == (3, "B", ["p"], 9.12)
    assert found.rounds_ms == pytest.approx([0.5] * 5, abs=2e-3)
    assert found.control_ms == pytest.approx([0.1] * 5, abs=2e-3)
    assert found.arms_ms["retry"] == pytest.approx([0.3] * 5, abs=2e-3)
    assert found.percentiles[0] == pytest.approx((50.0, 1.2, 1.7), abs=2e-3)
    assert (found.errors, found.left_out, found.void_rounds) == (0, "", {})


def test_void_and_silent_rounds_are_named_and_left_out() -> None:
    found = deployed(
        measured(
            direct1=cell("direct", 1, [1.0] * 30, cpu_share=0.95),
            retry2=cell("retry", 2, [], errors={"502": 4}),
        ),
        number=1,
        setting="A",
    )

    assert found.void_rounds["1"].startswith("the generator used 95%")
    assert found.void_rounds["2"] == "no answer"
    assert (len(found.rounds_ms), found.errors, found.left_out) == (3, 4, "")


def test_too_few_rounds_leave_a_deployment_out() -> None:
    busy = {f"direct{n}": cell("direct", n, [1.0] * 30, cpu_share=0.95) for n in (0, 1, 2)}

    found = deployed(measured(**busy), number=1, setting="A")

    assert found.left_out == "2 of 5 rounds can be judged, 3 are needed"
    assert deployments_of([A, B], [found, a_deployed(2, "B", 0.9)], planned=8).between_ms is None


def test_deployment_without_a_round_has_no_figures() -> None:
    busy = {f"direct{n}": cell("direct", n, [1.0] * 30, cpu_share=0.95) for n in range(5)}

    found = deployed(measured(**busy), number=1, setting="A")

    assert (found.rounds_ms, found.percentiles, len(found.void_rounds)) == ([], [], 5)


def watched(cpu_s: float) -> Any:
    """An experiment whose proxy took so much CPU beyond its rest, for the requests of two arms through it."""
    samples = course(PROXY, "proxy-a")
    idle_s = 100 * 0.01
    last = samples[-1].seen
    taken = msgspec.structs.replace(last, cpu_s=samples[1].seen.cpu_s + idle_s + cpu_s)
    samples[-1] = msgspec.structs.replace(samples[-1], seen=taken)
    return msgspec.structs.replace(measured(), usage=Usage(samples=samples))


def test_cpu_is_shared_among_all_arms_through_the_proxies() -> None:
    """Five rounds of 30 requests in either arm, and none in the warm-up: 300 through the proxies."""
    recorded = watched(0.6)
    through = sum(recorded.sent(arm)[0] for arm in ("mesh", "retry"))

    assert deployed(recorded, number=1, setting="A").proxy_cpu_s_per_1000 == pytest.approx(600 / through)


def test_cpu_that_was_not_watched_is_not_told() -> None:
    assert deployed(measured(), number=1, setting="A").proxy_cpu_s_per_1000 is None
