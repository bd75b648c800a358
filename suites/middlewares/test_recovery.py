"""A breaker's way back. It was opened early in the session, because this takes 20 s."""

import time
from typing import Final

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.samples import Sampler
from fixtures.services import Breakers
from fixtures.verdicts import Facts
from meshproof.engine.waiting import Look, eventually

pytestmark = profile("services")

FALLBACK_S: Final = 10.0  # Traefik's default: nothing passes
RECOVERS_S: Final = 25.0  # then 10 s in which ever more passes; a quarter of that for a busy machine
SAMPLE: Final = 20


@requirement("TM-MW-009")
def test_breaker_closes_again(client: Client, evidence: Facts, breakers: Breakers, sampler: Sampler) -> None:
    """For 10 s nothing passes, then some, and once the recovery is over everything does."""

    def recovered() -> tuple[float, float]:
        """When the first request passed, and when all did, in seconds since the breaker opened."""
        opened, passed_at = breakers.opened(), list[float]()

        def all_pass() -> Look[list[int | None]]:
            requests = [client.request(opened.service.mesh_url("/")) for _ in range(SAMPLE)]
            statuses = [each.status for each in client.look(requests)]
            since = time.monotonic() - opened.at
            passed_at.extend([since] * statuses.count(200))
            met = statuses == [200] * SAMPLE
            return Look(
                met=met, value=statuses, seen=f"{statuses.count(200)} of {SAMPLE} pass after {since:.1f} s"
            )

        left = max(0.0, RECOVERS_S - (time.monotonic() - opened.at))
        eventually(all_pass, what="the breaker is closed", within=left)
        return min(passed_at), time.monotonic() - opened.at

    try:
        first_passed_s, closed_s = sampler.take(recovered).exchanges
    finally:
        breakers.forget()

    evidence.record({"first_passed_s": first_passed_s, "closed_s": closed_s})
    assert first_passed_s >= FALLBACK_S
