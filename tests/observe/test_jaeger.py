"""What a Jaeger says, and what its silence means."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from meshproof.cluster.kube import KubeError
from meshproof.engine.waiting import WaitTimedOutError
from meshproof.model.errors import HarnessError
from meshproof.observe.jaeger import Jaeger


def answer(*operations: str) -> str:
    """A trace with a span for each of these operations."""
    spans: list[dict[str, Any]] = [
        {
            "traceID": "aa",
            "spanID": f"{number:x}",
            "operationName": operation,
            "references": [],
            "startTime": 1_000_000 * number,
            "duration": 1000,
            "tags": [],
            "processID": "p1",
        }
        for number, operation in enumerate(operations, start=1)
    ]
    trace = {"traceID": "aa", "spans": spans, "processes": {"p1": {"serviceName": "mesh"}}}
    return json.dumps({"data": [trace]})


def refusing(status: int) -> Callable[[str], str]:
    def get(_path: str) -> str:
        raise KubeError(where="x", status=status, problem="no", evidence="")

    return get


@pytest.mark.parametrize(
    ("trace_id", "path"),
    [(0xAA, "api/traces/00000000000000aa"), (1 << 64, "api/traces/00000000000000010000000000000000")],
    ids=["64-bit", "128-bit"],
)
def test_trace_is_asked_for_by_its_whole_id(trace_id: int, path: str) -> None:
    asked: list[str] = []

    def get(wanted: str) -> str:
        asked.append(wanted)
        return answer("entry")

    found = Jaeger(get).trace(trace_id)

    assert asked == [path]
    assert found is not None
    assert [each.operation for each in found.spans] == ["entry"]


@pytest.mark.parametrize("get", [refusing(404), lambda _path: '{"data": null}'], ids=["404", "no-data"])
def test_trace_that_never_came_is_missing(get: Callable[[str], str]) -> None:
    assert Jaeger(get).trace(1) is None


def test_collector_that_does_not_answer_says_nothing_of_the_trace() -> None:
    with pytest.raises(KubeError):
        Jaeger(refusing(503)).trace(1)


@pytest.mark.parametrize("text", ["<html>", "[]", '{"data": [{}]}'])
def test_what_is_no_jaeger_is_told_as_such(text: str) -> None:
    with pytest.raises(HarnessError, match="none of a Jaeger"):
        Jaeger(lambda _path: text).trace(1)


def test_spans_that_come_one_after_another_are_awaited() -> None:
    answers = [answer(), answer("entry"), answer("entry", "forward")]

    found = Jaeger(lambda _path: answers.pop(0)).arrived(0xAA, spans=2, within=5)

    assert len(found.value.spans) == 2


def test_spans_that_do_not_come_are_told_with_those_that_did() -> None:
    with pytest.raises(WaitTimedOutError, match=r"1 of 2 spans: \['entry'\]"):
        Jaeger(lambda _path: answer("entry")).arrived(0xAA, spans=2, within=0)
