"""What a ramp, a soak and a growing mesh come to, in words."""

from pathlib import Path
from typing import Any

import pytest

from meshproof.model.drift import Unit
from meshproof.model.growth import AtRest, Growth, Stage
from meshproof.model.saturation import Limit
from meshproof.paths import PROJECT_ROOT
from meshproof.report.headline import overhead_sentences
from meshproof.report.html import render_page, write_page
from meshproof.report.saturation import (
    drift_sentence,
    growth_sentence,
    knee_words,
    saturation_line,
    saturation_sentence,
)
from meshproof.report.terminal import summary_lines
from tests.report.ramps import a_drift, a_growth, a_knee, a_run_of_every_load, a_saturation
from tests.report.runs import a_detail, a_run, an_overhead


def a_ramp_run() -> Any:
    return a_run(overhead_detail=[a_detail(profile="ramp", saturation=a_saturation(), costs=None)])


def test_each_arm_is_told_with_whose_limit_it_was() -> None:
    assert saturation_sentence(a_saturation()) == (
        "the mesh carries 300 requests/s and not 600; direct access carries 600 requests/s or more: at 1,200 "
        "the generator was at its own limit"
    )
    assert saturation_line(a_saturation()) == (
        "knee: mesh 300 to 600/s, direct 600 or more (the generator's limit); valid"
    )


def test_what_was_not_measured_validly_says_why() -> None:
    found = a_saturation(validity="4 rounds of a step are valid, 6 are needed")

    assert saturation_sentence(found).endswith("(4 rounds of a step are valid, 6 are needed)")
    assert saturation_line(found).endswith("; 4 rounds of a step are valid, 6 are needed")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({}, "300 requests/s and not 600", id="path"),
        pytest.param(
            {"carried_per_s": None, "past_per_s": 100.0},
            "less than 100 requests/s, the first step that could be judged",
            id="below the first",
        ),
        pytest.param(
            {"past_per_s": None, "limit": Limit.NOT_REACHED},
            "300 requests/s or more: no step was past its knee",
            id="beyond the last",
        ),
        pytest.param(
            {"carried_per_s": None, "limit": Limit.GENERATOR},
            "an unknown rate: no step could be judged",
            id="generator",
        ),
        pytest.param(
            {"carried_per_s": None, "past_per_s": None, "limit": Limit.NOT_REACHED},
            "an unknown rate: no step could be judged",
            id="nothing",
        ),
    ],
)
def test_a_knee_in_words(changed: dict[str, Any], said: str) -> None:
    assert knee_words(a_knee("mesh", **changed)) == said


def test_what_drifts_is_named_and_what_does_not_is_not() -> None:
    memory = a_drift(
        of="working set of proxy p",
        unit=Unit.MEBIBYTES,
        per_hour=3.0,
        interval_per_hour=(2.0, 4.5),
        shown=True,
    )

    assert drift_sentence([a_drift(), memory]) == (
        "over 30 min these drift: working set of proxy p +3.00 MiB an hour (95 % interval +2.00 to +4.50)"
    )


def test_where_nothing_drifts_the_difference_is_told_with_its_interval() -> None:
    assert drift_sentence([a_drift()]) == (
        "no drift is shown over 30 min: mesh minus direct at p50 +0.04 ms an hour "
        "(95 % interval -0.06 to +0.13)"
    )


def test_growth_is_told_by_its_ends() -> None:
    assert growth_sentence(a_growth()) == (
        "with 103 services in it the mesh adds 0.90 ms at the median, with 3 0.82 ms, each proxy knew all "
        "within 4.0 s, all had names within 18.2 s, one more takes 51 KiB and 0.05 millicores of the "
        "proxies"
    )


def test_growth_of_which_nothing_is_known_says_so() -> None:
    found = Growth(stages=[Stage(more=0, services=3, profile="x")], proxies_each=AtRest())

    assert growth_sentence(found) == "what services take could not be told"


def test_they_are_among_the_sentences_of_the_run_though_they_have_no_rows() -> None:
    growth = a_detail(profile="services", arms=[], costs=None, growth=a_growth())
    run = a_run(
        overhead=[an_overhead(profile="services-0")],
        overhead_detail=[growth, a_detail(profile="services-0", costs=None, drifts=[a_drift()])],
    )

    said = overhead_sentences(run)

    assert said[0].startswith("services-0: the mesh adds")
    assert said[1].startswith("services-0: no drift is shown")
    assert said[2].startswith("services: with 103 services in it")
    assert overhead_sentences(a_ramp_run()) == [saturation_sentence(a_saturation())]


def test_terminal_tells_the_knee() -> None:
    assert any("knee: mesh 300 to 600/s" in line for line in summary_lines(a_ramp_run(), PROJECT_ROOT))


def test_page_tells_every_step_of_a_ramp_and_no_curve_over_all_of_them() -> None:
    page = render_page(a_ramp_run())

    assert page.count("<td>past</td>") == 4
    assert page.count("<td>carried</td>") == 8
    assert "300 requests/s and not 600" in page
    assert "Throughput against latency" in page
    assert "Service time by percentile" not in page


def test_the_picture_of_a_ramp_is_a_file_beside_the_page(tmp_path: Path) -> None:
    write_page(tmp_path, a_ramp_run())

    assert [path.name for path in tmp_path.glob("*.svg")] == ["overhead-ramp-locust-saturation.svg"]
    assert "prefers-color-scheme: dark" in next(tmp_path.glob("*.svg")).read_text("utf-8")


def test_page_tells_drift_and_growth() -> None:
    page = render_page(a_run_of_every_load())

    assert "More and more services in the mesh" in page
    assert "<caption>Drift</caption>" in page
    assert "<td>drifts</td>" in page
    assert "4.0 s" in page
    assert "not known" in page  # what the controller takes
