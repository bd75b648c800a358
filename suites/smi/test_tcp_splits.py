"""TrafficSplit over TCP: each connection goes to one backend, by weight."""

from typing import Final

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.samples import Sampler
from fixtures.smi import SmiService
from fixtures.verdicts import Facts
from meshproof.judge.split import misdivided
from meshproof.mesh.traefik_mesh import TraefikMesh

pytestmark = profile("services")

CONNECTIONS: Final = 40  # eight periods of 80 to 20: a share of 75 is seen


def answered_by(answer: bytes) -> str:
    """The Deployment of the pod that answered WHO; what came instead, where none did."""
    lines = dict(line.split(": ", 1) for line in answer.decode().splitlines() if ": " in line)
    return lines["Hostname"].rsplit("-", 2)[0] if "Hostname" in lines else repr(answer)


def divided(client: Client, host: str) -> dict[str, int]:
    """How many of some connections each Deployment answered."""
    answers = [answered_by(client.tcp(host, 9000, b"WHO\n").received) for _ in range(CONNECTIONS)]
    return {name: answers.count(name) for name in answers}


@requirement("TM-SMI-010")
def test_connections_are_divided_by_weight(
    sampler: Sampler,
    client: Client,
    smi_service: SmiService,
    splits: float,
    mesh: TraefikMesh,
    evidence: Facts,
) -> None:
    """Of forty connections thirty-two reach v1 and eight v2."""
    del splits
    host = smi_service("shop-tcp").mesh_host

    sample = sampler.take(lambda: [divided(client, host)])

    got = sample.exchanges[0]
    evidence.record({"divided": got})
    assert misdivided(got, {"v1": 80, "v2": 20}, balancers=len(mesh.proxies()), kind="tcp") is None


@requirement("TM-SMI-043")
def test_connections_are_divided_where_the_target_port_has_a_name(
    sampler: Sampler, client: Client, smi_service: SmiService, splits: float, mesh: TraefikMesh
) -> None:
    """A split service whose port leads to a container port by its name is divided like any other."""
    del splits
    host = smi_service("named-tcp").mesh_host

    sample = sampler.take(lambda: [divided(client, host)])

    assert (
        misdivided(sample.exchanges[0], {"v1": 1, "v2": 1}, balancers=len(mesh.proxies()), kind="tcp") is None
    )
