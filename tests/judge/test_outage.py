"""When constant traffic lost something, seen from the fault on."""

from typing import Any

import pytest

from meshproof.judge.outage import outage
from meshproof.model.streams import SteadyTraffic, Trouble


def traffic(*troubles: float, **more: Any) -> SteadyTraffic:
    """A hundred requests, of which those at these times came to nothing."""
    return SteadyTraffic(
        **{
            "seconds": 2.0,
            "sent": 100,
            "answered": {200: 100 - len(troubles)},
            "failed": {"timeout": len(troubles)} if troubles else {},
            "served_by": {"server-1": 100 - len(troubles)},
            "troubles": [Trouble(at=at, url="http://h/", what="timeout", text="x") for at in troubles],
            "longest_gap_ms": 20.0,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("troubles", "first", "last", "until"),
    [
        pytest.param([], None, None, 0.0, id="nothing-lost"),
        pytest.param([10.5], 0.5, 0.5, 0.5, id="one"),
        pytest.param([10.25, 13.0, 11.0], 0.25, 3.0, 3.0, id="several-in-no-order"),
        pytest.param([9.0], -1.0, -1.0, 0.0, id="before-the-fault"),
    ],
)
def test_times_are_from_the_fault_on(
    troubles: list[float], first: float | None, last: float | None, until: float
) -> None:
    found = outage(traffic(*troubles), since=10.0)

    assert (found.first_s, found.last_s, found.until_s) == (first, last, until)
    assert (found.sent, found.lost) == (100, len(troubles))


def test_all_that_came_of_the_lost_is_counted() -> None:
    answered = {200: 90, 204: 1, 502: 4, 404: 1}

    found = outage(traffic(answered=answered, failed={"dns": 4}), since=0.0)

    assert found.lost == 9
    assert found.said == {"502": 4, "404": 1, "dns": 4}


def test_facts_hold_what_was_judged() -> None:
    found = outage(traffic(1.0), since=0.0)

    assert found.facts() == {
        "outage": {"sent": 100, "lost": 1, "said": {"timeout": 1}, "between_s": [1.0, 1.0]}
    }
