"""A breaker's way back. It was opened early in the session, because this takes 20 s."""

import time
from typing import Final

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.services import OpenedBreaker
from fixtures.verdicts import Facts
from meshproof.engine.waiting import Look, eventually
from meshproof.observe.counters import RELOADS, Counters

pytestmark = profile("services")

FALLBACK_S: Final = 10.0  # Traefik's default: nothing passes
RECOVERS_S: Final = 25.0  # then 10 s in which ever more passes; a quarter of that for a busy machine
SAMPLE: Final = 20


@requirement("TM-MW-009")
def test_breaker_closes_again(
    client: Client, counters: Counters, evidence: Facts, closing_breaker: OpenedBreaker
) -> None:
    """For 10 s nothing passes, then some, and once the recovery is over everything does."""
    passed_at: list[float] = []
    before = counters.scrape()

    def all_pass() -> Look[list[int | None]]:
        requests = [client.request(closing_breaker.service.mesh_url("/")) for _ in range(SAMPLE)]
        statuses = [each.status for each in client.look(requests)]
        since = time.monotonic() - closing_breaker.at
        passed_at.extend([since] * statuses.count(200))
        met = statuses == [200] * SAMPLE
        return Look(
            met=met, value=statuses, seen=f"{statuses.count(200)} of {SAMPLE} pass after {since:.1f} s"
        )

    left = max(0.0, RECOVERS_S - (time.monotonic() - closing_breaker.at))
    eventually(all_pass, what="the breaker is closed", within=left)

    evidence.record({"first_passed_s": min(passed_at), "closed_s": time.monotonic() - closing_breaker.at})
    reloads = counters.scrape().total(RELOADS, {}) - before.total(RELOADS, {})
    assert reloads == 0, "a proxy reloaded meanwhile, which makes every breaker anew"
    assert min(passed_at) >= FALLBACK_S
