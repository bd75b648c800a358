"""What a relay tells of its delays."""

import pytest

from meshproof.model.delays import Delays, parse_delays
from meshproof.model.errors import HarnessError


def test_delays_are_read_as_a_relay_tells_them() -> None:
    found = parse_delays(b'{"delay_us":500,"held_us":{"518":3,"521":1}}\n', where="relay-500us-x")

    assert found == Delays(delay_us=500, held_us={518: 3, 521: 1})
    assert found.held == 4
    assert found.median_ms() == 0.518


def test_what_was_held_before_is_left_out() -> None:
    before = Delays(delay_us=500, held_us={518: 3, 600: 2})
    after = Delays(delay_us=500, held_us={518: 5, 530: 1, 600: 2})

    assert after.since(before) == Delays(delay_us=500, held_us={518: 2, 530: 1})


@pytest.mark.parametrize(
    ("held_us", "median_ms"),
    [
        pytest.param({0: 1}, 0.0, id="one"),
        pytest.param({500: 1, 700: 1}, 0.5, id="the lower of two"),
        pytest.param({700: 2, 500: 1, 20_000: 1}, 0.7, id="in the order of the delays"),
    ],
)
def test_median(held_us: dict[int, int], median_ms: float) -> None:
    assert Delays(delay_us=500, held_us=held_us).median_ms() == median_ms


def test_relay_that_held_nothing_has_no_median() -> None:
    with pytest.raises(HarnessError, match="a delay of 500 us: it held nothing"):
        Delays(delay_us=500, held_us={}).median_ms()


@pytest.mark.parametrize("text", ["", "ok", '{"delay_us": 500}', '{"delay_us":500,"held_us":{"a":1}}'])
def test_any_other_answer_is_refused(text: str) -> None:
    with pytest.raises(HarnessError, match="relay-500us-x: it told no delays"):
        parse_delays(text, where="relay-500us-x")
