"""Single exchanges through the probe, one connection, no load: pytest-benchmark compares the ways.

``--benchmark-autosave`` and ``--benchmark-compare`` work as its users know them.
"""

import statistics

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
    """One GET over a kept connection, timed here; what the agent adds to it is told beside the figures."""
    benchmark.group = "single exchange"
    url = overhead_echo.direct_url("/") if way == "direct" else overhead_echo.mesh_url("/")
    request = client.request(url, fresh=False)

    in_the_pod_ms: list[float] = []

    def exchange() -> Exchange:
        answered = probe.send([request])[0]
        in_the_pod_ms.append(answered.timing.total_ms)
        return answered

    last = benchmark.pedantic(exchange, rounds=ROUNDS, warmup_rounds=WARM_UP)

    assert last.status == 200
    if benchmark.stats is not None:  # None under --benchmark-disable
        here_ms = benchmark.stats.stats.median * 1000
        benchmark.extra_info["agent_adds_ms"] = here_ms - statistics.median(in_the_pod_ms[WARM_UP:])
