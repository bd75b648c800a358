"""What the mesh tells of itself is another thing inside the block, for whoever asks the same object."""

import copy
from typing import Any

import pytest

from meshproof.cluster.kube import KubeError
from meshproof.model.exposition import ExpositionError, parse_exposition
from meshproof.mutate.mutant import Ground
from meshproof.mutate.told import MUTANTS, Told
from meshproof.observe.counters import Counters
from tests.mutate.fake_ground import METRICS, FakeKube, FakeMesh

NAMED = {each.name: each.change for each in MUTANTS}
SERVICE = "mp-run-server-80@http"
NEW = f'traefik_service_requests_total{{code="503",method="PUT",protocol="http",service="{SERVICE}"}} 9\n'


def moved_on(mesh: FakeMesh) -> None:
    """Five more requests of a series that was there, nine of a new one."""
    mesh.told = METRICS.replace(
        'code="200",method="GET",protocol="http",service="mp-run-server-80@http"} 4',
        'code="200",method="GET",protocol="http",service="mp-run-server-80@http"} 9',
    )
    mesh.told += NEW


def requests_seen(mesh: Any) -> float:
    return Counters(mesh).scrape().total("traefik_service_requests_total", {"service": SERVICE})


def test_counters_stand_still(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["counter-frozen"].applied(ready):
        before = requests_seen(mesh)
        moved_on(mesh)
        assert requests_seen(mesh) == before == 2 * 5

    assert requests_seen(mesh) == 2 * 19


def test_proxy_that_is_new_has_counters_that_stand_still(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["counter-frozen"].applied(ready):
        mesh.restarts = 1
        before = requests_seen(mesh)
        moved_on(mesh)
        assert requests_seen(mesh) == before


def test_frozen_histogram_leaves_the_counters_alone(ready: Ground, mesh: FakeMesh) -> None:
    took = f'traefik_service_request_duration_seconds_count{{service="{SERVICE}"}}'
    mesh.told = f"{METRICS}{took} 1\n"

    with NAMED["histogram-frozen"].applied(ready):
        mesh.told = f"{METRICS.replace(' 4', ' 8')}{took} 2\n"
        told = mesh.proxy_metrics(mesh.proxies()[0])

    assert f"{took} 1\n" in told
    assert f'{SERVICE}"}} 8\n' in told


def test_requests_are_counted_twice(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["counter-twice"].applied(ready):
        assert requests_seen(mesh) == 2 * 2 * 5


def test_status_is_another(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["status-label-wrong"].applied(ready):
        samples = parse_exposition(mesh.proxy_metrics(mesh.proxies()[0]))

    assert {each.labels["code"] for each in samples if "code" in each.labels} == {"200", "499"}


def test_deletes_are_counted_under_another_method(ready: Ground, mesh: FakeMesh) -> None:
    mesh.told = METRICS + NEW.replace("PUT", "DELETE")

    with NAMED["delete-counted-as-another"].applied(ready):
        samples = parse_exposition(mesh.proxy_metrics(mesh.proxies()[0]))

    assert {each.labels["method"] for each in samples if "method" in each.labels} == {
        "GET",
        "EXTENSION_METHOD",
    }


def test_buckets_hold_what_the_next_ones_do(ready: Ground, mesh: FakeMesh) -> None:
    took = "traefik_service_request_duration_seconds_bucket"
    lines = [
        f'{took}{{code="200",service="{SERVICE}",le="{bound}"}} {value}'
        for bound, value in (("0.1", 1), ("0.5", 3), ("+Inf", 4))
    ]
    other = f'{took}{{code="500",service="{SERVICE}",le="0.1"}} 9'
    mesh.told = "\n".join([METRICS.rstrip(), *lines, other, ""])

    with NAMED["histogram-one-bucket-low"].applied(ready):
        told = mesh.proxy_metrics(mesh.proxies()[0]).splitlines()

    assert [line.rpartition(" ")[2] for line in told if took in line] == ["3", "4", "4", "9"]
    assert told[: len(METRICS.splitlines())] == METRICS.splitlines()


def test_one_help_text_is_missing(ready: Ground, mesh: FakeMesh) -> None:
    helps = [
        "# HELP traefik_service_requests_total How many.",
        "# HELP traefik_config_reloads_total How many.",
    ]
    mesh.told = "\n".join([*helps, METRICS])

    with NAMED["help-missing-for-one"].applied(ready):
        told = mesh.proxy_metrics(mesh.proxies()[0])

    assert (helps[0] in told, helps[1] in told) == (False, True)
    assert told.endswith(METRICS)


def test_node_configuration_stays_what_it_was_when_asked_first(ready: Ground, mesh: FakeMesh) -> None:
    first, _ = mesh.proxies()
    with NAMED["node-configuration-stale"].applied(ready):
        before = mesh.node_configuration(first)
        mesh.routes = ("late",)
        assert mesh.node_configuration(first) == before != mesh.proxy_configuration(first)

    assert mesh.node_configuration(first) == mesh.proxy_configuration(first)


def test_restarted_proxies_are_not_told_apart(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["process-start-missing"].applied(ready):
        before = Counters(mesh).scrape().by_proxy.keys()
        mesh.restarts = 1
        assert Counters(mesh).scrape().by_proxy.keys() == before

    assert Counters(mesh).scrape().by_proxy.keys() == {"a1@1.50", "b1@1.50"}


def test_list_lacks_a_proxy(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["proxy-missing-from-list"].applied(ready):
        assert mesh.status_nodes() == [{"Name": "b"}]


def test_controller_knows_no_proxy(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["proxy-list-frozen"].applied(ready), pytest.raises(KubeError) as caught:
        mesh.node_configuration(mesh.proxies()[0])

    assert caught.value.status == 404


def test_controller_is_not_ready(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["controller-unready"].applied(ready):
        assert not mesh.readiness()


def test_one_proxy_is_not_ready(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["proxy-unconfigured"].applied(ready):
        assert [each.ready for each in mesh.proxies()] == [False, True]


def test_one_proxy_lacks_a_router_and_its_reloads(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["one-proxy-misconfigured"].applied(ready):
        first, second = mesh.proxies()
        assert [len(mesh.proxy_configuration(each)["routers"]) for each in (first, second)] == [2, 3]
        assert ["reloads" in mesh.proxy_metrics(each) for each in (first, second)] == [False, True]


@pytest.mark.parametrize(
    ("name", "said"), [("router-without-service", "the service"), ("middleware-unknown", "middleware")]
)
def test_router_is_not_in_use(ready: Ground, mesh: FakeMesh, name: str, said: str) -> None:
    with NAMED[name].applied(ready):
        router = mesh.proxy_configuration(mesh.proxies()[0])["routers"]["mp-run-server-80@http"]

    assert router["status"] == "disabled"
    assert router["error"][0].startswith(said)


def test_counters_begin_anew_with_each_configuration(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["proxy-restarts-on-change"].applied(ready):
        before = requests_seen(mesh)
        moved_on(mesh)
        mesh.told = mesh.told.replace("reloads_total 3", "reloads_total 4")
        after = requests_seen(mesh)

    assert (before, after) == (2 * 5, 2 * (5 + 9))  # a series that is new has not counted before
    assert requests_seen(mesh) == 2 * 19


def test_controller_wants_a_route_to_the_clusters_dns(ready: Ground, mesh: FakeMesh) -> None:
    before = mesh.configuration()

    with NAMED["kube-system-in-configuration"].applied(ready):
        assert mesh.configuration()["http"]["routers"].keys() - before["http"]["routers"].keys() == {
            "kube-system-kube-dns-9153"
        }

    assert mesh.configuration() == before


def test_everything_is_found(ready: Ground, kube: FakeKube) -> None:
    with NAMED["api-answers-everything"].applied(ready):
        assert kube.pod_get("n", "controller", 9000, "api/nothing/here") == "{}"
        with pytest.raises(KubeError):
            kube.pod_get("n", "proxy", 8080, "metrics")

    with pytest.raises(KubeError):
        kube.pod_get("n", "controller", 9000, "api/nothing/here")


def test_lies_within_lies_are_taken_back_one_by_one(ready: Ground, mesh: FakeMesh) -> None:
    with NAMED["counter-twice"].applied(ready):
        with NAMED["counter-twice"].applied(ready):
            assert requests_seen(mesh) == 4 * 2 * 5
        assert requests_seen(mesh) == 2 * 2 * 5

    assert requests_seen(mesh) == 2 * 5


def test_lie_that_cannot_be_made_leaves_the_truth(ready: Ground, mesh: FakeMesh) -> None:
    mesh.told = "no metrics"
    before = copy.copy(vars(mesh))
    broken = Told(lies={"readiness": lambda *_: bool, "no_such_method": lambda *_: bool})

    with pytest.raises(AttributeError), broken.applied(ready):
        pytest.fail("the block ran")

    assert vars(mesh) == before
    with pytest.raises(ExpositionError):
        requests_seen(mesh)
