"""How far a weighted round robin can stray from its shares, against a balancer that picks."""

import heapq
import random
from collections import Counter
from fractions import Fraction

import pytest

from meshproof.judge.split import Balancer, by_deployment, misdivided, reach
from tests.model.exchanges import echoed


def traefik_http(weights: list[int], picks: int, chance: random.Random) -> list[int]:
    """Traefik's balancer for HTTP, as it is written; ties are broken by chance."""
    deadlines = [(Fraction(1, weight), chance.random(), n) for n, weight in enumerate(weights) if weight]
    heapq.heapify(deadlines)
    picked = []
    for _ in range(picks):
        deadline, _, backend = heapq.heappop(deadlines)
        heapq.heappush(deadlines, (deadline + Fraction(1, weights[backend]), chance.random(), backend))
        picked.append(backend)
    return picked


@pytest.mark.parametrize("weights", [[80, 20], [1, 1], [1, 3], [50, 30, 20], [7, 2], [5, 0, 3]], ids=str)
def test_no_run_of_picks_strays_farther_and_some_run_strays_as_far(weights: list[int]) -> None:
    farthest = [Fraction(0)] * len(weights)
    for seed in range(20):
        picked = traefik_http(weights, 60, random.Random(seed))  # noqa: S311  # repeatable
        for start in range(30):
            for end in range(start + 1, 61):
                counts = Counter(picked[start:end])
                for n, weight in enumerate(weights):
                    stray = abs(counts[n] - Fraction((end - start) * weight, sum(weights)))
                    farthest[n] = max(farthest[n], stray)

    assert farthest == reach(weights)


@pytest.mark.parametrize(
    ("weights", "kind", "expected"),
    [
        pytest.param([80, 20], "http", [1, 1], id="http"),
        pytest.param([80, 20], "tcp", [1, 1], id="tcp"),
        pytest.param([2, 2], "tcp", [1, 1], id="equal"),
        pytest.param([1, 0], "http", [0, 0], id="weight-0"),
        pytest.param([50, 30, 20], "tcp", [2, 1.5, 1.6], id="tcp-steps-down"),
    ],
)
def test_reach_of_weights(weights: list[int], kind: Balancer, expected: list[float]) -> None:
    assert [float(each) for each in reach(weights, kind)] == expected


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [1] * 6], ids=str)
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        reach(weights)


@pytest.mark.parametrize(
    ("counts", "balancers"),
    [
        pytest.param({"v1": 40, "v2": 10}, 1, id="exact"),
        pytest.param({"v1": 41, "v2": 9}, 1, id="one-off"),
        pytest.param({"v1": 42, "v2": 8}, 2, id="one-off-at-each-of-two"),
    ],
)
def test_counts_within_reach_pass(counts: dict[str, int], balancers: int) -> None:
    assert misdivided(counts, {"v1": 80, "v2": 20}, balancers=balancers) is None


@pytest.mark.parametrize(
    ("counts", "weights", "why"),
    [
        pytest.param(
            {"v1": 10, "v2": 40},
            {"v1": 80, "v2": 20},
            "v1 got 10 of 50: its share is 40, from which 1 balancer(s) stray by 1 at most; v2 got 40",
            id="swapped",
        ),
        pytest.param({"v1": 50}, {"v1": 80, "v2": 20}, "v2 got 0 of 50", id="dropped"),
        pytest.param({"v1": 49, "v2": 1}, {"v1": 1, "v2": 0}, "v2 got 1 of 50: its share is 0", id="zero"),
        pytest.param({"v1": 50, "x": 1}, {"v1": 1}, "others than the backends: x", id="stranger"),
    ],
)
def test_counts_beyond_reach_are_told(counts: dict[str, int], weights: dict[str, int], why: str) -> None:
    assert why in (misdivided(counts, weights, balancers=1) or "")


def test_sample_in_which_a_backend_may_be_missed_is_refused() -> None:
    with pytest.raises(ValueError, match="5 requests are too few to judge a weight of 20 in 100"):
        misdivided({"v1": 5}, {"v1": 80, "v2": 20}, balancers=1)


def test_exchanges_are_counted_by_the_deployment_that_answered() -> None:
    exchanges = [echoed(hostname=name) for name in ("v1-5d9c-x2x9z", "v1-5d9c-abcde", "front-end-77-q")]

    assert by_deployment(exchanges) == {"v1": 2, "front-end": 1}
