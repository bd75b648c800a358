"""The pictures of a history hold for every series of runs, and say what they cannot draw."""

import math
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshproof.history.trends import (
    convergence_picture,
    day_of,
    overhead_picture,
    overhead_series,
    trouble_picture,
    verdicts_picture,
)
from meshproof.model.errors import HarnessError
from meshproof.model.history import PastRun, Versions
from meshproof.model.verdict import VerdictState
from tests.history.past_runs import VERSIONS, a_past_figure, a_past_run, a_past_verdict

P, F, S = VerdictState.PASSED, VerdictState.FAILED, VerdictState.SKIPPED
STANDARD = ("standard", "fortio")
NEWER = Versions(mesh=VERSIONS.mesh, proxy="Traefik v2.11.20")


def shapes(svg: str, kind: str, tag: str = "") -> list[ET.Element]:
    """The shapes of these classes, all of them, legends included."""
    wanted = set(kind.split())
    return [
        shape
        for shape in ET.fromstring(svg).iter()  # noqa: S314 - ours
        if wanted <= set(shape.get("class", "").split()) and tag in shape.tag
    ]


def nights(*states: list[VerdictState], **changed: Any) -> list[PastRun]:
    """A run for each list of states."""
    return [
        a_past_run(
            day, *(a_past_verdict(f"TM-DNS-{place:03}", state) for place, state in enumerate(each)), **changed
        )
        for day, each in enumerate(states, start=1)
    ]


def test_bar_is_as_high_as_its_requirements() -> None:
    svg = verdicts_picture(nights([P] * 8, [P] * 4 + [F] * 4), key="k")

    first, second = (float(each.get("height", "")) for each in shapes(svg, "bar passed")[:2])
    assert first == pytest.approx(2 * second, abs=0.05)
    assert len(shapes(svg, "bar failed")) == 2  # the bar and its key


def test_what_was_left_out_is_not_drawn() -> None:
    svg = verdicts_picture(nights([P, S, S]), key="k")

    assert not shapes(svg, "bar skipped")
    assert "nothing was judged" in verdicts_picture(nights([S]), key="k")


def test_trouble_is_drawn_without_what_holds() -> None:
    svg = trouble_picture(nights([P] * 300, [P] * 299 + [F]), key="k")

    assert not shapes(svg, "bar passed")
    assert "1 failed" in svg
    assert "nothing failed, everything could be judged" in trouble_picture(nights([P]), key="k")


def test_other_versions_are_marked_where_they_begin() -> None:
    runs = [a_past_run(1), a_past_run(2), a_past_run(3, versions=NEWER)]

    (line,) = shapes(verdicts_picture(runs, key="k"), "moved")

    assert "Traefik v2.11.20" in "".join(line.itertext())


def test_waits_are_drawn_where_they_were_measured() -> None:
    slow = [
        a_past_verdict(f"TM-DNS-00{place}", convergence_s=wait) for place, wait in enumerate((1.0, 2.0, 9.0))
    ]
    svg = convergence_picture([a_past_run(1), a_past_run(2, *slow)], key="k")

    assert len(shapes(svg, "knot longest")) == len(shapes(svg, "knot middle")) == 1
    assert "longest 9.00 s, median 2.00 s" in svg
    assert "no wait was measured" in convergence_picture([a_past_run(1)], key="k")


def test_figure_has_its_interval_and_its_doubt() -> None:
    void = a_past_figure(0.7, validity="too few rounds")
    svg = overhead_picture(
        [a_past_run(1, figures=[a_past_figure()]), a_past_run(2, figures=[void])], STANDARD, key="k"
    )

    assert len(shapes(svg, "whisker")) == 6
    assert len(shapes(svg, "round void", "circle")) == 2  # the point and its key
    assert "not valid: too few rounds" in svg


def test_every_instrument_has_a_series_of_its_own() -> None:
    figures = [
        a_past_figure(),
        a_past_figure(instrument="locust"),
        a_past_figure(percentile=99.0, profile="churn"),
    ]

    assert overhead_series([a_past_run(1, figures=figures)]) == [STANDARD, ("standard", "locust")]
    assert "no overhead was measured" in overhead_picture([a_past_run(1)], STANDARD, key="k")


def test_figure_that_is_no_number_is_refused() -> None:
    runs = [a_past_run(1, figures=[a_past_figure(math.nan)])]

    with pytest.raises(HarnessError, match="expected a finite number"):
        overhead_picture(runs, STANDARD, key="k")


def test_day_of_a_start_that_is_no_time_is_its_text() -> None:
    assert day_of(a_past_run(3)) == "3 Nov"
    assert day_of(a_past_run(3, started="now\x1b")) == "now\\x1b"


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(VerdictState), max_size=9),
            st.lists(st.floats(-60_000, 60_000), max_size=2),
            st.none() | st.floats(0, 1e6),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_every_history_can_be_drawn_inside_its_frame(
    made: list[tuple[list[VerdictState], list[float], float | None]],
) -> None:
    runs = [
        a_past_run(
            place % 28 + 1,
            *(
                a_past_verdict(f"TM-DNS-{number:03}", state, convergence_s=wait)
                for number, state in enumerate(states)
            ),
            figures=[a_past_figure(each) for each in differences],
        )
        for place, (states, differences, wait) in enumerate(made)
    ]

    for svg in (
        verdicts_picture(runs, key="k"),
        trouble_picture(runs, key="k"),
        convergence_picture(runs, key="k"),
        overhead_picture(runs, STANDARD, key="k"),
    ):
        for shape in ET.fromstring(svg).iter():  # noqa: S314 - ours
            for name in ("x", "cx", "x1", "x2"):
                assert 0 <= float(shape.get(name, 0)) <= 560
            for name in ("y", "cy", "y1", "y2"):
                assert 0 <= float(shape.get(name, 0)) <= 334
