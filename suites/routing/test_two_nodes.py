"""Two nodes, a proxy on each. Which one a connection meets is chance; what happens there is not."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import FOLLOWS_S, proxies_have
from fixtures.probe import Client, Metered
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.nodes import nodes_of
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.judge.configuration import routers, servers_by_service
from meshproof.judge.crossing import backends, evenness, went_around
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Exchange, Request
from meshproof.model.exposition import total
from meshproof.observe.counters import REQUESTS, Counters
from meshproof.probe.client import Probe

pytestmark = profile("two-nodes")

# Connections in one sample. A fair choice between two proxies sends all of them to the same one with a
# probability of 2 ** -59, and at most BURST of them to one of the two with 1e-11.
SAMPLE: Final = 60
BURST: Final = 5  # requests that each proxy lets through at once
RESERVED_S: Final = 0.5  # a request that comes so much too early waits for its turn: 1 / (2 * average)


def by_proxy(exchanges: Sequence[Exchange]) -> dict[str, list[Exchange]]:
    """The exchanges by the proxy that the server was told of."""
    found = defaultdict(list)
    for each in exchanges:
        found[each.seen_by_server.header("X-Forwarded-Server") or "none"].append(each)
    return dict(found)


@requirement("TM-ROUTE-080")
def test_proxy_of_each_node_carries_traffic(
    client: Client, spread: Echo, mesh: TraefikMesh, kube: KubeApi, evidence: Facts
) -> None:
    """Every node has one proxy, and each of them gets some of the connections of a client on one node."""
    proxies = mesh.proxies()
    nodes = sorted(each["metadata"]["name"] for each in kube.items("/api/v1/nodes"))

    exchanges = client.send([client.request(spread.mesh_url("/?format=json")) for _ in range(SAMPLE)])

    carried = {name: len(each) for name, each in by_proxy(exchanges).items()}
    evidence.record({"carried": carried, "nodes": {each.name: each.node for each in proxies}})
    assert sorted(each.node for each in proxies) == nodes
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, proxies))]
    assert carried.keys() == {each.name for each in proxies}


@requirement("TM-ROUTE-081")
def test_each_proxy_spreads_evenly_over_both_nodes(
    metered: Metered, client: Client, spread: Echo, workloads: Workloads, kube: KubeApi, evidence: Facts
) -> None:
    """Through either proxy every replica gets its share, on whichever node it runs."""
    replicas = [each.name for each in workloads.pods("spread") if each.ready]
    nodes = nodes_of(kube, workloads.namespace, "app=spread")
    assert len({nodes[each] for each in replicas}) == 2, f"the replicas are not on two nodes: {nodes}"
    requests = [client.request(spread.mesh_url("/?format=json")) for _ in range(SAMPLE)]

    exchanges, movement = metered.send(requests, service=spread.label, expected=SAMPLE)

    assert movement.reloads == 0, "a proxy reloaded twice while the sample was taken"
    shares = {name: backends(each) for name, each in by_proxy(exchanges).items()}
    evidence.record({"shares": {name: dict(counts) for name, counts in shares.items()}})
    assert len(shares) == 2
    uneven = {name: evenness(counts, replicas, proxies=1) for name, counts in shares.items()}
    assert not {name: said for name, said in uneven.items() if said}


@requirement("TM-ROUTE-083")
def test_counters_add_up_over_the_proxies(
    counters: Counters, client: Client, spread: Echo, mesh: TraefikMesh, evidence: Facts
) -> None:
    """Each proxy counts the requests that it carried, and nobody counts one twice."""
    names = {each.uid: each.name for each in mesh.proxies()}
    before = counters.scrape()

    exchanges = client.send([client.request(spread.mesh_url("/?format=json")) for _ in range(SAMPLE)])

    movement = counters.settled(before, spread.label, expected=SAMPLE)
    after = counters.scrape()
    here = {"service": spread.label}
    counted = {
        names[key.partition("@")[0]]: total(samples, REQUESTS, here)
        - total(before.by_proxy[key], REQUESTS, here)
        for key, samples in after.by_proxy.items()
    }
    evidence.record({"counted": counted, **movement.facts()})
    assert movement.total == SAMPLE
    assert counted == {name: len(each) for name, each in by_proxy(exchanges).items()}


@requirement("TM-ROUTE-085")
def test_pods_reach_one_another_across_nodes(
    probe: Probe, workloads: Workloads, kube: KubeApi, evidence: Facts
) -> None:
    """The environment's own proof: without a mesh a pod reaches the pods of both nodes, as itself."""
    nodes = nodes_of(kube, workloads.namespace, "app=spread")
    pods = {each.name: each for each in workloads.pods("spread")}
    sender = workloads.pods("client")[0].ip
    urls = {name: f"http://{each.ip}:8080/?format=json" for name, each in pods.items()}

    exchanges = probe.send([Request(id=name, url=url, timeout_s=3.0) for name, url in urls.items()])

    evidence.record({"nodes": nodes, "said": [each.told() for each in exchanges]})
    seen = [each.seen_by_server for each in exchanges]
    assert len({nodes[name] for name in pods}) == 2
    assert [each.hostname for each in seen] == list(pods)
    assert {each.remote_ip for each in seen} == {sender}


@pytest.fixture(scope="module")
def limited(mesh: TraefikMesh, workloads: Workloads) -> Iterator[str]:
    """A Service of the spread server that is made now, of one request a second; its router's name."""
    annotations = {"mesh.traefik.io/ratelimit-average": "1", "mesh.traefik.io/ratelimit-burst": str(BURST)}
    spec = {"selector": {"app": "spread"}, "ports": [{"name": "web", "port": 80, "targetPort": 8080}]}
    metadata = {"name": "limited", "annotations": annotations}
    assert mesh.proxies(), "no proxy is alive"
    try:
        workloads.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        yield f"{workloads.namespace}-limited-80"
    finally:
        workloads.remove_service("limited")


@requirement("TM-ROUTE-082")
@stage("change")
def test_every_proxy_takes_up_a_change(mesh: TraefikMesh, limited: str, evidence: Facts) -> None:
    """A service that is created now is a route of each proxy, as the controller wants it, in seconds."""

    def as_wanted(has: Mapping[str, Any]) -> bool:
        wanted = mesh.configuration()
        both = routers(wanted), servers_by_service(wanted)
        return limited in both[0] and (routers(has), servers_by_service(has)) == both

    took = proxies_have(mesh, as_wanted, what=f"{limited} is as the controller wants it")

    evidence.record({"seconds_by_proxy": took})
    evidence.converged(max(took.values()))
    assert len(took) == 2


@requirement("TM-ROUTE-084")
@stage("change")
def test_rate_limit_is_each_proxys_own(
    client: Client, limited: str, workloads: Workloads, mesh: TraefikMesh, evidence: Facts
) -> None:
    """Each proxy lets its own burst through: a service gets the limit once for each proxy."""
    proxies_have(mesh, lambda has: limited in routers(has), what=f"{limited} is a route")
    host = mesh.mesh_host("limited", workloads.namespace)

    def connects() -> Look[None]:
        error = client.tcp(host, 80).error  # nothing is asked: the buckets stay full
        return Look(met=error is None, value=None, seen=str(error))

    eventually(connects, what=f"{host} takes connections", within=FOLLOWS_S, successes=3)

    # One after another: a proxy makes two buckets for a client whose first requests come at the same time.
    requests = [client.request(f"http://{host}/?format=json") for _ in range(SAMPLE)]
    exchanges = client.send(requests, concurrency=1)

    took_s = exchanges[-1].timing.started_at - exchanges[0].timing.started_at
    answered = [each for each in exchanges if each.status == 200]
    allowed = {name: len(each) for name, each in by_proxy(answered).items()}
    evidence.record({"allowed": allowed, "took_s": took_s})
    assert {each.status for each in exchanges} == {200, 429}
    assert allowed.keys() == {each.name for each in mesh.proxies()}
    assert all(BURST <= count <= BURST + took_s + RESERVED_S for count in allowed.values()), allowed
