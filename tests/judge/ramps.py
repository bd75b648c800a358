"""Recordings of ramps over paths of known capacity: users with slots, and one server that takes turns."""

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from meshproof.model.load import RecordedCell, RecordedPhase, Recording, Restart
from tests.judge.recordings import ARMS, histogram, profile

RATES = (100.0, 200.0, 300.0, 400.0, 600.0)
USERS = 20
PHASE_S = 1.0
SETTLE_S = 0.2
BASE_S = 0.0008  # a request that waits for none


@dataclass(kw_only=True)
class Path:
    """What an arm goes through: how many requests a second it serves, how the generator fares in it."""

    capacity_per_s: float
    cpu_share: float = 0.3
    late_ms: float = 0.8
    opens_s: float = 0.0  # nothing is served in a phase before that
    fails: Callable[[int], bool] = field(default=lambda number: number < 0)  # by the request's number


def ramp(
    paths: Mapping[str, Path],
    *,
    rates: Sequence[float] = RATES,
    rounds: int = 6,
    seed: int = 1,
    spread: float = 0.03,
    hiccups: Sequence[tuple[str, float, int]] = (),
    restarts: Sequence[Restart] = (),
) -> Recording:
    """Capacities scatter by ``spread`` from cell to cell; in a hiccup (arm, rate, round) it is a tenth."""
    made = msgspec.structs.replace(
        profile(rounds=rounds),
        phase_s=PHASE_S,
        settle_s=SETTLE_S,
        users=USERS,
        arrival_rate_per_s=0.0,
        rates_per_s=list(rates),
    )
    draw = random.Random(seed)  # noqa: S311 - test data
    keys = [(arm, number) for number in range(made.all_rounds) for arm in ARMS]
    cells = []
    for arm, number in keys:
        rate = made.rate_in(number)
        slow = 0.1 if (arm, rate, number // len(rates)) in hiccups else 1.0
        capacity = paths[arm].capacity_per_s * slow * draw.gauss(1.0, spread)
        cells.append(_cell(arm, number, rate, capacity, paths[arm], draw))
    return Recording(
        profile=made,
        arms=dict(ARMS),
        started="2030-01-01T00:00:00.000+00:00",
        phases=[
            RecordedPhase(arm=arm, round=n, starts_s=1 + PHASE_S * k, ends_s=1 + PHASE_S * (k + 1))
            for k, (arm, n) in enumerate(keys)
        ],
        cells=cells,
        lookups_ms={arm: [0.1] for arm in ARMS},
        warmup=dict.fromkeys(ARMS, (10, 0)),
        restarts=list(restarts),
    )


def _cell(
    arm: str, number: int, rate: float, capacity: float, path: Path, draw: random.Random
) -> RecordedCell:
    """Each user sends in its slots, late where its last answer was; the server takes one after another."""
    interval = USERS / rate
    first = {user: interval * draw.random() for user in range(USERS)}
    queue = [(at, user, 0) for user, at in first.items()]
    heapq.heapify(queue)
    free_s, unsent = path.opens_s, 0
    sent: list[tuple[float, float, float]] = []  # intended, sent, answered: seconds since the phase began
    while queue:
        sends, user, k = heapq.heappop(queue)
        intended, following = first[user] + k * interval, first[user] + (k + 1) * interval
        if intended >= PHASE_S:
            continue
        if sends >= PHASE_S:
            unsent += 1
            heapq.heappush(queue, (sends, user, k + 1))
            continue
        free_s = max(sends, free_s) + 1 / capacity
        sent.append((intended, sends, free_s + BASE_S))
        woken = following + draw.expovariate(1 / 0.0007)
        heapq.heappush(queue, (max(free_s + BASE_S, woken), user, k + 1))
    return _recorded(arm, number, path, sent, unsent)


def _recorded(
    arm: str, number: int, path: Path, sent: Sequence[tuple[float, float, float]], unsent: int
) -> RecordedCell:
    failed = [place for place, _ in enumerate(sent, start=1) if path.fails(place)]
    answered = [each for place, each in enumerate(sent, start=1) if place not in set(failed)]
    measured = [each for each in answered if each[0] >= SETTLE_S]
    lags = [sends - intended for intended, sends, _ in sent if intended >= SETTLE_S]
    return RecordedCell(
        arm=arm,
        round=number,
        requests=len(sent),
        errors={"HTTP 503": len(failed)} if failed else {},
        discarded=len(answered) - len(measured),
        beyond=0,
        unsent=unsent,
        connections=0,
        cpu_share=path.cpu_share,
        service=histogram([(ends - sends) * 1000 for _, sends, ends in measured]),
        response=histogram([(ends - intended) * 1000 for intended, _, ends in measured]),
        lag=histogram([max(each * 1000, 0.001) for each in lags]),
        late=histogram([path.late_ms] * 30),
    )
