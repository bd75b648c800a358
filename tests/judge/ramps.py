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
    queue = [(interval * draw.random(), user, 0) for user in range(USERS)]
    first = {user: at for at, user, _ in queue}
    heapq.heapify(queue)
    free_s = path.opens_s
    sent, discarded, unsent, errors = 0, 0, 0, 0
    service, response, lag = [], [], []
    while queue:
        sends, user, k = heapq.heappop(queue)
        intended = first[user] + k * interval
        if intended >= PHASE_S:
            continue
        if sends >= PHASE_S:
            unsent += 1
            heapq.heappush(queue, (sends, user, k + 1))
            continue
        sent += 1
        free_s = max(sends, free_s) + 1 / capacity
        ends = free_s + BASE_S
        if path.fails(sent):
            errors += 1
        elif intended < SETTLE_S:
            discarded += 1
        else:
            service.append((ends - sends) * 1000)
            response.append((ends - intended) * 1000)
        if intended >= SETTLE_S:
            lag.append((sends - intended) * 1000)
        woken = first[user] + (k + 1) * interval + draw.expovariate(1 / 0.0007)
        heapq.heappush(queue, (max(ends, woken), user, k + 1))
    return RecordedCell(
        arm=arm,
        round=number,
        requests=sent,
        errors={"HTTP 503": errors} if errors else {},
        discarded=discarded,
        beyond=0,
        unsent=unsent,
        connections=0,
        cpu_share=path.cpu_share,
        service=histogram(service),
        response=histogram(response),
        lag=histogram([max(each, 0.001) for each in lag]),
        late=histogram([path.late_ms] * 30),
    )
