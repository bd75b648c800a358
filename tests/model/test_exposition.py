"""Prometheus text: read whole or refused; sums over the series that carry what was asked for."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshproof.model.exposition import ExpositionError, Sample, histogram_buckets, parse_exposition, total

TEXT = """# HELP hits_total Hits.
# TYPE hits_total counter
hits_total{code="200",method="GET"} 3
hits_total{code="200",method="POST"} 4
hits_total{code="404",method="GET"} 1
# TYPE took_seconds histogram
took_seconds_bucket{service="a",le="+Inf"} 5
took_seconds_bucket{service="a",le="0.1"} 2
took_seconds_bucket{service="b",le="0.1"} 1
took_seconds_sum{service="a"} 0.75
took_seconds_count{service="a"} 5
"""

_fragments = st.sampled_from(
    [
        *("hits_total", "hits_bucket", "{", "}", 'le="', '"', "=", ",", "\\", " ", "\n", "\t", "#", "# EOF"),
        *(
            "# TYPE hits ",
            "# HELP hits ",
            "counter",
            "histogram",
            "1",
            "-",
            "1e999",
            "NaN",
            "+Inf",
            "é",
            "\x00",
        ),
    ]
)


def test_samples_carry_name_labels_and_value() -> None:
    samples = parse_exposition(TEXT)

    assert len(samples) == 8
    assert samples[0] == Sample(name="hits_total", labels={"code": "200", "method": "GET"}, value=3)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param({}, 8, id="all"),
        pytest.param({"code": "200"}, 7, id="one-label"),
        pytest.param({"code": "200", "method": "GET"}, 3, id="two-labels"),
        pytest.param({"code": "500"}, 0, id="not-there-yet"),
        pytest.param({"colour": "red"}, 0, id="unknown-label"),
    ],
)
def test_total_sums_what_carries_the_labels(where: dict[str, str], expected: float) -> None:
    assert total(parse_exposition(TEXT), "hits_total", where) == expected


def test_total_of_an_unknown_name_is_zero() -> None:
    assert total(parse_exposition(TEXT), "hits", {}) == 0


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param({"service": "a"}, {0.1: 2, math.inf: 5}, id="one-service"),
        pytest.param({}, {0.1: 3, math.inf: 5}, id="summed"),
        pytest.param({"service": "c"}, {}, id="none"),
    ],
)
def test_buckets_come_by_bound_from_low_to_high(where: dict[str, str], expected: dict[float, float]) -> None:
    buckets = histogram_buckets(parse_exposition(TEXT), "took_seconds", where)

    assert list(buckets.items()) == list(expected.items())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("# HELP only a comment\n", id="comments-only"),
        pytest.param("<html><body>404</body></html>", id="html"),
        pytest.param("404 page not found\n", id="plain-words"),
        pytest.param('hits_total{code="200" 3\n', id="truncated-line"),
        pytest.param("hits_total three\n", id="no-number"),
        pytest.param("hits_total 1\nhits_total 2\n", id="series-twice"),
        pytest.param('a{x="1",y="2"} 1\na{y="2",x="1"} 1\n', id="series-twice-in-other-order"),
    ],
)
def test_what_is_no_exposition_is_refused(text: str) -> None:
    with pytest.raises(ExpositionError):
        parse_exposition(text)


@settings(deadline=None)  # the machine may be busy
@given(st.one_of(st.text(), st.lists(_fragments, max_size=30).map("".join)))
def test_any_text_is_read_or_refused_with_exposition_error(text: str) -> None:
    try:
        samples = parse_exposition(text)
    except ExpositionError:
        return

    assert samples
