"""A stream was held back where a part came together with the next."""

import pytest

from meshproof.judge.pace import held_back, whole_at


@pytest.mark.parametrize(
    ("times", "late"),
    [
        pytest.param([5.0, 105.0, 205.0], [], id="as-sent"),
        pytest.param([130.0, 225.0, 320.0], [], id="begun-late"),
        pytest.param([5.0, 180.0, 205.0, 310.0], [], id="one-late"),
        pytest.param([5.0, 181.0, 205.0, 310.0], [181.0], id="one-too-late"),
        pytest.param([205.0, 205.1, 205.2], [205.0, 205.1], id="all-at-the-end"),
        pytest.param([105.0, 105.1, 205.0], [105.0], id="one-until-the-next"),
        pytest.param([105.0, 205.0, 205.2], [205.0], id="each-until-the-next"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_parts_that_waited_for_the_next(times: list[float], late: list[float]) -> None:
    assert held_back(times, 100.0) == late


@pytest.mark.parametrize(
    ("pieces", "times"),
    [
        pytest.param([(1.0, 6), (2.0, 4), (3.0, 10)], [2.0, 3.0], id="split"),
        pytest.param([(1.0, 25), (2.0, 5)], [1.0, 1.0, 2.0], id="together"),
        pytest.param([(1.0, 9)], [], id="never-whole"),
    ],
)
def test_a_part_is_there_with_its_last_byte(pieces: list[tuple[float, int]], times: list[float]) -> None:
    assert whole_at(pieces, 10) == times
