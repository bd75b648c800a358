"""Where the time goes: bars, sentences and lines; and the deployments behind every comparison in turn."""

import math
from pathlib import Path

import msgspec
import pytest

from meshproof.judge.deployments import deployments_of
from meshproof.model.errors import HarnessError
from meshproof.model.run import run_from_json, run_to_json
from meshproof.report.attribution import (
    attribution_lines,
    attribution_sentence,
    attribution_so_far,
    bars_picture,
)
from meshproof.report.comparison import comparison_lines, comparison_sentence, short_line, so_far
from meshproof.report.deployments_picture import deployments_picture
from meshproof.report.html import render_page, write_page
from meshproof.report.terminal import MAX_LINES, MAX_WIDTH, summary_lines
from tests.judge.deployments import A, B, a_deployed, four_each
from tests.report.attribution_results import a_live_comparison, a_part, an_attribution, left_out
from tests.report.runs import HOSTILE, a_run, an_overhead
from tests.report.test_picture import of_class, texts


def test_every_measured_part_has_a_bar_with_its_interval_and_noise_floor() -> None:
    svg = bars_picture(an_attribution(), key="k")

    assert len([shape for shape in of_class(svg, "bar") if float(shape.get("x", "0")) > 40]) == 4
    assert len([shape for shape in of_class(svg, "whisker") if shape.get("y1") != shape.get("y2")]) == 8
    assert {"bare hop", "metrics", "tracing", "retry"} <= set(texts(svg))
    assert "rate-limit" not in texts(svg)


def test_part_that_takes_time_away_has_its_bar_on_the_other_side() -> None:
    found = msgspec.structs.replace(
        an_attribution(), parts=[a_part(), a_part(part="less", added_ms=-0.4, interval_ms=(-0.5, -0.3))]
    )

    more, less = of_class(bars_picture(found, key="k"), "bar")[:2]

    assert float(less.get("x", "0")) + float(less.get("width", "0")) == pytest.approx(
        float(more.get("x", "0"))
    )


def test_bars_of_nothing_say_so() -> None:
    nothing = msgspec.structs.replace(an_attribution(), parts=[])

    assert "no part was measured" in texts(bars_picture(nothing, key="k"))


def test_figure_that_is_none_is_refused() -> None:
    broken = msgspec.structs.replace(an_attribution(), parts=[a_part(added_ms=math.nan)])

    with pytest.raises(HarnessError, match="what tracing adds: got nan"):
        bars_picture(broken, key="k")


def test_sentence_tells_the_hop_then_what_was_told_from_nothing() -> None:
    found = an_attribution()
    whole = msgspec.structs.replace(found, parts=[each for each in found.parts if each.part != "rate-limit"])

    said = attribution_sentence(whole)

    assert said.startswith(
        "the bare hop takes 0.50 ms (+0.47 to +0.53) at the median; tracing adds 0.40 ms ("
    )
    assert said.endswith("; not told from nothing: metrics")


def test_sentence_of_what_is_not_valid_says_why() -> None:
    found = an_attribution()
    lost = [msgspec.structs.replace(each, validity="requests failed") for each in found.parts]

    assert attribution_sentence(msgspec.structs.replace(found, parts=lost)) == (
        "where the time goes was not measured validly: requests failed"
    )


def test_lines_hold_a_figure_for_each_part() -> None:
    found = msgspec.structs.replace(
        an_attribution(), parts=[a_part(cpu_s_per_1000=0.05), a_part(part="metrics", interval_ms=(-0.1, 0.5))]
    )

    heading, tracing, metrics = attribution_lines(found, 100)

    assert heading == "where the time goes, added at p50 (profile live):"
    assert tracing.split() == (
        [
            "tracing",
            "+0.40",
            "ms",
            "[+0.30,",
            "+0.50]",
            "noise",
            "0.10",
            "+0.05",
            "CPU",
            "s",
            "per",
            "1,000",
            "valid",
        ]
    )
    assert metrics.endswith("not told from nothing")


def test_part_that_was_not_measured_says_why() -> None:
    unknown = a_part(added_ms=None, interval_ms=None, validity="none of it yet")
    found = msgspec.structs.replace(an_attribution(), parts=[unknown])

    assert attribution_lines(found, 100)[1].split() == [
        "tracing",
        "not",
        "measured:",
        "none",
        "of",
        "it",
        "yet",
    ]
    assert attribution_so_far(found) == "no figure yet"


def test_how_it_stands_is_told_after_each_turn() -> None:
    assert attribution_so_far(an_attribution()).startswith("so far: bare hop +0.50 ms, metrics ")
    assert so_far(a_live_comparison()) == (
        "B costs +1.39 ms at the median; so far B minus A +0.50 ms [+0.47, +0.53]"
    )


def test_first_turn_has_no_difference_yet() -> None:
    first = msgspec.structs.replace(
        a_live_comparison(),
        changes=[],
        deployments=deployments_of([A, B], [a_deployed(1, "B", 0.9)], planned=8),
    )

    assert so_far(first) == "B costs +0.90 ms at the median"


def test_comparison_of_settings_names_them_wherever_it_is_told() -> None:
    found = a_live_comparison()

    assert comparison_sentence(found).startswith(
        "against A (default): regressed: the mesh costs 0.50 ms more"
    )
    assert "24 rounds with A (default), 24 with B (b.yaml)" in comparison_lines(found)[1]
    assert short_line(found, 100).startswith(
        "  ✕ against A (default): regressed: p50 +0.90 -> +1.40 ms, change"
    )


def test_deployments_are_drawn_with_their_rounds_and_their_settings_mean() -> None:
    svg = deployments_picture(four_each(0.9, 1.4), key="k")

    drawn = [shape for shape in of_class(svg, "deployment") if shape.get("r") == "5"]
    assert len(drawn) == 8
    assert len([shape for shape in of_class(svg, "turn") if shape.get("r") == "2"]) == 48
    assert len([shape for shape in of_class(svg, "setting") if shape.tag == "line"]) == 2
    assert {"A (default)", "B (b.yaml)"} <= set(texts(svg))


def test_deployment_without_a_round_is_left_out_of_the_picture() -> None:
    whole = deployments_of([A, B], [left_out(1, "A"), a_deployed(2, "B", 0.9)], planned=8)

    svg = deployments_picture(whole, key="k")

    assert len([shape for shape in of_class(svg, "deployment") if shape.get("r") == "5"]) == 1


def test_picture_of_no_deployment_says_so() -> None:
    svg = deployments_picture(deployments_of([A, B], [left_out(1, "A")], planned=8), key="k")

    assert "no deployment was measured" in texts(svg)


def test_page_and_pictures_are_written(tmp_path: Path) -> None:
    hostile = msgspec.structs.replace(A, told=HOSTILE)
    whole = deployments_of([hostile, B], four_each(0.9, 1.4).deployed, planned=8)
    comparison = msgspec.structs.replace(a_live_comparison(), deployments=whole)
    run = a_run(comparisons=[comparison], attributions=[an_attribution()])

    page = write_page(tmp_path, run).read_text()

    assert "<script>alert" not in page
    assert page.count("Deployments in the order in which they were made") == 2
    assert "not measured" in page
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == [
        "attribution-live-deployments.svg",
        "attribution-live-parts.svg",
        "comparison-live-deployments.svg",
    ]


def test_page_of_deployments_that_were_left_out_says_why() -> None:
    whole = deployments_of([A, B], [left_out(1, "A"), a_deployed(2, "B", 0.9)], planned=8)
    comparison = msgspec.structs.replace(a_live_comparison(), deployments=whole)

    assert "left out: 2 of 6 rounds can be judged" in render_page(a_run(comparisons=[comparison]))


def test_page_tells_of_a_deployment_that_was_measured_twice() -> None:
    again = a_deployed(1, "A", 0.8, put_aside="2 of 6 rounds can be judged, 3 are needed")
    whole = deployments_of([A, B], [again, a_deployed(2, "B", 0.9)], planned=8)
    comparison = msgspec.structs.replace(a_live_comparison(), deployments=whole)

    said = "measured twice, the first time put aside: 2 of 6 rounds can be judged"
    assert said in render_page(a_run(comparisons=[comparison]))


def test_report_reads_back() -> None:
    run = a_run(comparisons=[a_live_comparison()], attributions=[an_attribution()])

    assert run_from_json(run_to_json(run)) == run


def test_terminal_has_every_part() -> None:
    lines = summary_lines(a_run(attributions=[an_attribution()]), Path("x"))

    assert [line.split()[0] for line in lines[-7:-2]] == ["bare", "metrics", "tracing", "retry", "rate-limit"]
    assert all(len(line) <= MAX_WIDTH for line in lines)


def test_terminal_stays_small_beside_other_figures() -> None:
    rows = [an_overhead(q, profile=f"profile {n}") for n in range(9) for q in (50, 90, 99)]
    many = msgspec.structs.replace(an_attribution(), parts=[a_part(part=f"part {n}") for n in range(30)])

    lines = summary_lines(a_run(overhead=rows, attributions=[many, many]), Path("x"))

    assert len(lines) <= MAX_LINES
    assert any(line.startswith("  and 5") and line.endswith("more on the page") for line in lines)
