"""Waiting, on a clock that only moves when somebody sleeps."""

from collections.abc import Callable, Iterator

import pytest

from meshproof.engine import waiting
from meshproof.engine.waiting import Converged, Look, WaitTimedOutError, eventually


class Clock:
    """Seconds since the test began."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(waiting, "time", made)
    return made


def looks(*met: bool) -> Callable[[], Look[int]]:
    """A condition that is as told, look by look; the value counts the looks."""
    steps: Iterator[tuple[int, bool]] = iter(enumerate(met, start=1))

    def look() -> Look[int]:
        number, is_met = next(steps)
        return Look(met=is_met, value=number, seen=f"look {number}")

    return look


@pytest.mark.usefixtures("clock")
def test_what_is_so_already_costs_no_time() -> None:
    assert eventually(looks(True), what="it", within=10) == Converged(value=1, seconds=0.0)


def test_it_looks_again_until_it_is_so(clock: Clock) -> None:
    found = eventually(looks(False, False, True), what="it", within=10, every=0.5)

    assert found == Converged(value=3, seconds=1.0)
    assert clock.slept == [0.5, 0.5]


@pytest.mark.usefixtures("clock")
def test_successes_count_only_in_a_row_and_the_first_of_them_is_the_time() -> None:
    found = eventually(looks(True, False, True, True, True), what="it", within=10, every=1, successes=3)

    assert found == Converged(value=5, seconds=2.0)


def test_timeout_says_what_was_last_seen(clock: Clock) -> None:
    with pytest.raises(WaitTimedOutError) as caught:
        eventually(looks(*[False] * 9), what="routes of echo", within=1.5, every=1)

    assert str(caught.value) == (
        "WAIT-TIMED-OUT: routes of echo: not so within 1.5 s; what was last seen is below\nlook 3"
    )
    assert (caught.value.what, caught.value.seen) == ("routes of echo", "look 3")
    assert clock.slept == [1, 0.5]


def test_last_look_is_at_the_deadline(clock: Clock) -> None:
    found = eventually(looks(False, False, True), what="it", within=1.5, every=1)

    assert found.value == 3
    assert clock.now == 1.5


def test_no_time_is_one_look(clock: Clock) -> None:
    with pytest.raises(WaitTimedOutError):
        eventually(looks(False), what="it", within=0)

    assert clock.slept == []


def test_what_a_look_raises_passes_through() -> None:
    def broken() -> Look[int]:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        eventually(broken, what="it", within=1)


@pytest.mark.parametrize("within", [float("nan"), float("inf"), -1.0])
def test_no_wait_is_unbounded(within: float) -> None:
    with pytest.raises(ValueError, match="within: got"):
        eventually(looks(True), what="it", within=within)
