"""Was a stream held back? Judged by when its parts came, one after another."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

__all__ = ["held_back", "whole_at"]

_TOGETHER: Final = 0.25  # of the server's pause: what a busy machine leaves of one is more


def held_back(times_ms: Sequence[float], every_ms: float) -> list[float]:
    """The times of the parts that came together with the next one, which was sent ``every_ms`` later.

    Whoever keeps a part until the next, or all of them to the end, hands at least the last two over at once:
    after the last none is sent. A stream that begins late, or slows down, is not held back.
    """
    return [at for at, following in pairwise(times_ms) if following - at < _TOGETHER * every_ms]


def whole_at(pieces: Iterable[tuple[float, int]], size: int) -> list[float]:
    """When each part of ``size`` bytes was there to its last byte, of a body read in pieces of any length."""
    times: list[float] = []
    total = 0
    for at_ms, length in pieces:
        total += length
        times += [at_ms] * (total // size - len(times))
    return times
