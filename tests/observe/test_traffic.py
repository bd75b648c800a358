"""A service's traffic from proxies and from Prometheus, and counters that must not fall."""

import json
import math
from collections.abc import Mapping
from urllib.parse import parse_qs

import pytest

from meshproof.model.exposition import Sample, parse_exposition
from meshproof.observe.counters import Scrape
from meshproof.observe.prometheus import Prometheus
from meshproof.observe.traffic import fallen, gained, traffic_from_prometheus, traffic_from_proxies

REQUESTS = "traefik_service_requests_total"
BUCKET = "traefik_service_request_duration_seconds_bucket"
NOTHING = Scrape(by_proxy={})


def metrics(*, ok: int = 0, failed: int = 0, second_port: int = 0, other: int = 0) -> str:
    """What a proxy tells of demo/server after so many requests, and of demo/server-2."""
    return f"""
{REQUESTS}{{code="200",method="GET",service="demo-server-80@http"}} {ok}
{REQUESTS}{{code="503",method="GET",service="demo-server-80@http"}} {failed}
{REQUESTS}{{code="200",method="GET",service="demo-server-8081@http"}} {second_port}
{REQUESTS}{{code="200",method="GET",service="demo-server-2-80@http"}} {other}
{BUCKET}{{code="200",method="GET",service="demo-server-80@http",le="0.1"}} {ok}
{BUCKET}{{code="200",method="GET",service="demo-server-80@http",le="+Inf"}} {ok}
{BUCKET}{{code="503",method="GET",service="demo-server-80@http",le="0.1"}} 0
{BUCKET}{{code="503",method="GET",service="demo-server-80@http",le="+Inf"}} {failed}
"""


def scrape(**texts: str) -> Scrape:
    return Scrape(by_proxy={proxy: parse_exposition(text) for proxy, text in texts.items()})


def prometheus(moments: Mapping[float, str]) -> Prometheus:
    """A Prometheus that knows the proxies' text at these moments."""

    def get(path: str) -> str:
        asked = parse_qs(path.partition("?")[2])
        name = asked["query"][0].partition("{")[0]
        samples = parse_exposition(moments[float(asked["time"][0])])
        result: list[dict[str, object]] = [
            {"metric": {"pod": "a"} | each.labels, "value": [0, str(each.value)]}
            for each in samples
            if each.name == name and "server-2" not in each.labels["service"]
        ]
        return json.dumps({"data": {"resultType": "vector", "result": result}})

    return Prometheus(get)


def test_all_ports_and_proxies_of_a_service_count_and_no_other_service() -> None:
    before = scrape(a=metrics(ok=1, other=1), b=metrics(ok=10))
    after = scrape(a=metrics(ok=3, failed=2, second_port=5, other=9), b=metrics(ok=11))

    found = traffic_from_proxies(before, after, "server", "demo", until=9.0, window_s=3.0)

    assert found.requests == {200: 8, 503: 2}
    assert found.buckets == {0.1: 3, math.inf: 5}


def test_without_a_before_everything_counts() -> None:
    found = traffic_from_proxies(NOTHING, scrape(a=metrics(ok=7)), "server", "demo", until=9.0, window_s=3.0)

    assert found.requests == {200: 7}


def test_prometheus_gives_the_difference_of_two_moments() -> None:
    source = prometheus({6.0: metrics(ok=1), 9.0: metrics(ok=3, failed=2, second_port=5)})

    found = traffic_from_prometheus(source, "server", "demo", until=9.0, window_s=3.0)

    assert found.requests == {200: 7, 503: 2}
    assert found.buckets == {0.1: 2, math.inf: 4}


def test_proxy_that_began_anew_counts_from_0() -> None:
    source = prometheus({6.0: metrics(ok=100), 9.0: metrics(ok=3)})

    found = traffic_from_prometheus(source, "server", "demo", until=9.0, window_s=3.0)

    assert found.requests == {200: 3}


def test_gain_of_a_counter_by_its_labels() -> None:
    before, after = scrape(a=metrics(ok=1)), scrape(a=metrics(ok=3, failed=2), b=metrics(ok=5))

    assert gained(before, after, REQUESTS, {"service": "demo-server-80@http"}) == 9
    assert gained(before, after, REQUESTS, {"code": "503"}) == 2


def test_counters_that_rise_or_stay_have_not_fallen() -> None:
    assert fallen(scrape(a=metrics(ok=3)), scrape(a=metrics(ok=4)), {}) == []


def test_counter_that_fell_is_told() -> None:
    found = fallen(scrape(a=metrics(failed=3)), scrape(a=metrics(failed=2)), {"code": "503"})

    assert any("traefik_service_requests_total" in each and "3, then 2" in each for each in found)


def test_counter_that_is_gone_is_told() -> None:
    after = Scrape(by_proxy={"a": [Sample(name="up", labels={}, value=1.0)]})

    assert "then None" in fallen(scrape(a=metrics(ok=3)), after, {"code": "200"})[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("# TYPE g gauge\ng 3\n", "# TYPE g gauge\ng 1\n", id="a-gauge"),
        pytest.param("a_total 3\n", None, id="a-proxy-that-ended"),
    ],
)
def test_what_may_fall(before: str, after: str | None) -> None:
    later = scrape(b=before) if after is None else scrape(a=after)

    assert fallen(scrape(a=before), later, {}) == []
