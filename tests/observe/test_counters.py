"""The difference of two scrapes: what moved, and what never is subtracted."""

import math
from collections.abc import Sequence
from unittest.mock import Mock

import pytest

from meshproof.cluster.kube import KubeError
from meshproof.mesh.adapter import ProxyPod
from meshproof.model.exposition import ExpositionError, Sample
from meshproof.observe import counters as module
from meshproof.observe.counters import Counters, Movement, Scrape, moved, service_label

SERVICE = "demo-server-80@http"


def metrics(
    *, get: int = 0, post: int = 0, other: int = 0, seconds: float = 0.0, fast: int = 0, reloads: int = 1
) -> str:
    """What a proxy tells after so many requests."""
    requests, took = "traefik_service_requests_total", "traefik_service_request_duration_seconds"
    mine = f'protocol="http",service="{SERVICE}"'
    return f"""
{requests}{{code="200",method="GET",{mine}}} {get}
{requests}{{code="503",method="POST",{mine}}} {post}
{requests}{{code="200",method="GET",protocol="http",service="other@http"}} {other}
{took}_bucket{{code="200",method="GET",{mine},le="0.1"}} {fast}
{took}_bucket{{code="200",method="GET",{mine},le="+Inf"}} {get}
{took}_sum{{code="200",method="GET",{mine}}} {seconds}
{took}_sum{{code="200",method="GET",protocol="http",service="other@http"}} 99
traefik_config_reloads_total {reloads}
"""


class FakeMesh:
    """Proxies by UID, each with the texts it tells one after another; the last one stays."""

    def __init__(self, **texts: Sequence[str]) -> None:
        self.texts = {uid: list(each) for uid, each in texts.items()}

    def proxies(self) -> tuple[ProxyPod, ...]:
        return tuple(ProxyPod(name=f"p-{uid}", uid=uid, ip="", node="n", ready=True) for uid in self.texts)

    def proxy_metrics(self, proxy: ProxyPod) -> str:
        texts = self.texts[proxy.uid]
        return texts.pop(0) if len(texts) > 1 else texts[0]


def scrape(**texts: str) -> Scrape:
    return Counters(FakeMesh(**{uid: [text] for uid, text in texts.items()})).scrape()


def test_requests_move_by_code_and_method() -> None:
    movement = moved(scrape(a=metrics(get=5)), scrape(a=metrics(get=8, post=2)), SERVICE)

    assert movement.requests == {("200", "GET"): 3, ("503", "POST"): 2}
    assert movement.total == 5


def test_proxies_are_summed() -> None:
    before = scrape(a=metrics(get=5), b=metrics(get=1))

    movement = moved(before, scrape(a=metrics(get=6), b=metrics(get=3)), SERVICE)

    assert movement.requests == {("200", "GET"): 3}
    assert movement.proxies == ("a@0.00", "b@0.00")


def test_other_services_do_not_count() -> None:
    movement = moved(scrape(a=metrics()), scrape(a=metrics(other=9)), SERVICE)

    assert (movement.requests, movement.seconds) == ({}, 0)


def test_proxy_that_came_meanwhile_began_at_0() -> None:
    movement = moved(scrape(a=metrics(get=5)), scrape(a=metrics(get=5), b=metrics(get=2)), SERVICE)

    assert movement.total == 2


def test_proxy_that_is_gone_is_never_subtracted() -> None:
    movement = moved(scrape(a=metrics(get=5), b=metrics(get=7)), scrape(b=metrics(get=8)), SERVICE)

    assert movement.total == 1


def test_histogram_moves_by_bucket_and_sum() -> None:
    before = scrape(a=metrics(get=2, fast=1, seconds=0.5))

    movement = moved(before, scrape(a=metrics(get=5, fast=3, seconds=0.75)), SERVICE)

    assert movement.buckets == {0.1: 2, math.inf: 3}
    assert movement.seconds == pytest.approx(0.25)


def test_reloads_are_counted() -> None:
    assert moved(scrape(a=metrics(reloads=1)), scrape(a=metrics(reloads=3)), SERVICE).reloads == 2


def test_retries_of_the_service_are_counted() -> None:
    retries = 'traefik_service_retries_total{{service="{}"}} {}\n'
    before = scrape(a=metrics() + retries.format(SERVICE, 3) + retries.format("other@http", 3))
    after = scrape(a=metrics() + retries.format(SERVICE, 7) + retries.format("other@http", 9))

    assert moved(before, after, SERVICE).retries == 4


def test_scrape_sums_over_the_proxies() -> None:
    both = scrape(a=metrics(get=2), b=metrics(get=3))

    assert both.total("traefik_service_requests_total", {"service": SERVICE}) == 5


def test_scrape_holds_the_samples_by_the_proxys_uid_and_start() -> None:
    found = scrape(a="process_start_time_seconds 1.5\n").by_proxy

    assert found == {"a@1.50": [Sample(name="process_start_time_seconds", labels={}, value=1.5)]}


def test_proxy_that_restarted_began_at_0_and_voids_the_sample() -> None:
    start = "process_start_time_seconds {}\n"
    before = scrape(a=metrics(get=5000) + start.format(1))

    movement = moved(before, scrape(a=metrics(get=12) + start.format(2)), SERVICE)

    assert movement.requests == {("200", "GET"): 12}
    assert movement.reloads == 1


@pytest.mark.parametrize("status", [404, 502, 503])
def test_proxy_without_metrics_is_told_as_such(status: int) -> None:
    mesh = FakeMesh(a=[""])
    refused = KubeError(where="x", status=status, problem="no", evidence="")
    mesh.proxy_metrics = Mock(side_effect=refused)  # type: ignore[method-assign]  # one answer for one test

    with pytest.raises(ExpositionError, match="p-a has no metrics to give: no"):
        Counters(mesh).scrape()


def test_api_server_that_does_not_answer_says_nothing_of_the_proxy() -> None:
    mesh = FakeMesh(a=[""])
    silent = KubeError(where="x", status=0, problem="no answer", evidence="")
    mesh.proxy_metrics = Mock(side_effect=silent)  # type: ignore[method-assign]  # one answer for one test

    with pytest.raises(KubeError):
        Counters(mesh).scrape()


def test_what_is_no_metrics_is_refused() -> None:
    with pytest.raises(ExpositionError):
        scrape(a="404 page not found")


def test_counter_that_rises_late_is_awaited() -> None:
    mesh = FakeMesh(a=[metrics(), metrics(get=1), metrics(get=3)])
    counters = Counters(mesh)

    movement = counters.settled(counters.scrape(), SERVICE, expected=3)

    assert movement.total == 3


def test_counter_that_goes_on_beyond_what_was_expected_is_told_as_it_is() -> None:
    mesh = FakeMesh(a=[metrics(), metrics(get=3), metrics(get=4)])
    counters = Counters(mesh)

    movement = counters.settled(counters.scrape(), SERVICE, expected=3)

    assert movement.total == 4


def test_counter_that_never_gets_there_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RISEN_S", 0.0)
    counters = Counters(FakeMesh(a=[metrics(), metrics(get=2)]))

    movement = counters.settled(counters.scrape(), SERVICE, expected=3)

    assert movement.total == 2


def test_label_of_a_services_port() -> None:
    assert service_label("server", "demo", 80) == SERVICE


def test_movement_as_evidence() -> None:
    movement = Movement(
        service=SERVICE,
        requests={("200", "GET"): 3},
        seconds=0.123_456_78,
        buckets={math.inf: 3},
        reloads=0,
        proxies=("a",),
        retries=2,
    )

    assert movement.facts() == {
        "counter": {
            "service": SERVICE,
            "requests": {"200 GET": 3},
            "retries": 2,
            "seconds": 0.123457,
            "reloads": 0,
            "proxies": ["a"],
        }
    }
