"""How many requests a rate limit lets through, computed from its token bucket and from when they were sent.

A bucket holds at most ``burst`` tokens, is full at first, and gains ``average`` of them in a second. A
request takes one; where less than half a token is there it is refused, otherwise it waits for the rest of it.
So right after a refusal the bucket holds between -1/2 and 1/2.
Source: Traefik v2.11 documentation, RateLimit; ``pkg/middlewares/ratelimiter``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from meshproof.model.exchange import Exchange

__all__ = ["TooMany", "refusals", "tokens_allow"]


@dataclass(frozen=True, kw_only=True)
class TooMany:
    """What came of a sample at a limit: counts, and bounds in seconds on when the requests arrived.

    From the first arrival to the last refusal ``until_refused_s`` passed at least, to the last arrival
    ``lasted_s`` at most.
    """

    passed: int
    refused: int
    until_refused_s: float
    lasted_s: float


def refusals(exchanges: Sequence[Exchange]) -> TooMany:
    """A sample in figures: a request arrived some time between its start and its end, by the client."""
    ends = [each.timing.started_at + each.timing.total_ms / 1000 for each in exchanges]
    starts = [each.timing.started_at for each in exchanges]
    refused = [each.timing.started_at for each in exchanges if each.status == 429]
    return TooMany(
        passed=sum(each.status == 200 for each in exchanges),
        refused=len(refused),
        until_refused_s=max(0.0, max(refused) - min(ends)) if refused else 0.0,
        lasted_s=max(ends) - min(starts),
    )


def tokens_allow(found: TooMany, *, average: float, burst: int) -> range:
    """The counts of passed requests that a bucket explains which was full at first and never again.

    Nothing refused means that the bucket was never found empty: then only the upper bound stands.
    """
    most = math.floor(burst + average * found.lasted_s + 0.5)
    least = math.floor(burst + average * found.until_refused_s - 0.5) + 1 if found.refused else 0
    return range(least, most + 1)
