"""How a weighted round robin divides: exactly, so that a split is judged without a tolerance. Pure.

Sources: Traefik v2.11, ``pkg/server/service/loadbalancer/wrr`` (HTTP: the earliest deadline first, those of
a backend ``1/weight`` apart) and ``pkg/tcp/wrr_load_balancer.go`` (TCP: down from the greatest weight in
steps of the weights' common divisor). Both repeat themselves after ``sum(weights) / gcd(weights)`` picks: to
walk one period tells how far a backend's count can be from its share, whatever the pick at which a sample
begins.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Final, Literal

from meshproof.model.exchange import Exchange

__all__ = ["Balancer", "by_deployment", "misdivided", "reach"]

Balancer = Literal["http", "tcp"]

_MOST_BACKENDS: Final = 5  # every order of them is walked through: 120 at most


def by_deployment(exchanges: Iterable[Exchange]) -> Counter[str]:
    """How many of the exchanges each Deployment answered; a pod's name is ``<deployment>-<hash>-<hash>``."""
    return Counter(each.seen_by_server.hostname.rsplit("-", 2)[0] for each in exchanges)


def misdivided(
    counts: Mapping[str, int], weights: Mapping[str, int], *, balancers: int, kind: Balancer = "http"
) -> str | None:
    """Why requests were not divided by these weights, or None. ``balancers``: how many proxies took part.

    Each proxy has a balancer of its own, so strayings add up. Raises ValueError for a sample so small that a
    backend which never got a request would pass, and for weights that are all 0.
    """
    if strangers := {name for name, count in counts.items() if count and name not in weights}:
        return f"answered by others than the backends: {', '.join(sorted(strangers))} of {dict(counts)}"
    total, whole = sum(counts.values()), sum(weights.values())
    strays = dict(zip(weights, reach(list(weights.values()), kind), strict=True))
    wrong = []
    for name, weight in weights.items():
        share, bound = Fraction(total * weight, whole), balancers * strays[name]
        if weight and share <= bound:
            raise ValueError(f"{total} requests are too few to judge a weight of {weight} in {whole}")
        if abs(counts.get(name, 0) - share) > bound:
            wrong.append(
                f"{name} got {counts.get(name, 0)} of {total}: its share is {float(share):g}, "
                f"from which {balancers} balancer(s) stray by {float(bound):g} at most"
            )
    return "; ".join(wrong) or None


def reach(weights: Sequence[int], kind: Balancer = "http") -> list[Fraction]:
    """How far each backend's count in any run of picks can be from its share; 0 for a weight of 0.

    Raises ValueError for weights that are negative or all 0, and for more than five backends.
    """
    if min(weights, default=0) < 0 or not any(weights) or len(weights) > _MOST_BACKENDS:
        raise ValueError(f"weights: got {list(weights)}, expected at most {_MOST_BACKENDS}, not all 0")
    farthest = [Fraction(0)] * len(weights)
    for backend, weight in enumerate(weights):
        # A run of picks is what lies between two prefixes, and a tie may be broken anew in each period.
        strays = [
            strayed
            for turns in _periods(weights, kind)
            for strayed in _strayings(turns, backend, Fraction(weight, sum(weights)))
        ]
        farthest[backend] = max(strays) - min(strays)
    return farthest


def _periods(weights: Sequence[int], kind: Balancer) -> Iterator[list[int]]:
    """One period of picks for each order of the backends: a proxy shuffles them when it is configured."""
    turns = _earliest_deadline_first if kind == "http" else _stepping_down
    for order in permutations(range(len(weights))):
        yield [order[pick] for pick in turns([weights[backend] for backend in order])]


def _earliest_deadline_first(weights: Sequence[int]) -> list[int]:
    divisor = math.gcd(*weights)
    deadlines = [
        (Fraction(turn, weight), backend)
        for backend, weight in enumerate(weights)
        for turn in range(1, weight // divisor + 1)
    ]
    return [backend for _, backend in sorted(deadlines)]


def _stepping_down(weights: Sequence[int]) -> list[int]:
    step = math.gcd(*weights)
    return [
        backend
        for level in range(max(weights), 0, -step)
        for backend, weight in enumerate(weights)
        if weight >= level
    ]


def _strayings(turns: Sequence[int], backend: int, share: Fraction) -> Iterator[Fraction]:
    """After each pick of a period: the backend's count less its share."""
    count = 0
    yield Fraction(0)
    for taken, turn in enumerate(turns, start=1):
        count += turn == backend
        yield count - share * taken
