"""Retry: what is tried again, how often, and what never is. A proxy counts each try as a request."""

import hashlib
from typing import Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client, Metered
from fixtures.services import CLOSING, REFUSED, ServiceNamed, label_of
from fixtures.wire import IDENTITY, Wire, new_identity
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = profile("services")

SAMPLE: Final = 10
TRIES: Final = 3  # the annotation of mw-retry: Traefik counts the first try, too
BODY: Final = bytes(index % 251 for index in range(100_000))


@requirement("TM-MW-001")
@pytest.mark.parametrize(("name", "tries"), [("mw-retry", TRIES), ("mw-retry-six", 6)])
def test_refused_connection_is_tried_again(
    metered: Metered, client: Client, service_named: ServiceNamed, name: str, tries: int
) -> None:
    """Each request to a port where nobody listens is tried as often as annotated, and then answered 502."""
    service = service_named(name)
    requests = [client.request(service.mesh_url(port=REFUSED)) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=label_of(service, REFUSED), expected=SAMPLE * tries)

    assert [each.status for each in exchanges] == [502] * SAMPLE
    assert movement.requests == {("502", "GET"): SAMPLE * tries}


@requirement("TM-MW-002")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/status/503", id="unavailable"),
        pytest.param("/status/500", id="error"),
        pytest.param("/reset", id="broken-off"),
    ],
)
def test_started_answer_is_not_tried_again(
    client: Client, echo: Echo, workloads: Workloads, service_named: ServiceNamed, path: str
) -> None:
    """Whatever a server answered, and even if it broke off, it sees the request once."""
    service, identity = service_named("mw-retry"), new_identity()

    client.get(service.mesh_url(path), headers=[(IDENTITY, identity)])

    assert Wire(client, echo, workloads).times_seen(identity) == {identity: 1}


@requirement("TM-MW-002")
def test_connection_that_carried_the_request_is_not_tried_again(
    metered: Metered, client: Client, echo: Echo, workloads: Workloads, service_named: ServiceNamed
) -> None:
    """A server that takes the connection and closes it may have done the work: it is asked once."""
    service, wire = service_named("mw-retry"), Wire(client, echo, workloads)
    requests = [client.request(service.mesh_url(port=CLOSING)) for _ in range(SAMPLE)]

    before = wire.times_seen("closed-connections")["closed-connections"]
    exchanges, movement = metered.send(requests, service=label_of(service, CLOSING), expected=SAMPLE)

    assert wire.times_seen("closed-connections")["closed-connections"] - before == SAMPLE
    assert [each.status for each in exchanges] == [502] * SAMPLE
    assert movement.total == SAMPLE


@requirement("TM-MW-003")
def test_without_the_annotation_nothing_is_tried_again(
    metered: Metered, client: Client, service_named: ServiceNamed
) -> None:
    """A service that asks for no retry has each refused request tried once."""
    service = service_named("mw-none")
    requests = [client.request(service.mesh_url(port=REFUSED)) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=label_of(service, REFUSED), expected=SAMPLE)

    assert [each.status for each in exchanges] == [502] * SAMPLE
    assert movement.requests == {("502", "GET"): SAMPLE}


@requirement("TM-MW-004")
def test_retry_goes_to_the_endpoint_that_works(
    metered: Metered, client: Client, service_named: ServiceNamed, mesh: TraefikMesh
) -> None:
    """With one endpoint of two refusing, every request succeeds, and half of all tries were in vain."""
    service = service_named("mw-halfway")
    requests = [client.request(service.mesh_url("/?format=json")) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=service.label, expected=SAMPLE, concurrency=1)

    assert [each.status for each in exchanges] == [200] * SAMPLE
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]
    # Tries take turns between the two, one request after another: half of all tries, but one, are refused.
    assert movement.requests[("200", "GET")] == SAMPLE
    assert abs(movement.requests.get(("502", "GET"), 0) - SAMPLE) <= len(mesh.proxies())


@requirement("TM-MW-018")
def test_request_that_is_tried_again_arrives_whole(
    metered: Metered, client: Client, service_named: ServiceNamed
) -> None:
    """Method, headers and body of a request are the same on its second try."""
    service = service_named("mw-halfway")
    requests = [
        client.request(
            service.mesh_url("/?format=json"), method="POST", body=BODY, headers=[("X-Try", "whole")]
        )
        for _ in range(4)
    ]

    exchanges, movement = metered.send(requests, service=service.label, expected=4, concurrency=1)

    assert movement.total > len(requests), "none of them was tried again"
    for seen in (each.seen_by_server for each in exchanges):
        assert (seen.method, seen.header("X-Try")) == ("POST", "whole")
        assert seen.body_sha256 == hashlib.sha256(BODY).hexdigest()


@requirement("TM-MW-020")
def test_retries_are_counted(metered: Metered, client: Client, service_named: ServiceNamed) -> None:
    """Each try after the first moves the service's counter of retries by one."""
    service = service_named("mw-retry")
    requests = [client.request(service.mesh_url(port=REFUSED)) for _ in range(SAMPLE)]

    _, movement = metered.send(requests, service=label_of(service, REFUSED), expected=SAMPLE * TRIES)

    assert movement.total == SAMPLE * TRIES
    assert movement.retries == SAMPLE * (TRIES - 1)
