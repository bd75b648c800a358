"""Rate limits: how much passes, computed from the token bucket and the times that were measured."""

from typing import Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client, Metered
from fixtures.services import ServiceNamed, label_of
from fixtures.workloads import Echo
from meshproof.judge.token_bucket import refusals, tokens_allow
from meshproof.model.exchange import Request

pytestmark = profile("services")

BURST: Final = 5  # of the services with one token a second
STORM: Final = 20  # four times the burst
AVERAGE: Final = 20  # tokens a second of mw-average; its burst is twice BURST
LONG: Final = 250  # requests one after another, 2 to 15 ms each: three times faster than the limit at least


def storm(client: Client, service: Echo, *, port: int | None = None) -> list[Request]:
    """More requests than the burst, over connections that are there."""
    return [client.request(service.mesh_url("/?format=json", port=port), fresh=False) for _ in range(STORM)]


@requirement("TM-MW-005")
def test_burst_passes_and_no_more(metered: Metered, client: Client, service_named: ServiceNamed) -> None:
    """Of many requests at once as many pass as the bucket holds; the rest gets 429 and reaches nobody."""
    service = service_named("mw-burst")

    exchanges, movement = metered.send(storm(client, service), service=service.label, expected=BURST)

    found = refusals(exchanges)
    assert found.passed + found.refused == STORM
    assert found.passed in tokens_allow(found, average=1, burst=BURST)
    assert movement.total == found.passed
    assert not [each.told() for each in exchanges if each.status == 429 and each.seen]


@requirement("TM-MW-005")
def test_refused_client_is_told_when_to_come_again(client: Client, service_named: ServiceNamed) -> None:
    """A 429 carries Retry-After in whole seconds: a token takes one, and half of one may be owed."""
    exchanges = client.send(storm(client, service_named("mw-burst")))

    told = {each.response.header("Retry-After") for each in exchanges if each.response and each.status == 429}
    assert told
    assert told <= {"1", "2"}


@requirement("TM-MW-006")
def test_average_passes_over_time(metered: Metered, client: Client, service_named: ServiceNamed) -> None:
    """Of requests that never cease, the burst and the average times the seconds pass, to the request."""
    service = service_named("mw-average")
    url = service.mesh_url("/")
    requests = [client.request(url, fresh=False) for _ in range(LONG)]

    exchanges, movement = metered.send(requests, service=service.label, expected=2 * BURST, concurrency=1)

    found = refusals(exchanges)
    assert found.passed + found.refused == LONG
    assert found.passed in tokens_allow(found, average=AVERAGE, burst=2 * BURST)
    assert found.passed > 2 * BURST, "the sample was over before a token came"
    assert movement.total == found.passed


@requirement("TM-MW-007")
def test_other_services_are_not_limited(
    metered: Metered, client: Client, echo: Echo, service_named: ServiceNamed
) -> None:
    """While one service's limit is used up, another has all of its own, and one without a limit is served."""
    used_up, neighbour = service_named("mw-burst"), service_named("mw-neighbour")

    spent = client.send(storm(client, used_up))
    exchanges, _ = metered.send(storm(client, neighbour), service=neighbour.label, expected=BURST)
    free = client.send(storm(client, echo))

    assert refusals(spent).refused > 0, "the limit was not used up"
    found = refusals(exchanges)
    assert found.passed in tokens_allow(found, average=1, burst=BURST)
    assert [each.status for each in free] == [200] * STORM


@requirement("TM-MW-007")
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-Ip", "Forwarded"])
def test_limit_is_not_escaped_by_another_name(
    client: Client, service_named: ServiceNamed, header: str
) -> None:
    """Who claims another address in each request has no more of the limit than who does not."""
    service = service_named("mw-forged")
    requests = [
        client.request(service.mesh_url("/"), headers=[(header, f"203.0.113.{number}")], fresh=False)
        for number in range(STORM)
    ]

    found = refusals(client.send(requests))

    assert found.passed + found.refused == STORM
    assert found.passed <= max(tokens_allow(found, average=1, burst=BURST))


@requirement("TM-MW-015")
def test_limit_holds_over_all_ports(metered: Metered, client: Client, service_named: ServiceNamed) -> None:
    """A service's limit is the service's: what is refused on one port is not let through on another."""
    service = service_named("mw-ports")
    label = label_of(service, 8081)
    requests = [*storm(client, service), *storm(client, service, port=8081)]

    exchanges, _ = metered.send(requests, service=label, expected=0)

    found = refusals(exchanges)
    assert found.passed + found.refused == 2 * STORM
    assert found.passed in tokens_allow(found, average=1, burst=BURST)
