"""Facts under headings that tell them apart, values as they went over the wire."""

from typing import Any

import pytest

from meshproof.report.evidence import fact_view
from tests.report.facts import exchange_fact


def rows_of(fact: dict[str, Any]) -> dict[str, str]:
    """What a page shows of a fact."""
    return {value.name: value.text for value in fact_view(fact, 1).values}


@pytest.mark.parametrize(
    ("fact", "title"),
    [
        pytest.param(
            exchange_fact(), "1. GET http://echo.default.traefik.mesh:80/path?q=1 → 200", id="answer"
        ),
        pytest.param(
            {"request": {"method": "GET", "url": "http://x"}, "failure": {"kind": "dns"}},
            "1. GET http://x → no answer",
            id="failure",
        ),
        pytest.param({"method": "PUT", "url": "http://x", "status": 404}, "1. PUT http://x → 404", id="flat"),
        pytest.param({"kind": "counter", "moved": 3}, "1. counter", id="kind"),
        pytest.param({"resolution": {"name": "x.traefik.mesh"}}, "1. resolution", id="one part"),
        pytest.param({"moved": 3, "of": 4}, "Fact 1", id="nothing to tell it by"),
    ],
)
def test_a_fact_is_headed_by_what_it_is(fact: dict[str, Any], title: str) -> None:
    assert fact_view(fact, 1).title == title


def test_both_ends_of_an_exchange_are_rows() -> None:
    rows = rows_of(exchange_fact())

    assert rows["response status"] == "200"
    assert rows["seen by server host"] == "10.96.14.7:5000"
    assert rows["seen by server ip"] == "10.244.0.12"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param([["A", "1"], ["A", "2"]], "A: 1\nA: 2", id="header pairs"),
        pytest.param({"A": ["1", "2"]}, "A: 1\nA: 2", id="header lists"),
        pytest.param(["a", "b"], "a, b", id="few words"),
        pytest.param(["a"] * 5, "a\na\na\na\na", id="many words"),
        pytest.param([1, {"x": None}], '[1, {"x": null}]', id="short JSON"),
        pytest.param([], "[]", id="empty list"),
        pytest.param({}, "{}", id="empty dict"),
        pytest.param(None, "null", id="null"),
        pytest.param("plain", "plain", id="text"),
    ],
)
def test_values_are_shown_as_they_are(value: object, shown: str) -> None:
    assert rows_of({"it": value}) == {"it": shown}


def test_long_values_are_indented() -> None:
    assert rows_of({"it": [{"number": n} for n in range(30)]})["it"].startswith('[\n  {\n    "number": 0')
