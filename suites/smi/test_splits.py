"""TrafficSplit over HTTP: who gets how much, what becomes of the rest, and what the server is told."""

from typing import Final

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.samples import Sampler
from fixtures.smi import SmiService
from fixtures.verdicts import Facts
from meshproof.cluster.workloads import Workloads
from meshproof.judge.crossing import went_around
from meshproof.judge.split import by_deployment, misdivided
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.observe.counters import service_label

pytestmark = profile("services")

SAMPLE: Final = 50  # requests: ten periods of 80 to 20, so one request too many is seen
MANY: Final = 100  # requests: a weight of a hundredth is seen
FEW: Final = 12  # requests where each must go the same way


@requirement("TM-SMI-001")
def test_requests_are_divided_by_weight(
    sampler: Sampler,
    client: Client,
    smi_service: SmiService,
    splits: float,
    workloads: Workloads,
    mesh: TraefikMesh,
    evidence: Facts,
) -> None:
    """Of fifty requests forty reach v1 and ten v2, each over two hops, each hop counted."""
    del splits
    shop, namespace = smi_service("shop"), workloads.namespace
    requests = [client.request(shop.mesh_url("/?format=json")) for _ in range(SAMPLE)]

    sample = sampler.take(lambda: client.send(requests))

    got = by_deployment(sample.exchanges)
    evidence.record({"divided": got})
    assert misdivided(got, {"v1": 80, "v2": 20}, balancers=len(mesh.proxies())) is None
    assert not [
        said for each in sample.exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))
    ]
    for version, count in got.items():
        first_hop = f"{namespace}-shop-shop-80-{version}-traffic-split-backend@http"
        assert sample.movement(first_hop, expected=count).total == count
        assert sample.movement(service_label(version, namespace, 80), expected=count).total == count
    assert sample.movement(shop.label, expected=0).total == 0


@requirement("TM-SMI-002")
def test_weight_zero_gets_nothing(client: Client, smi_service: SmiService, splits: float) -> None:
    """A backend of weight 0 is there, and gets no request."""
    del splits
    zero = smi_service("zero")

    exchanges = client.send([client.request(zero.mesh_url("/?format=json")) for _ in range(MANY)])

    assert by_deployment(exchanges) == {"v1": MANY}


@requirement("TM-SMI-005")
def test_backend_without_pods_costs_its_share_only(
    sampler: Sampler, client: Client, smi_service: SmiService, splits: float, mesh: TraefikMesh
) -> None:
    """Every other request is answered by the backend that has a pod; the rest get 503 at once."""
    del splits
    weak = smi_service("weak")
    requests = [client.request(weak.mesh_url("/?format=json")) for _ in range(FEW)]

    sample = sampler.take(lambda: client.send(requests))

    answered = [each for each in sample.exchanges if each.status == 200]
    refused = [each for each in sample.exchanges if each.status == 503]
    assert len(answered) + len(refused) == FEW, [each.told() for each in sample.exchanges]
    counts = {"v1": len(answered), "nobody": len(refused)}
    assert misdivided(counts, {"v1": 1, "nobody": 1}, balancers=len(mesh.proxies())) is None
    assert set(by_deployment(answered)) == {"v1"}


@requirement("TM-SMI-007")
def test_backends_own_name_leads_to_it_alone(
    client: Client, smi_service: SmiService, splits: float, mesh: TraefikMesh
) -> None:
    """The mesh names of a split's backends lead to these, whole and over one hop, as without a split."""
    del splits
    backend = smi_service("v2")

    exchanges = client.send([client.request(backend.mesh_url("/?format=json")) for _ in range(FEW)])

    assert by_deployment(exchanges) == {"v2": FEW}
    assert {each.seen_by_server.host for each in exchanges} == {backend.mesh_host}
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]


@requirement("TM-SMI-008")
def test_only_matching_requests_are_divided(client: Client, smi_service: SmiService, splits: float) -> None:
    """Requests that match go to the split's backend; all others to the service's own pods."""
    del splits
    url = smi_service("matched").mesh_url("/?format=json")
    told = [[("X-Tester", "yes")], [("X-Tester", "no")], []]
    requests = [client.request(url, headers=headers) for headers in told for _ in range(FEW)]

    exchanges = client.send(requests)

    matching, others = exchanges[:FEW], exchanges[FEW:]
    assert by_deployment(matching) == {"v2": FEW}
    assert by_deployment(others) == {"server": 2 * FEW}


@requirement("TM-SMI-009")
def test_invalid_backend_is_left_out(client: Client, smi_service: SmiService, splits: float) -> None:
    """Where a backend does not exist or lacks the port the others get everything, other services theirs."""
    del splits
    urls = {
        name: smi_service(name).mesh_url("/?format=json")
        for name in ("ghostly", "mismatched", "v2", "server")
    }

    exchanges = client.send([client.request(url) for url in urls.values() for _ in range(FEW)])

    parts = {name: exchanges[n * FEW : (n + 1) * FEW] for n, name in enumerate(urls)}
    assert {name: dict(by_deployment(part)) for name, part in parts.items()} == {
        "ghostly": {"v1": FEW},
        "mismatched": {"v1": FEW},
        "v2": {"v2": FEW},
        "server": {"server": FEW},
    }


@requirement("TM-SMI-011")
def test_server_behind_a_split_is_told_of_the_client(
    client: Client, smi_service: SmiService, splits: float, workloads: Workloads
) -> None:
    """The host that the client asked for and its address survive both hops; Host names the backend."""
    del splits
    shop = smi_service("shop")

    seen = client.get(shop.mesh_url("/?format=json")).seen_by_server

    sender = workloads.pods("client")[0].ip
    # The second is the first proxy, or its node where it reached itself: kube-proxy masquerades that.
    crossed = (seen.header("X-Forwarded-For") or "").split(", ")
    assert crossed[0] == sender
    assert len(crossed) == 2, f"a client and a first proxy: {crossed}"
    assert seen.header("X-Real-Ip") == sender
    assert seen.header("X-Forwarded-Host") == shop.mesh_host
    assert seen.header("X-Forwarded-Port") == "80"
    assert seen.host.removesuffix(":80") in {smi_service(each).mesh_host for each in ("v1", "v2")}


@requirement("TM-SMI-012")
def test_two_splits_are_independent(
    sampler: Sampler, client: Client, smi_service: SmiService, splits: float, mesh: TraefikMesh
) -> None:
    """Two services, split differently over the same backends and asked in turn, each keep their weights."""
    del splits
    asked = {"shop": {"v1": 80, "v2": 20}, "market": {"v1": 1, "v2": 3}}
    urls = [smi_service(name).mesh_url("/?format=json") for name in asked]

    sample = sampler.take(
        lambda: client.send([client.request(url) for _ in range(SAMPLE // 2) for url in urls])
    )

    for turn, weights in enumerate(asked.values()):
        got = by_deployment(sample.exchanges[turn::2])
        assert misdivided(got, weights, balancers=len(mesh.proxies())) is None


@requirement("TM-SMI-006")
def test_split_of_a_split_loses_nothing(client: Client, smi_service: SmiService, splits: float) -> None:
    """Requests to a split whose backend is split itself are answered by pods behind one of the two."""
    del splits
    outer = smi_service("outer")

    exchanges = client.send([client.request(outer.mesh_url("/?format=json")) for _ in range(FEW)])

    assert set(by_deployment(exchanges)) <= {"v1", "v2", "server"}


@requirement("TM-SMI-042")
def test_circle_of_splits_is_refused(client: Client, smi_service: SmiService, splits: float) -> None:
    """Splits that lead back to their own service are left out: the service's own pods answer."""
    del splits
    names = ("circle-a", "circle-b", "selfish")
    urls = [smi_service(name).mesh_url("/?format=json") for name in names]

    exchanges = client.send([client.request(url) for url in urls for _ in range(FEW)])

    assert by_deployment(exchanges) == {"server": len(names) * FEW}
