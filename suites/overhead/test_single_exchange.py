"""Single exchanges through the probe, one connection, no load: pytest-benchmark compares the ways.

``--benchmark-autosave`` and ``--benchmark-compare`` work as its users know them.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fixtures.catalogue import stage
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.workloads import Echo, echo_of
from meshproof.cluster.workloads import Workloads
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Exchange
from meshproof.probe.client import Probe

ROUNDS = 60
WARM_UP = 5


@pytest.fixture
def overhead_echo(session: Session, mesh: TraefikMesh, workloads: Workloads) -> Echo:
    """The measure's own server: one backend for both ways."""
    return echo_of(session, mesh, workloads, "overhead")


@stage("measure")
@pytest.mark.parametrize("way", ["direct", "mesh"])
def test_single_exchange(
    benchmark: BenchmarkFixture, probe: Probe, client: Client, overhead_echo: Echo, way: str
) -> None:
    """One GET over a kept connection, timed here: the agent's own part is in both ways alike."""
    benchmark.group = "single exchange"
    url = overhead_echo.direct_url("/") if way == "direct" else overhead_echo.mesh_url("/")
    request = client.request(url, fresh=False)

    def exchange() -> Exchange:
        return probe.send([request])[0]

    last = benchmark.pedantic(exchange, rounds=ROUNDS, warmup_rounds=WARM_UP)

    benchmark.extra_info["in_the_pod_ms"] = last.timing.total_ms
    assert last.status == 200
