"""Axes: from values to pixels, and the ticks a reader expects. Pure arithmetic."""

import math
from dataclasses import dataclass
from typing import Final

from meshproof.model.errors import HarnessError

__all__ = [
    "LAST_PERCENTILE",
    "PERCENTILE_TICKS",
    "Axis",
    "count_axis",
    "finite",
    "linear_axis",
    "log_axis",
    "percentile_axis",
    "tick_label",
]

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
PERCENTILE_TICKS: Final = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99)
LAST_PERCENTILE: Final = 99.99  # beyond it a curve would be one request


@dataclass(frozen=True, kw_only=True)
class Axis:
    """``low`` to ``high`` in the unit of the data, drawn from ``start`` to ``end`` in pixels."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    kind: str = "linear"  # linear | log | percentile

    def at(self, value: float) -> float:
        """The pixel of ``value``; what lies outside is drawn on the edge."""
        low, high = self._warp(self.low), self._warp(self.high)
        share = (self._warp(min(max(value, self.low), self.high)) - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 2)

    def _warp(self, value: float) -> float:
        match self.kind:
            case "log":
                return math.log10(value)
            case "percentile":
                return -math.log10(1 - value / 100)
            case _:
                return value


def finite(values: list[float], what: str) -> list[float]:
    """``values`` as they are. Raises HarnessError naming ``what`` when one of them is NaN or infinite."""
    for value in values:
        if not math.isfinite(value):
            raise HarnessError(
                where=what, problem=f"got {value}, expected a finite number", remedy="look at the measurement"
            )
    return values


def linear_axis(low: float, high: float, *, start: float, end: float, ticks: int = 5) -> Axis:
    """An axis whose ends are round numbers around ``low`` and ``high``, with about ``ticks`` ticks."""
    if high <= low:
        room = abs(low) * 0.1 or 1.0
        low, high = low - room, high + room
    step = _round_step((high - low) / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(round(place * step, 9) for place in range(first, last + 1))
    return Axis(low=min(marks[0], low), high=max(marks[-1], high), start=start, end=end, ticks=marks)


def count_axis(number: int, *, start: float, end: float) -> Axis:
    """One place for each of 1 to ``number``, with half a place of room on both sides; about ten ticks."""
    step = max(1, -(-number // 10))
    ticks = tuple(float(place) for place in range(step, number + 1, step))
    return Axis(low=0.5, high=number + 0.5, start=start, end=end, ticks=ticks)


def log_axis(low: float, high: float, *, start: float, end: float) -> Axis:
    """A logarithmic axis, ticks at 1, 2 and 5 of every decade. ``low`` must be above zero."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    bottom = max((mark for mark in marks if mark <= low), default=low)
    top = min((mark for mark in marks if mark >= high), default=high)
    inside = tuple(mark for mark in marks if bottom <= mark <= top)
    return Axis(low=bottom, high=top, start=start, end=end, ticks=inside, kind="log")


def percentile_axis(low: float, high: float, *, start: float, end: float) -> Axis:
    """The axis of an HDR plot: every further nine has the same width. ``high`` stops at 99.99."""
    high = min(max(high, 90.0), LAST_PERCENTILE)
    low = 0.0 if low < 50 else 50.0
    inside = tuple(tick for tick in PERCENTILE_TICKS if low <= tick <= high)
    return Axis(low=low, high=high, start=start, end=end, ticks=inside, kind="percentile")


def tick_label(value: float) -> str:
    """``0.25``, ``-1``, ``99.9``: no digits that say nothing."""
    return f"{value:.10g}".replace("-", "\N{MINUS SIGN}")


def _round_step(rough: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(rough))
    return next(step * magnitude for step in _STEPS if step * magnitude >= rough * (1 - 1e-9))
