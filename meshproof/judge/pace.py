"""Was a stream held back? Judged by when its parts came, against when the server sends the next."""

from collections.abc import Iterable, Sequence

__all__ = ["held_back", "whole_at"]


def held_back(times_ms: Sequence[float], every_ms: float) -> list[float]:
    """The parts that came no sooner than the next was sent; times since the request began.

    The server sends part ``n`` no sooner than ``n * every_ms`` after the request began: what is there before
    part ``n + 1`` can have been sent was not kept for it.
    """
    return [at for number, at in enumerate(times_ms) if at >= (number + 1) * every_ms]


def whole_at(pieces: Iterable[tuple[float, int]], size: int) -> list[float]:
    """When each part of ``size`` bytes was there to its last byte, of a body read in pieces of any length."""
    times: list[float] = []
    total = 0
    for at_ms, length in pieces:
        total += length
        times += [at_ms] * (total // size - len(times))
    return times
