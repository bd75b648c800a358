"""A TrafficSplit that changes, and one that goes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.probe import Client
from fixtures.samples import Sampler
from fixtures.smi import Smi, SmiService, documents
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.judge.smi import split_weights
from meshproof.judge.split import by_deployment, misdivided
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = profile("services")

SAMPLE: Final = 25  # five periods of 4 to 1
FEW: Final = 12
RATE: Final = 50.0  # requests/s: one every 20 ms, far less than a proxy carries


def the_split(smi: Smi) -> dict[str, Any]:
    """The split that these checks change."""
    return next(each for each in documents("splits", smi.namespace) if each["metadata"]["name"] == "moving")


@pytest.fixture
def moving(smi: Smi, smi_service: SmiService, splits: float) -> Iterator[Echo]:
    """The service that is divided 4 to 1; its split is as written again afterwards."""
    del splits
    try:
        yield smi_service("moving")
    finally:
        smi.put_back(the_split(smi))


@requirement("TM-SMI-003")
@stage("change")
def test_changed_weights_are_followed(
    smi: Smi, sampler: Sampler, client: Client, moving: Echo, mesh: TraefikMesh, evidence: Facts
) -> None:
    """Every proxy takes up weights that are swapped under load, divides by them, and fails no request."""
    swapped = {"v1": 1, "v2": 4}

    def divides(configuration: Mapping[str, Any]) -> bool:
        return split_weights(configuration, "moving", service="moving", namespace=smi.namespace) == swapped

    with client.steady(moving.mesh_url("/?format=json"), rate=RATE) as traffic:
        backends = [{"service": name, "weight": weight} for name, weight in swapped.items()]
        smi.change(the_split(smi), {"backends": backends})
        smi.in_every_proxy("weights swapped", divides)
    requests = [client.request(moving.mesh_url("/?format=json")) for _ in range(SAMPLE)]
    sample = sampler.take(lambda: client.send(requests))

    got = by_deployment(sample.exchanges)
    evidence.record({"divided": got})
    assert misdivided(got, swapped, balancers=len(mesh.proxies())) is None
    assert traffic.result.lost == 0, traffic.result.told()


@requirement("TM-SMI-004")
@stage("change")
def test_service_without_its_split_is_itself_again(smi: Smi, client: Client, moving: Echo) -> None:
    """Once the split is gone from every proxy the service's own pods answer, under its own name."""

    def whole(configuration: Mapping[str, Any]) -> bool:
        return split_weights(configuration, "moving", service="moving", namespace=smi.namespace) is None

    smi.delete(the_split(smi))
    smi.in_every_proxy("split removed", whole)

    exchanges = client.send([client.request(moving.mesh_url("/?format=json")) for _ in range(FEW)])
    assert by_deployment(exchanges) == {"server": FEW}
    assert {each.seen_by_server.host for each in exchanges} == {moving.mesh_host}
