"""Circuit breakers: when they open, and what an open one does. Their recovery is in test_recovery.py."""

from typing import Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client, Metered
from fixtures.samples import Sampler
from fixtures.services import OpenedBreaker, ServiceNamed, let_close, open_breaker
from fixtures.workloads import Echo
from meshproof.model.exchange import Exchange
from meshproof.observe.counters import Movement

pytestmark = profile("services")

SAMPLE: Final = 10
GOOD: Final = 8
BAD: Final = 4  # below half of all
WORSE: Final = 16  # above half of all
CHECKED: Final = "/delay/120"  # an answer after more than the 100 ms between two looks at the expression


@requirement("TM-MW-008")
@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        pytest.param("mw-breaker-codes", "/status/500", 500, id="response-codes"),
        pytest.param("mw-breaker-network", "/", 502, id="network-errors"),
        pytest.param("mw-breaker-slow", "/delay/150", 200, id="latency"),
    ],
)
def test_breaker_opens_on_its_expression(  # fixtures, and what differs from case to case
    metered: Metered,
    client: Client,
    service_named: ServiceNamed,
    sampler: Sampler,
    name: str,
    path: str,
    status: int,
) -> None:
    """After an answer that fulfils the expression the proxy says 503 itself, and the server sees nothing."""
    service = service_named(name)
    requests = [client.request(service.mesh_url("/?format=json")) for _ in range(SAMPLE)]

    def opened() -> tuple[list[Exchange], list[Exchange], Movement]:
        answers = open_breaker(lambda: client.get(service.mesh_url(path)))
        return answers, *metered.send(requests, service=service.label, expected=0)

    sample = sampler.take(opened)
    answers, exchanges, movement = sample.exchanges

    assert {each.status for each in answers} <= {status}
    assert len(answers) == 1 or sample.retaken, "one of one fulfils the expression"
    assert [each.status for each in exchanges] == [503] * SAMPLE
    assert {each.response.body for each in exchanges if each.response} == {b"Service Unavailable"}
    assert movement.total == 0


@requirement("TM-MW-008")
def test_breaker_stays_closed_below_its_expression(
    client: Client, service_named: ServiceNamed, sampler: Sampler
) -> None:
    """Errors below the ratio change nothing; with more of them, over it, the breaker opens."""
    service = service_named("mw-breaker-ratio")
    below = ["/"] * GOOD + ["/status/500"] * BAD + [CHECKED] + ["/"] * GOOD
    over = ["/status/500"] * WORSE + [CHECKED]

    def send(paths: list[str]) -> list[int | None]:
        requests = [client.request(service.mesh_url(path), fresh=False) for path in paths]
        return [each.status for each in client.send(requests, concurrency=1)]

    def crossed() -> tuple[list[int | None], list[int | None]]:
        closed = send(below)
        send(over)
        return closed, send(["/"])

    sample = sampler.take(crossed, prepare=lambda: let_close(client, service.mesh_url("/")))
    closed, opened = sample.exchanges

    assert closed == [200] * GOOD + [500] * BAD + [200] * (GOOD + 1)
    assert opened == [503]


@requirement("TM-MW-008")
def test_open_breaker_hurts_nobody_else(client: Client, echo: Echo, opened_breaker: OpenedBreaker) -> None:
    """While a service's breaker is open its neighbours on the same pods are served."""
    broken = client.request(opened_breaker.service.mesh_url("/"))
    others = [client.request(echo.mesh_url("/")) for _ in range(SAMPLE)]

    exchanges = client.send([broken, *others])

    assert opened_breaker.opened_by.status == 500
    assert [each.status for each in exchanges] == [503] + [200] * SAMPLE
