"""Changes under a running mesh: to an annotation, and what they do to everybody else's middlewares."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement, stage
from fixtures.convergence import FOLLOWS_S, Refusals, proxies_have
from fixtures.probe import Client, Metered
from fixtures.services import ServiceNamed
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.judge.middlewares import chains, middleware
from meshproof.judge.token_bucket import refusals, tokens_allow
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Exchange, Request
from meshproof.probe.client import Probe

pytestmark = profile("services")

BURST: Final = 50  # of mw-kept, with one token a second: no wait here brings as many
STORM: Final = 100
SAMPLE: Final = 5
BUILDS: Final = 24  # of the controller's configuration: enough for an order that is drawn by lot to show

Annotate = Callable[[Echo, str, str | None], None]


@pytest.fixture(scope="module")
def annotate(kube: KubeApi) -> Annotate:
    """Set an annotation of a service, or take it away."""

    def annotate(service: Echo, name: str, value: str | None) -> None:
        path = f"/api/v1/namespaces/{service.namespace}/services/{service.service}"
        kube.merge(path, {"metadata": {"annotations": {f"mesh.traefik.io/{name}": value}}})

    return annotate


def attempts(service: Echo, wanted: int) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a configuration has this many tries for a service."""
    name = f"{service.namespace}-{service.service}-retry"

    def has(configuration: Mapping[str, Any]) -> bool:
        found = middleware(configuration, name) or {}
        return bool(found.get("retry", {}).get("attempts") == wanted)

    return has


@dataclass(frozen=True, kw_only=True)
class Change:
    """One service's annotation changed; ``limited`` and ``broken`` are others' answers before and after."""

    changed: Echo
    took_s: dict[str, float]
    error: str
    limited: list[Exchange]
    broken: list[Exchange]


@pytest.fixture(scope="module")
def change(
    mesh: TraefikMesh, probe: Probe, annotate: Annotate, service_named: ServiceNamed
) -> Iterator[Change]:
    """From two tries to four, while others have a limit that is used up and a breaker that is open."""
    changed, kept, broken = (service_named(f"mw-{each}") for each in ("changing", "kept", "breaker-kept"))
    storm = [Request(id=str(number), url=kept.mesh_url("/"), fresh=False) for number in range(STORM)]
    opens = Request(id="opens", url=broken.mesh_url("/status/500"))
    asks = Request(id="asks", url=broken.mesh_url("/"))
    took_s: dict[str, float] = {}
    error = ""
    limited, broke = probe.send(storm), probe.send([opens]) + probe.send([asks])
    try:
        annotate(changed, "retry-attempts", "4")
        try:
            took_s = proxies_have(mesh, attempts(changed, 4), what="every proxy has the new annotation")
        except WaitTimedOutError as timed_out:
            error = timed_out.seen
        limited += probe.send(storm)
        broke += probe.send([asks])
        yield Change(changed=changed, took_s=took_s, error=error, limited=limited, broken=broke)
    finally:
        annotate(changed, "retry-attempts", "2")


@requirement("TM-MW-013")
@stage("change")
def test_changed_annotation_is_followed(
    metered: Metered, client: Client, evidence: Facts, change: Change
) -> None:
    """Every proxy takes up a service's new annotation, and does as it says."""
    assert not change.error, change.error
    evidence.converged(max(change.took_s.values()))
    evidence.record({"seconds_by_proxy": change.took_s})
    requests = [client.request(change.changed.mesh_url("/")) for _ in range(SAMPLE)]

    _, movement = metered.send(requests, service=change.changed.label, expected=4 * SAMPLE)

    assert movement.requests == {("502", "GET"): 4 * SAMPLE}


@requirement("TM-MW-017")
@stage("change")
def test_change_elsewhere_resets_nothing(client: Client, evidence: Facts, change: Change) -> None:
    """A limit that is used up and a breaker that is open stay so while another service is changed."""
    del client
    before, found = refusals(change.limited[:STORM]), refusals(change.limited)
    broken = [each.status for each in change.broken]
    evidence.record({"passed": found.passed, "refused": found.refused, "breaker": broken})

    assert before.refused > 0, "the limit was not used up"
    assert broken[:2] == [500, 503], "the breaker did not open"
    assert found.passed in tokens_allow(found, average=1, burst=BURST)
    assert broken[2] == 503


@requirement("TM-MW-019")
@stage("change")
@pytest.mark.parametrize(
    ("annotation", "value", "tries"),
    [
        pytest.param("retry-attempts", "0", 2, id="no-tries"),
        pytest.param("circuit-breaker-expression", "", 3, id="empty-expression"),
    ],
)
def test_no_annotation_stops_the_mesh(
    kube: KubeApi,
    mesh: TraefikMesh,
    annotate: Annotate,
    service_named: ServiceNamed,
    evidence: Facts,
    annotation: str,
    value: str,
    tries: int,
) -> None:
    """Whatever one service is annotated with, the proxies go on following all others."""
    careless, unrelated = service_named("mw-none"), service_named("mw-unrelated")
    follows, said = attempts(unrelated, tries), Refusals(kube, mesh)
    try:
        annotate(careless, annotation, value)
        annotate(unrelated, "retry-attempts", str(tries))
        refused = said.instead_of(follows, what="the proxies follow")
    finally:
        annotate(careless, annotation, None)
        took = proxies_have(mesh, follows, what="the proxies follow again")
        annotate(unrelated, "retry-attempts", None)

    evidence.record({"refused": refused, "followed_again_s": took})
    assert not refused, refused[0]


@requirement("TM-MW-016")
@stage("change")
def test_middlewares_keep_their_order(
    mesh: TraefikMesh, annotate: Annotate, service_named: ServiceNamed, evidence: Facts
) -> None:
    """Requests meet a service's middlewares in the same order whatever happens to other services."""
    unrelated = service_named("mw-unrelated")
    orders: dict[str, set[tuple[str, ...]]] = {}

    def look_after(build: int) -> None:
        annotate(unrelated, "retry-attempts", str(build))
        wanted = attempts(unrelated, build)

        def built() -> Look[dict[str, Any]]:
            configuration = mesh.configuration()
            return Look(met=wanted(configuration), value=configuration, seen=f"before build {build}")

        configuration = eventually(
            built, what="the controller has built its configuration", within=FOLLOWS_S, every=0.02
        ).value
        for router, chain in chains(configuration).items():
            orders.setdefault(router, set()).add(chain)

    try:
        for build in range(2, 2 + BUILDS):
            look_after(build)
    finally:
        annotate(unrelated, "retry-attempts", None)

    evidence.record({"orders": {router: sorted(found) for router, found in orders.items()}})
    assert not {router: sorted(found) for router, found in orders.items() if len(found) > 1}
