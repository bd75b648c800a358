"""What became of a mutant, and the exit code that follows."""

from typing import Any

import pytest

from meshproof.model.errors import ExitCode
from meshproof.model.mutant import (
    MutantKind,
    MutantResult,
    MutantState,
    mutant_state,
    mutants_exit_code,
)

KILLED, SURVIVED = MutantState.KILLED, MutantState.SURVIVED
EQUIVALENT, NOT_JUDGED = MutantState.EQUIVALENT, MutantState.NOT_JUDGED


def a_result(state: MutantState, **changed: Any) -> MutantResult:
    """A mutant in this state."""
    return MutantResult(
        name="x", kind=MutantKind.FLAGS, profile="plain", breaks="It is off.", state=state, **changed
    )


@pytest.mark.parametrize(
    ("killed_by", "survived", "equivalent", "expected"),
    [
        pytest.param(["A", "B"], [], "", KILLED, id="every killer noticed"),
        pytest.param(["A"], ["B"], "", SURVIVED, id="one killer did not"),
        pytest.param([], ["A"], "", SURVIVED, id="none did"),
        pytest.param([], ["A"], "no difference", EQUIVALENT, id="none did, with a reason"),
        pytest.param(["A"], ["B"], "no difference", SURVIVED, id="the reason is wrong"),
        pytest.param(["A"], [], "no difference", KILLED, id="every killer noticed in spite of the reason"),
        pytest.param([], [], "", NOT_JUDGED, id="no killer ran"),
        pytest.param([], [], "no difference", NOT_JUDGED, id="no killer ran, with a reason"),
    ],
)
def test_state_follows_from_the_killers_that_ran(
    killed_by: list[str], survived: list[str], equivalent: str, expected: MutantState
) -> None:
    assert mutant_state(killed_by=killed_by, survived=survived, equivalent=equivalent) is expected


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        pytest.param([], ExitCode.PASSED, id="none"),
        pytest.param([a_result(KILLED), a_result(EQUIVALENT)], ExitCode.PASSED, id="killed or equivalent"),
        pytest.param([a_result(KILLED), a_result(NOT_JUDGED)], ExitCode.INCONCLUSIVE, id="not judged"),
        pytest.param([a_result(NOT_JUDGED), a_result(SURVIVED)], ExitCode.FAILED, id="survivor outweighs"),
        pytest.param(
            [a_result(NOT_JUDGED), a_result(KILLED, bystanders_failed={"A": "said"})],
            ExitCode.FAILED,
            id="bystander failed",
        ),
        pytest.param([a_result(KILLED, explained={"A": "blocked"})], ExitCode.PASSED, id="explained"),
        pytest.param([a_result(KILLED, not_judged={"A": "skipped"})], ExitCode.PASSED, id="one killer out"),
    ],
)
def test_exit_code_of_mutants(results: list[MutantResult], expected: ExitCode) -> None:
    assert mutants_exit_code(results) is expected
