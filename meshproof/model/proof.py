"""What the proof of the measure found."""

import msgspec

__all__ = ["KnownDelay"]


class KnownDelay(msgspec.Struct, frozen=True, kw_only=True):
    """A relay with a delay against the same relay without one. All times in milliseconds.

    ``told_ms`` is the truth: the median of what the relay held requests for, by its own clock, minus the same
    of the relay without a delay. ``interval_ms`` is of the mean of the rounds' differences at the median, at
    ``confidence``, so that the intervals of all delays together hold theirs in 95 %.
    """

    relay: str
    asked_ms: float
    told_ms: float
    difference_ms: float
    interval_ms: tuple[float, float]
    confidence: float
    noise_floor_ms: float
    rounds: int
    validity: str

    def holds(self, delay_ms: float) -> bool:
        """Whether the interval holds a delay."""
        return self.interval_ms[0] <= delay_ms <= self.interval_ms[1]
