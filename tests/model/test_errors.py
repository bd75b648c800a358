"""An error tells where, what was seen and what to do, and ends the process with its own code."""

import pytest

from meshproof.model.errors import BadInputError, ExitCode, HarnessError, MeshproofError, nearest


def test_text_is_code_where_problem_and_remedy() -> None:
    error = HarnessError(where="node", problem="gone", remedy="make another")

    assert str(error) == "HARNESS: node: gone; make another"


def test_evidence_stands_below_without_blank_ends() -> None:
    error = HarnessError(where="node", problem="gone", remedy="make another", evidence="\n log line\n\n")

    assert str(error) == "HARNESS: node: gone; make another\nlog line"
    assert error.evidence == "log line"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(MeshproofError, ExitCode.INCONCLUSIVE, id="any"),
        pytest.param(HarnessError, ExitCode.INCONCLUSIVE, id="harness"),
        pytest.param(BadInputError, ExitCode.BAD_INPUT, id="bad-input"),
    ],
)
def test_exit_code_tells_whose_fault_it_is(kind: type[MeshproofError], expected: ExitCode) -> None:
    assert kind(where="x", problem="y", remedy="z").exit_code is expected


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        pytest.param("smokee", "did you mean 'smoke'?", id="near"),
        pytest.param("zzz", "use one of smoke, standard", id="far"),
        pytest.param("", "use one of smoke, standard", id="empty"),
    ],
)
def test_nearest_word_is_offered(got: str, expected: str) -> None:
    assert nearest(got, ["standard", "smoke"]) == expected


def test_of_very_many_words_the_most_alike_are_offered() -> None:
    known = [f"word-{number:03}" for number in range(300)]

    said = nearest("zzz", known)

    assert said.startswith("there are 300; the most alike are ")
    assert said.count("word-") == 5
