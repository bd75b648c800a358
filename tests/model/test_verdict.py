"""From the states of tests to the verdict on a requirement, the counts and the exit code."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshproof.model.errors import ExitCode
from meshproof.model.requirement import Level, Subject
from meshproof.model.verdict import Verdict, VerdictState, exit_code, summarise, worst

P, F, K = VerdictState.PASSED, VerdictState.FAILED, VerdictState.FAILED_EXPECTED
N, S, I = VerdictState.NOT_SUPPORTED, VerdictState.SKIPPED, VerdictState.INCONCLUSIVE  # noqa: E741  # I: a column of the table below


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([], S, id="no-tests"),
        pytest.param([P, P], P, id="all-passed"),
        pytest.param([P, S], S, id="one-left-out"),
        pytest.param([P, N], N, id="one-not-supported"),
        pytest.param([S, F], F, id="failure-seen-beside-one-left-out"),
        pytest.param([K, F], F, id="unexpected-beside-expected"),
        pytest.param([K, S], K, id="expected-beside-one-left-out"),
        pytest.param([I, P], I, id="one-inconclusive"),
        pytest.param([I, K], I, id="inconclusive-beside-expected"),
        pytest.param([I, F], F, id="failure-outweighs-inconclusive"),
    ],
)
def test_worst_verdict_wins(states: list[VerdictState], expected: VerdictState) -> None:
    assert worst(states) is expected


@settings(deadline=None)  # the machine may be busy
@given(st.permutations(list(VerdictState)))
def test_order_of_the_tests_does_not_matter(states: list[VerdictState]) -> None:
    assert worst(states) is F


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([], ExitCode.PASSED, id="nothing-judged"),
        pytest.param([P, K, N, S], ExitCode.PASSED, id="nothing-red"),
        pytest.param([P, I], ExitCode.INCONCLUSIVE, id="inconclusive"),
        pytest.param([I, F], ExitCode.FAILED, id="failed"),
    ],
)
def test_exit_code_follows_from_the_verdicts(states: list[VerdictState], expected: ExitCode) -> None:
    assert exit_code(states) is expected


def test_summary_counts_every_state() -> None:
    verdicts = [
        Verdict(
            requirement="TM-DNS-001",
            statement="It MUST.",
            area="dns",
            level=Level.CORE,
            subject=Subject.DNS,
            state=state,
            evidence=[],
            duration_s=0,
        )
        for state in (P, P, F)
    ]

    assert summarise(verdicts) == {
        "passed": 2,
        "failed": 1,
        "failed_expected": 0,
        "not_supported": 0,
        "skipped": 0,
        "inconclusive": 0,
    }
