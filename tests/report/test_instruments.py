"""Several instruments of one profile, side by side on the page and in the terminal."""

from pathlib import Path

from meshproof.model.run import Run
from meshproof.report.headline import overhead_sentences
from meshproof.report.html import render_page
from meshproof.report.instruments import WHICH_IS_WHICH, side_by_side
from meshproof.report.terminal import summary_lines
from tests.report.runs import HOSTILE, a_detail, a_run, an_overhead

BESIDE = "fortio beside locust"


def three() -> Run:
    """As a standard run has them."""
    rows = [
        *(an_overhead(q, 0.9 * q / 50) for q in (50, 90, 99)),
        *(an_overhead(q, 0.5 * q / 50, instrument="fortio") for q in (50, 90)),
        *(an_overhead(q, 0.6 * q / 50, instrument=BESIDE) for q in (50, 90)),
    ]
    said = [f"what Locust adds to what it measures: +0.30 ms {HOSTILE}"]
    details = [a_detail(), a_detail(instrument=BESIDE, beside_others=said, arms=[], costs=None)]
    return a_run(overhead=rows, overhead_detail=details)


def test_the_lightest_comes_first() -> None:
    (view,) = side_by_side(three())

    assert [each.instrument for each in view.instruments] == ["fortio", BESIDE, "locust"]
    assert [each.row.percentile for each in view.instruments] == [50, 50, 50]
    assert all(each.says for each in view.instruments)
    assert len(view.explained) == 1


def test_one_instrument_has_nothing_to_stand_beside() -> None:
    assert side_by_side(a_run(overhead=[an_overhead(), an_overhead(90)])) == []


def test_an_unknown_instrument_is_shown_before_locust() -> None:
    rows = [an_overhead(), an_overhead(instrument="wrk")]

    (view,) = side_by_side(a_run(overhead=rows))

    assert [each.instrument for each in view.instruments] == ["wrk", "locust"]


def test_the_page_says_which_figure_is_which() -> None:
    html = render_page(three())

    assert WHICH_IS_WHICH.replace("'", "&#39;") in html
    assert "What Locust adds to what it measures" in html
    assert "<script>alert" not in html


def test_the_page_tells_the_load_with_its_pinning() -> None:
    detail = a_detail(load={"name": "standard", "workers": 1, "cpus": "1"}, costs=None)

    html = render_page(a_run(overhead=[an_overhead()], overhead_detail=[detail]))

    assert "workers 1 · cpus 1" in html


def test_the_terminal_has_every_median_before_any_other_percentile() -> None:
    lines = summary_lines(three(), Path("/runs/r1"))

    heading = next(n for n, line in enumerate(lines) if line.startswith("overhead"))
    assert lines[heading].endswith("fortio's is its cost, locust's what its load saw:")
    assert [line.split("p50")[0].strip() for line in lines[heading + 1 : heading + 4]] == [
        "fortio",
        BESIDE,
        "locust",
    ]


def test_three_sentences_one_for_each() -> None:
    told = [
        line for line in overhead_sentences(three()) if "median" in line or "while" in line or "saw" in line
    ]

    assert told[0].startswith("the mesh adds 0.50 ms at the median")
    assert told[1].startswith("while that load is on the mesh adds 0.60 ms for others")
    assert told[2].startswith("clients under that load saw that the mesh adds 0.90 ms")
