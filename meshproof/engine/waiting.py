"""Bounded waiting for a named condition; a timeout says what was last seen."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from meshproof.model.errors import HarnessError

__all__ = ["Converged", "Look", "WaitTimedOutError", "eventually"]

T = TypeVar("T")

_POLL_S: Final = 0.2  # short against a proxy's poll of 1 s, long against one look (about 10 ms)


@dataclass(frozen=True, kw_only=True)
class Look(Generic[T]):
    """One look at a condition: is it met, the value seen, and the same in words for a timeout's text."""

    met: bool
    value: T
    seen: str


@dataclass(frozen=True, kw_only=True)
class Converged(Generic[T]):
    """A condition that came true: the value of the last look, and the seconds until the first of the run."""

    value: T
    seconds: float


class WaitTimedOutError(HarnessError):
    """A condition did not come true in time."""

    code = "WAIT-TIMED-OUT"

    def __init__(self, what: str, within: float, seen: str) -> None:
        self.what = what
        self.seen = seen
        super().__init__(
            where=what,
            problem=f"not so within {within:g} s",
            remedy="what was last seen is below",
            evidence=seen,
        )


def eventually(
    look: Callable[[], Look[T]],
    *,
    what: str,
    within: float,
    successes: int = 1,
    every: float = _POLL_S,
) -> Converged[T]:
    """Look every ``every`` seconds until the condition was met ``successes`` times in a row.

    At least one look is taken. Raises WaitTimedOutError after ``within`` seconds, with what was last seen.
    What ``look`` raises passes through: a look that may fail for a while says so in its Look. Raises
    ValueError for a ``within`` that is no finite time: no wait is unbounded.
    """
    if not (math.isfinite(within) and within >= 0):
        raise ValueError(f"within: got {within}, expected finite seconds, 0 or more")
    started = time.monotonic()
    in_a_row = 0
    first_met = started
    while True:
        seen = look()
        now = time.monotonic()
        if seen.met:
            if in_a_row == 0:
                first_met = now
            in_a_row += 1
            if in_a_row >= successes:
                return Converged(value=seen.value, seconds=first_met - started)
        else:
            in_a_row = 0
        if now - started >= within:
            raise WaitTimedOutError(what, within, seen.seen)
        time.sleep(min(every, max(0.0, within - (now - started))))
