"""Is the measure right? Asked only where it is to be proved: known delays, identical arms, slower ones."""

import msgspec
import pytest

from fixtures.catalogue import only_with, requirement, stage
from fixtures.proof import NO_DELAY, SLOWER, DelaysMeasured
from fixtures.session import Session
from fixtures.verdicts import Facts
from meshproof.judge.proof import (
    AGAIN,
    blurred,
    called_different,
    gate_on_arms,
    judge_known_delays,
    missed,
    round_medians_ms,
)
from meshproof.judge.regression import Gate
from meshproof.model.comparison import Answer, Comparison
from meshproof.model.errors import HarnessError
from meshproof.model.run import VALID

COMPARISONS = 10  # fewer say nothing of a rate
MOST_FALSE = 1  # of ten, where one of twenty is what the intervals promise
LEAST_SEEN = 9


@requirement("TM-OVERHEAD-004")
@only_with("prove-measure")
@stage("measure")
def test_known_delay_comes_out_within_its_interval(delays_measured: DelaysMeasured, evidence: Facts) -> None:
    """Each relay's delay, by its own clock, is in its arm's interval, and every request was held once."""
    recording = delays_measured.recording
    found = judge_known_delays(recording, delays_measured.delays, without=NO_DELAY)
    for each in found:
        evidence.record({"kind": f"known delay, {each.relay}", **msgspec.to_builtins(each)})
    evidence.record({"round_medians_ms": round_medians_ms(recording)})
    invalid = sorted({each.validity for each in found} - {VALID})

    wrong = delays_measured.astray()
    assert not wrong, "; ".join(wrong)
    _judgeable("known delays", invalid)
    wrong = missed(found)
    assert not wrong, "; ".join(wrong)
    _judgeable("known delays", blurred(found))


@pytest.fixture(scope="module")
def identical(session: Session, arms_measured: list[DelaysMeasured]) -> list[Comparison]:
    """The gate on the mesh as it was, and the same again."""
    return _compared(session, arms_measured, AGAIN)


@requirement("TM-OVERHEAD-005")
@only_with("prove-measure")
@stage("measure")
def test_identical_arms_are_not_called_different(
    identical: list[Comparison], arms_measured: list[DelaysMeasured], evidence: Facts
) -> None:
    """Of ten comparisons of identical arms, each measured anew, the gate calls one changed at most."""
    _recorded(evidence, identical)
    for each in arms_measured:
        evidence.record({"round_medians_ms": round_medians_ms(each.recording)})

    alarms = [each.sentence for each in called_different(identical)]
    assert len(alarms) <= MOST_FALSE, "; ".join(alarms)
    _judgeable("identical arms", _too_few(identical))


@pytest.fixture(scope="module")
def slower(session: Session, arms_measured: list[DelaysMeasured]) -> list[Comparison]:
    """The gate on the mesh as it was, and the same with half a millisecond more."""
    return _compared(session, arms_measured, SLOWER)


@requirement("TM-OVERHEAD-006")
@only_with("prove-measure")
@stage("measure")
def test_half_a_millisecond_is_seen(
    slower: list[Comparison], arms_measured: list[DelaysMeasured], evidence: Facts
) -> None:
    """Of ten comparisons with an arm that is 0.5 ms slower the gate calls nine regressed at least."""
    _recorded(evidence, slower)
    told = [each.delays[SLOWER].median_ms() for each in arms_measured]
    evidence.record({"told_ms": told})
    unseen = [each.sentence for each in slower if each.answer is not Answer.REGRESSED]

    wrong = [sentence for each in arms_measured for sentence in each.astray()]
    assert not wrong, "; ".join(wrong)
    assert len(unseen) <= COMPARISONS - LEAST_SEEN, "; ".join(unseen)
    _judgeable("slower arms", _too_few(slower))


def _compared(session: Session, measured: list[DelaysMeasured], arm: str) -> list[Comparison]:
    environment = session.recorder.environment
    return [
        gate_on_arms(each.recording, each.recording, arm, seen=environment, gate=Gate()) for each in measured
    ]


def _recorded(evidence: Facts, comparisons: list[Comparison]) -> None:
    for number, each in enumerate(comparisons, 1):
        evidence.record({"kind": f"comparison {number}", **msgspec.to_builtins(each)})


def _too_few(comparisons: list[Comparison]) -> list[str]:
    few = len(comparisons) < COMPARISONS
    return [f"{len(comparisons)} comparisons of {COMPARISONS} that are needed"] if few else []


def _judgeable(what: str, problems: list[str]) -> None:
    """Raises HarnessError where nothing can be said."""
    if problems:
        raise HarnessError(
            where=what, problem="; ".join(problems), remedy="run `--prove-measure` alone on a quiet machine"
        )
