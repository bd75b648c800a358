"""The proof of the measure, told the truth and told lies."""

import random
from collections.abc import Mapping

import msgspec
import pytest

from meshproof.judge.proof import (
    AGAIN,
    BEFORE,
    blurred,
    called_different,
    gate_on_arms,
    judge_known_delays,
    missed,
    picked,
    round_medians_ms,
)
from meshproof.judge.regression import Gate
from meshproof.model.comparison import Answer
from meshproof.model.delays import Delays
from meshproof.model.errors import HarnessError
from meshproof.model.load import RecordedCell, Recording
from meshproof.model.run import Environment, Host, Node
from tests.judge.recordings import cell, recording

ROUNDS = 12
SPREAD_MS = 0.05
SEEN = Environment(
    kubernetes="v1.34.4",
    mesh="traefik-mesh v1.4.8",
    proxy="Traefik v2.11.14",
    nodes=[Node(name="n", kubelet="v1", container_runtime="c", os_image="d", kernel="6.8.0")],
    host=Host(cpu="EPYC", cpus=2, memory_mib=1, engine="podman"),
)
RELAYS = {"relay-0": 0.0, AGAIN: 0.0, "relay-500us": 0.518, "relay-1ms": 1.02, "relay-5ms": 5.03}


def measured(
    arms: Mapping[str, float], spread_ms: float = SPREAD_MS, seed: int = 3, rounds: int = ROUNDS
) -> Recording:
    """An experiment whose arms cost 1 ms and what is given; each round is off by ``spread_ms`` or so."""
    rng = random.Random(seed)  # noqa: S311 - seeded on purpose

    def made(arm: str, number: int) -> RecordedCell:
        centre = 1 + arms[arm] + rng.gauss(0, spread_ms)
        return cell(arm, number, [max(0.01, centre + k / 1000) for k in range(-10, 11)])

    urls = {arm: f"http://{'relay-0' if arm == AGAIN else arm}" for arm in arms}
    return recording(made, rounds=rounds, arms=urls)


def told(arms: Mapping[str, float] = RELAYS) -> dict[str, Delays]:
    return {
        arm: Delays(delay_us=round(ms * 10) * 100, held_us={round(ms * 1000): 500})
        for arm, ms in arms.items()
        if arm != AGAIN
    }


def test_known_delays_are_in_their_intervals_and_in_no_others() -> None:
    found = judge_known_delays(measured(RELAYS), told(), without="relay-0")

    assert [(each.relay, each.asked_ms, each.told_ms) for each in found] == [
        ("relay-500us", 0.5, 0.518),
        ("relay-1ms", 1.0, 1.02),
        ("relay-5ms", 5.0, 5.03),
    ]
    assert {(each.rounds, each.validity) for each in found} == {(ROUNDS, "valid")}
    assert missed(found) == []
    assert blurred(found) == []


def test_delays_hold_together_at_95_percent() -> None:
    found = judge_known_delays(measured(RELAYS), told(), without="relay-0")

    assert [each.confidence for each in found] == [pytest.approx(1 - 0.05 / 3)] * 3


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        pytest.param({"relay-1ms": 1.5}, "relay-1ms held requests for 1.500 ms, which is not", id="too much"),
        pytest.param(
            {"relay-5ms": 4.7}, "relay-5ms held requests for 4.700 ms, which is not", id="too little"
        ),
        pytest.param({"relay-500us": 0.0}, "relay-500us held requests for 0.000 ms, which", id="none at all"),
    ],
)
def test_wrong_delay_is_missed(lie: dict[str, float], said: str) -> None:
    found = judge_known_delays(measured(RELAYS), told(RELAYS | lie), without="relay-0")

    assert [sentence.startswith(said) for sentence in missed(found)] == [True]


def test_swapped_arms_are_missed() -> None:
    swapped = RELAYS | {"relay-0": RELAYS["relay-1ms"], AGAIN: RELAYS["relay-1ms"], "relay-1ms": 0.0}

    found = judge_known_delays(measured(swapped), told(), without="relay-0")

    assert any(sentence.startswith("relay-1ms held requests for 1.020 ms") for sentence in missed(found))


def test_two_relays_in_place_of_each_other_are_missed() -> None:
    swapped = RELAYS | {"relay-500us": RELAYS["relay-1ms"], "relay-1ms": RELAYS["relay-500us"]}

    found = judge_known_delays(measured(swapped), told(), without="relay-0")

    assert [sentence.split()[0] for sentence in missed(found)] == ["relay-500us", "relay-1ms"]


def test_interval_that_holds_everything_is_not_taken_for_a_proof() -> None:
    found = judge_known_delays(measured(RELAYS, spread_ms=1.5), told(), without="relay-0")

    assert any(", holds the delay of relay-1ms, 1.020 ms, as well" in sentence for sentence in blurred(found))
    assert any(", holds the delay of no relay with a delay" in sentence for sentence in blurred(found))


def test_experiment_without_a_figure_is_no_proof() -> None:
    silent = recording(lambda arm, n: cell(arm, n, []), arms=dict.fromkeys(RELAYS, "http://a"))

    with pytest.raises(HarnessError, match="no figure"):
        judge_known_delays(silent, told(), without="relay-0")


ARMS = {"direct": 0.0, "control": 0.0, BEFORE: 0.9, AGAIN: 0.9, "slower": 1.4}


@pytest.mark.parametrize(
    ("arms", "arm", "answer"),
    [
        pytest.param(ARMS, AGAIN, Answer.PASSED, id="identical"),
        pytest.param(ARMS, "slower", Answer.REGRESSED, id="slower"),
        pytest.param(ARMS | {AGAIN: 1.4}, AGAIN, Answer.REGRESSED, id="slower, called identical"),
        pytest.param(ARMS | {"slower": 0.9}, "slower", Answer.PASSED, id="identical, called slower"),
        pytest.param(ARMS | {BEFORE: 1.4, "slower": 0.9}, "slower", Answer.IMPROVED, id="swapped"),
    ],
)
def test_gate_on_arms_of_one_experiment(arms: dict[str, float], arm: str, answer: Answer) -> None:
    found = measured(arms)

    said = gate_on_arms(found, found, arm, seen=SEEN, gate=Gate())

    assert (said.answer, said.differs, said.rounds) == (answer, {}, (ROUNDS, ROUNDS))
    assert called_different([said]) == ([] if answer is Answer.PASSED else [said])


def test_gate_on_arms_of_two_experiments() -> None:
    one, other = measured(ARMS, seed=4), measured(ARMS, seed=5)

    said = gate_on_arms(one, other, "slower", seen=SEEN, gate=Gate())

    assert said.answer is Answer.REGRESSED


def test_run_and_baseline_share_no_arm() -> None:
    """A direct arm in both would hide what it adds to either: their difference would be too certain."""
    found = measured(ARMS | {"control": 0.3})

    said = gate_on_arms(found, found, AGAIN, seen=SEEN, gate=Gate())

    assert said.changes[0].change_ms == pytest.approx(-0.3, abs=0.15)


def test_picked_arms_are_those_of_an_overhead_measurement() -> None:
    found = picked(measured(ARMS), direct="control", control="direct", mesh="slower")

    assert found.arms == {"direct": "http://control", "control": "http://direct", "mesh": "http://slower"}
    assert {each.arm for each in found.cells} == {each.arm for each in found.phases} == set(found.arms)
    assert len(found.cells) == len(found.phases) == 3 * ROUNDS
    assert found.lookups_ms.keys() == found.warmup.keys() == found.arms.keys()


def test_medians_of_the_rounds_are_kept_for_every_arm() -> None:
    found = round_medians_ms(measured(ARMS, spread_ms=0))

    assert {arm: len(medians) for arm, medians in found.items()} == dict.fromkeys(ARMS, ROUNDS)
    assert found["slower"][0] == pytest.approx(2.4, rel=0.002)
    assert msgspec.json.decode(msgspec.json.encode(found)) == found
