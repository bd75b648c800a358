"""The pictures hold for every measurement, and refuse what is none."""

import math
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshproof.model.errors import HarnessError
from meshproof.model.run import ArmCurve
from meshproof.report.picture import curves_picture, rounds_picture, saturation_picture
from meshproof.report.scale import linear_axis, log_axis, percentile_axis, tick_label
from meshproof.report.svg import standalone
from tests.report.ramps import a_knee, a_saturation, a_step
from tests.report.runs import HOSTILE, a_detail, an_overhead

LATENCY = st.floats(0.001, 60_000)
DIFFERENCE = st.floats(-60_000, 60_000)


def of_class(svg: str, kind: str) -> list[ET.Element]:
    """The shapes of a picture in one style."""
    return [shape for shape in ET.fromstring(svg).iter() if kind in shape.get("class", "").split()]  # noqa: S314 - ours


def texts(svg: str) -> list[str]:
    """What a reader reads."""
    return [shape.text or "" for shape in ET.fromstring(svg).iter("text")]  # noqa: S314 - ours


def an_arm(*percentiles: tuple[float, float], arm: str = "mesh") -> ArmCurve:
    """A curve through these points."""
    return ArmCurve(arm=arm, requests=100, errors=0, percentiles=list(percentiles))


def test_every_arm_has_a_curve_and_a_name() -> None:
    svg = curves_picture(a_detail().arms, key="k", profile="standard")

    assert len([shape for shape in of_class(svg, "curve") if shape.tag == "polyline"]) == 3
    assert {"direct", "control", "mesh"} <= set(texts(svg))


def test_axes_name_their_units_and_percentiles() -> None:
    svg = curves_picture([an_arm((50, 1), (99.9, 3))], key="k", profile="standard")

    assert {"percentile of requests, and how many are slower", "service time (ms)"} <= set(texts(svg))
    assert {"50", "1 in 2", "90", "1 in 10", "99", "1 in 100", "99.9", "1 in 1,000"} <= set(texts(svg))


def test_the_last_label_ends_inside_the_picture() -> None:
    svg = curves_picture([an_arm((50, 1), (99.99, 3))], key="k", profile="standard")

    last = next(label for label in ET.fromstring(svg).iter("text") if label.text == "1 in 10,000")  # noqa: S314 - ours
    assert last.get("text-anchor") == "end"


def test_a_file_of_its_own_has_a_heading_a_ground_and_colours_for_light_and_dark() -> None:
    picture = rounds_picture(an_overhead(profile=HOSTILE), key="k")

    root = ET.fromstring(standalone(picture, ":root { --ink: #000 }"))  # noqa: S314 - ours

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert [child.tag.partition("}")[2] for child in root][:5] == ["title", "desc", "style", "rect", "text"]
    assert (root[4].text or "").startswith("Mesh minus direct at p50 in every round, profile <script>")
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("560", "368", "0 -34 560 368")


def test_a_long_tail_makes_the_axis_logarithmic() -> None:
    svg = curves_picture([an_arm((50, 1), (99.9, 300))], key="k", profile="standard")

    assert "service time (ms, logarithmic)" in texts(svg)


def test_the_picture_is_accessible() -> None:
    root = ET.fromstring(rounds_picture(an_overhead(), key="k"))  # noqa: S314 - ours

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "k-title k-desc"
    assert {root[0].get("id"), root[1].get("id")} == {"k-title", "k-desc"}
    assert "20 rounds; estimate 0.92 ms, 95 % interval 0.81 to 1.02 ms" in (root[1].text or "")


@pytest.mark.parametrize(
    "arms", [[], [an_arm()], [an_arm((100, 3.0))]], ids=["no arm", "no point", "maximum"]
)
def test_no_latency_is_said_so(arms: list[ArmCurve]) -> None:
    assert texts(curves_picture(arms, key="k", profile="p")) == ["no latency was recorded"]


def test_no_round_is_said_so() -> None:
    row = an_overhead(round_differences_ms=[])

    assert texts(rounds_picture(row, key="k")) == ["no valid round was recorded"]


@pytest.mark.parametrize(
    "differences", [[0.5], [0.5] * 20, [0.0], [-1.0, 1.0]], ids=["one", "identical", "zero", "both signs"]
)
def test_every_round_has_a_dot_inside_the_plot(differences: list[float]) -> None:
    row = an_overhead(round_differences_ms=differences)

    dots = of_class(rounds_picture(row, key="k"), "round")[: len(differences)]

    assert all(52 <= float(dot.get("cy", "nan")) <= 274 for dot in dots)


def test_bands_and_lines_of_identical_arms_are_drawn() -> None:
    row = an_overhead(
        difference_ms=0.0, interval_ms=(0.0, 0.0), noise_floor_ms=0.0, round_differences_ms=[0.0, 0.0]
    )

    svg = rounds_picture(row, key="k")

    assert len(of_class(svg, "noise")) == len(of_class(svg, "interval")) == 2  # the plot's and the legend's


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["difference_ms", "noise_floor_ms"])
def test_a_difference_that_is_no_number_is_refused(field: str, value: float) -> None:
    changed: dict[str, Any] = {"round_differences_ms": [1.0], "interval_ms": (0.0, 1.0), field: value}
    row = an_overhead(**changed)

    with pytest.raises(HarnessError, match="finite"):
        rounds_picture(row, key="k")


def test_a_round_that_is_no_number_is_refused() -> None:
    with pytest.raises(HarnessError, match="differences of the rounds"):
        rounds_picture(an_overhead(round_differences_ms=[0.1, math.nan]), key="k")


def test_a_latency_that_is_no_number_is_refused() -> None:
    with pytest.raises(HarnessError, match="arm mesh"):
        curves_picture([an_arm((50, math.nan))], key="k", profile="p")


def test_names_are_escaped() -> None:
    svg = curves_picture([an_arm((50, 1.0), arm=HOSTILE)], key="k", profile=HOSTILE)

    assert "<script" not in svg
    assert "\x1b" not in svg
    assert len(of_class(svg, "arm-other0")) == 3  # curve, its legend, its knot


@settings(deadline=None)
@given(st.lists(DIFFERENCE, min_size=1, max_size=60), DIFFERENCE, st.floats(0, 1_000))
def test_any_finite_rounds_are_drawn(differences: list[float], estimate: float, noise: float) -> None:
    row = an_overhead(
        difference_ms=estimate,
        interval_ms=(estimate - 1, estimate + 1),
        noise_floor_ms=noise,
        round_differences_ms=differences,
    )

    dots = [dot for dot in of_class(rounds_picture(row, key="k"), "round") if dot.get("cx") != "11"]

    assert len(dots) == len(differences)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), LATENCY), min_size=1, max_size=30))
def test_any_finite_curve_is_drawn(points: list[tuple[float, float]]) -> None:
    svg = curves_picture([an_arm(*points)], key="k", profile="p")

    ET.fromstring(svg)  # noqa: S314 - ours
    assert "nan" not in svg


@given(DIFFERENCE, DIFFERENCE)
def test_an_axis_covers_what_it_is_made_for(one: float, other: float) -> None:
    low, high = sorted((one, other))

    axis = linear_axis(low, high, start=100, end=0)

    assert axis.low <= low
    assert axis.high >= high
    assert 2 <= len(axis.ticks) <= 9


def test_every_nine_has_the_same_width() -> None:
    axis = percentile_axis(50, 99.9, start=0, end=100)

    assert axis.at(99.9) - axis.at(99) == pytest.approx(axis.at(99) - axis.at(90), abs=0.05)


def test_logarithmic_ticks_are_round() -> None:
    assert log_axis(0.4, 9.2, start=0, end=1).ticks == pytest.approx((0.2, 0.5, 1, 2, 5, 10))


@pytest.mark.parametrize(("value", "label"), [(0.25, "0.25"), (-1.0, "\N{MINUS SIGN}1"), (99.9, "99.9")])
def test_ticks_have_no_needless_digits(value: float, label: str) -> None:
    assert tick_label(value) == label


def test_throughput_against_latency_shows_both_arms_twice_and_their_knees() -> None:
    svg = saturation_picture(a_saturation(), key="k", profile="ramp")

    lines = [shape for shape in of_class(svg, "curve") if shape.tag == "polyline"]
    assert len(lines) == 4
    assert len(of_class(svg, "knee")) == 2
    assert {"direct service", "direct response", "mesh service", "mesh response"} <= set(texts(svg))
    assert "knee: direct 600+/s, mesh 300/s" in texts(svg)


def test_past_the_knee_a_line_goes_up_and_not_on() -> None:
    svg = saturation_picture(a_saturation(), key="k", profile="ramp")

    response = next(
        shape
        for shape in of_class(svg, "response")
        if "arm-mesh" in shape.get("class", "") and shape.tag == "polyline"
    )
    points = [tuple(map(float, pair.split(","))) for pair in (response.get("points") or "").split()]
    (at_300, _), (at_600, high), (at_1200, higher) = points[1:]
    assert at_300 < at_600 == at_1200
    assert higher < high  # pixels grow downwards


def test_rates_that_reach_far_make_the_axis_logarithmic() -> None:
    wide = [a_step("mesh", rate, 6000) for rate in (100.0, 500.0, 3000.0)]

    far = saturation_picture(a_saturation(steps=wide), key="k", profile="ramp")
    near = saturation_picture(a_saturation(steps=wide[:2]), key="k", profile="ramp")

    assert "requests answered per second (logarithmic)" in texts(far)
    assert "requests answered per second" in texts(near)


def test_an_arm_whose_knee_is_not_known_has_no_mark() -> None:
    unknown = [a_knee("mesh", carried_per_s=None), a_knee("direct")]

    assert len(of_class(saturation_picture(a_saturation(knees=unknown), key="k", profile="r"), "knee")) == 1


def test_a_ramp_without_an_answer_says_so() -> None:
    empty = a_step("mesh", 100, 50, service_percentiles=[], response_percentiles=[])
    svg = saturation_picture(a_saturation(steps=[empty]), key="k", profile="ramp")

    assert "no latency was recorded" in texts(svg)


def test_a_step_that_is_no_number_is_refused() -> None:
    broken = a_step("mesh", 100, 50, answered_per_s=math.nan)

    with pytest.raises(HarnessError, match="latency of a step"):
        saturation_picture(a_saturation(steps=[broken]), key="k", profile="ramp")
