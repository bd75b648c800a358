"""What a Prometheus answers."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from meshproof.cluster.kube import KubeError
from meshproof.model.errors import HarnessError
from meshproof.observe.prometheus import Point, Prometheus, QueryRefusedError, Target


def telling(data: Any) -> Prometheus:
    return Prometheus(lambda _path: json.dumps({"status": "success", "data": data}))


def vector(*values: tuple[dict[str, str], str]) -> dict[str, Any]:
    result = [{"metric": labels, "value": [1.5, value]} for labels, value in values]
    return {"resultType": "vector", "result": result}


def test_vector_is_read() -> None:
    found = telling(vector(({"code": "200"}, "3"), ({}, "NaN"))).query("x")

    assert found[0] == Point(labels={"code": "200"}, value=3.0)
    assert found[1].value != found[1].value  # NaN


def test_scalar_is_a_point_without_labels() -> None:
    assert telling({"resultType": "scalar", "result": [1.5, "2"]}).query("1+1") == [
        Point(labels={}, value=2.0)
    ]


def test_total_of_no_series_is_0() -> None:
    assert telling(vector()).total("x") == 0


def test_query_and_moment_travel_encoded() -> None:
    asked: list[str] = []

    def get(path: str) -> str:
        asked.append(path)
        return json.dumps({"data": vector()})

    Prometheus(get).query('a{b=~"c+"}', at=12.3456)

    path, _, query = asked[0].partition("?")
    assert path == "api/v1/query"
    assert parse_qs(query) == {"query": ['a{b=~"c+"}'], "time": ["12.346"]}


@pytest.mark.parametrize("status", [400, 422])
def test_refused_query_is_told_in_prometheuss_words(status: int) -> None:
    def get(path: str) -> str:
        raise KubeError(where=path, status=status, problem="bad", evidence="parse error: unclosed")

    with pytest.raises(QueryRefusedError, match=r"sum\(: parse error"):
        Prometheus(get).query("sum(")


def test_prometheus_that_does_not_answer_has_not_refused() -> None:
    def get(path: str) -> str:
        raise KubeError(where=path, status=0, problem="no answer", evidence="")

    with pytest.raises(KubeError):
        Prometheus(get).query("x")


@pytest.mark.parametrize("text", ["<html>", "[]", "{}"])
def test_what_is_no_prometheus_is_told_as_such(text: str) -> None:
    with pytest.raises(HarnessError, match="none of a Prometheus"):
        Prometheus(lambda _path: text).query("x")


def test_targets_are_read() -> None:
    told = {"labels": {"pod": "p"}, "scrapeUrl": "http://10.0.0.1:8080/metrics", "lastError": ""}
    down = {**told, "health": "down", "lastError": "refused"}

    found = telling({"activeTargets": [{**told, "health": "up"}, down]}).targets()

    assert found == [
        Target(labels={"pod": "p"}, url="http://10.0.0.1:8080/metrics", up=True, error=""),
        Target(labels={"pod": "p"}, url="http://10.0.0.1:8080/metrics", up=False, error="refused"),
    ]
