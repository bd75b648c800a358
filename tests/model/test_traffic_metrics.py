"""A service's traffic in SMI's form, and the percentiles in it."""

import math

import pytest

from meshproof.model.traffic_metrics import ServiceTraffic, bucket_around, quantile

BUCKETS = {0.01: 50, 0.1: 90, 1.0: 100, math.inf: 100}


def traffic(requests: dict[int, int], buckets: dict[float, int]) -> ServiceTraffic:
    return ServiceTraffic(
        service="server", namespace="demo", requests=requests, buckets=buckets, until=1e9, window_s=30.4
    )


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        pytest.param(0.25, 0.005, id="within-the-first"),
        pytest.param(0.5, 0.01, id="at-a-bound"),
        pytest.param(0.7, 0.055, id="half-way"),
        pytest.param(0.99, 0.91, id="in-the-last"),
        pytest.param(1.0, 1.0, id="the-highest"),
    ],
)
def test_quantile_is_prometheuss(q: float, expected: float) -> None:
    assert quantile(BUCKETS, q) == pytest.approx(expected)


def test_quantile_beyond_the_last_bound_is_that_bound() -> None:
    assert quantile({0.1: 1, 1.0: 1, math.inf: 10}, 0.9) == 1.0


def test_quantile_skips_empty_buckets() -> None:
    assert quantile({0.1: 0, 1.0: 0, 2.0: 4, math.inf: 4}, 0.5) == pytest.approx(1.5)


@pytest.mark.parametrize("buckets", [{}, {0.1: 0, math.inf: 0}])
def test_nothing_has_no_quantile(buckets: dict[float, float]) -> None:
    assert quantile(buckets, 0.5) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, (0.0, 0.01)), (0.01, (0.0, 0.01)), (0.011, (0.01, 0.1)), (5.0, (1.0, math.inf))],
)
def test_bucket_around_a_value(value: float, expected: tuple[float, float]) -> None:
    assert bucket_around(BUCKETS, value) == expected


def test_failures_are_statuses_from_500_on() -> None:
    found = traffic({200: 7, 404: 2, 499: 1, 500: 3, 503: 4}, {})

    assert (found.successes, found.failures) == (10, 7)


def test_smi_form() -> None:
    found = traffic({200: 90, 503: 10}, BUCKETS).smi()

    assert found["kind"] == "TrafficMetrics"
    assert found["resource"] == {"name": "server", "namespace": "demo", "kind": "Service"}
    assert found["timestamp"] == "2001-09-09T01:46:40Z"
    assert found["window"] == "30s"
    assert found["metrics"] == [
        {"name": "p99_response_latency", "unit": "seconds", "value": "910m"},
        {"name": "p90_response_latency", "unit": "seconds", "value": "100m"},
        {"name": "p50_response_latency", "unit": "seconds", "value": "10m"},
        {"name": "success_count", "value": "90"},
        {"name": "failure_count", "value": "10"},
    ]


def test_below_a_millisecond_is_told_in_microseconds() -> None:
    found = traffic({200: 1}, {0.0005: 1, math.inf: 1}).smi()

    assert found["metrics"][2] == {"name": "p50_response_latency", "unit": "seconds", "value": "250u"}


def test_service_without_traffic_has_counts_and_no_percentiles() -> None:
    assert [each["name"] for each in traffic({}, {}).smi()["metrics"]] == ["success_count", "failure_count"]
