"""How many requests a rate limit lets through, against a simulated bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshproof.judge.token_bucket import TooMany, refusals, tokens_allow
from meshproof.model.exchange import Exchange, Timing
from tests.model.exchanges import a_response, an_exchange


def at(start: float, end: float, status: int | None) -> Exchange:
    """An exchange from ``start`` to ``end`` seconds; no status: no response."""
    made = an_exchange(response=None if status is None else a_response(b"", status=status))
    timing = Timing(started_at=start, connect_ms=None, first_byte_ms=None, total_ms=(end - start) * 1000)
    return Exchange(request=made.request, timing=timing, response=made.response)


def passes(arrivals: list[float], *, average: float, burst: int) -> list[bool]:
    """Traefik's limiter: a request waits for half a token at most."""
    tokens, last, told = float(burst), arrivals[0], []
    for now in arrivals:
        tokens = min(burst, tokens + (now - last) * average)
        last = now
        passed = tokens >= 0.5
        tokens -= passed
        told.append(passed)
    return told


def test_sample_in_figures() -> None:
    sample = [
        at(1.0, 1.1, 200),
        at(1.05, 1.3, 200),
        at(1.2, 1.25, 429),
        at(1.15, 1.5, 429),
        at(1.4, 1.6, None),
    ]

    found = refusals(sample)

    assert (found.passed, found.refused) == (2, 2)
    assert found.until_refused_s == pytest.approx(0.1)
    assert found.lasted_s == pytest.approx(0.6)


def test_burst_within_half_a_token_passes_exactly() -> None:
    burst = TooMany(passed=5, refused=15, until_refused_s=0.0, lasted_s=0.49)

    assert tokens_allow(burst, average=1, burst=5) == range(5, 6)


def test_time_brings_tokens() -> None:
    sample = TooMany(passed=30, refused=70, until_refused_s=0.40, lasted_s=0.42)

    assert tokens_allow(sample, average=50, burst=10) == range(30, 32)


def test_nothing_refused_is_no_more_than_the_upper_bound_allows() -> None:
    assert tokens_allow(refusals([at(0, 0.1, 200)] * 20), average=1, burst=5) == range(6)


@given(
    gaps=st.lists(st.floats(min_value=0.0, max_value=0.05), min_size=2, max_size=200),
    average=st.integers(min_value=1, max_value=50),
    burst=st.integers(min_value=1, max_value=20),
)
def test_what_a_bucket_lets_through_is_within_the_bounds(gaps: list[float], average: int, burst: int) -> None:
    arrivals = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    passed = passes(arrivals, average=average, burst=burst)
    # The lower bound asks for a bucket that was never full again: no gap may bring a whole token.
    sample = [
        at(when - 0.001, when + 0.001, 200 if each else 429)
        for when, each in zip(arrivals, passed, strict=True)
    ]

    allowed = tokens_allow(refusals(sample), average=average, burst=burst)

    assert sum(passed) < allowed.stop
    if max(gaps[1:]) * average < 1:
        assert sum(passed) >= allowed.start


@given(burst=st.integers(min_value=2, max_value=20))
def test_doubled_burst_is_noticed(burst: int) -> None:
    arrivals = [index / 1000 for index in range(100)]
    sample = [
        at(when, when, 200 if each else 429)
        for when, each in zip(arrivals, passes(arrivals, average=1, burst=2 * burst), strict=True)
    ]

    assert sum(each.status == 200 for each in sample) not in tokens_allow(
        refusals(sample), average=1, burst=burst
    )
