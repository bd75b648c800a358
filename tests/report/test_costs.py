"""What the mesh's containers took, in one sentence."""

import re
from html import unescape
from typing import Any

import pytest

from meshproof.model.cost import ContainerCost, Costs
from meshproof.model.run import OverheadDetail
from meshproof.report.costs import cost_line, cost_sentence
from meshproof.report.html import render_page
from tests.report.cost_results import a_cost
from tests.report.runs import a_detail, a_run

LIMITED: dict[str, Any] = {"cpu_limit_millicores": 200.0, "cfs_periods": 900, "throttled_periods": 300}


def said(*containers: ContainerCost) -> str:
    return cost_sentence(Costs(containers=list(containers)))


def test_a_proxy_and_its_controller() -> None:
    assert said(a_cost(), a_cost("controller"), a_cost("server")) == (
        "the proxy took 0.52 CPU s per 1,000 requests (no CPU limit), at most 61 MiB, the controller 61 MiB"
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param(LIMITED, "(limit 200m, throttled in 33% of the periods)", id="throttled"),
        pytest.param({"cpu_limit_millicores": 200.0}, "(limit 200m)", id="periods that are not known"),
        pytest.param({"cpu_s_per_1000": None}, "took CPU that cannot be told", id="restarted"),
    ],
)
def test_limits_are_part_of_the_result(changed: dict[str, Any], words: str) -> None:
    assert words in said(a_cost(**changed))


def test_proxies_are_added_up() -> None:
    both = said(a_cost(), a_cost(**LIMITED, working_set_peak_bytes=90 * 1024 * 1024))

    assert both == (
        "2 proxies took 1.04 CPU s per 1,000 requests (limit none or 200m, throttled in 33% of the periods), "
        "at most 90 MiB each"
    )


def test_one_proxy_that_cannot_be_told_leaves_no_sum() -> None:
    assert "CPU that cannot be told" in said(a_cost(), a_cost(cpu_s_per_1000=None))


def test_without_a_sample_of_the_proxies_nothing_is_claimed() -> None:
    alone = Costs(containers=[a_cost("controller")])

    assert {cost_sentence(alone), cost_line(alone)} == {
        "what the proxies took is not known: there is no sample of them"
    }


def test_memory_that_is_not_known_is_left_out() -> None:
    assert said(a_cost(working_set_peak_bytes=None)).endswith("(no CPU limit)")


def test_the_line_of_a_terminal_has_room_for_all_of_it() -> None:
    costs = Costs(containers=[a_cost(**LIMITED), a_cost(**LIMITED), a_cost("controller")])

    line = cost_line(costs)

    assert line == (
        "2 proxies: 1.04 CPU s per 1,000 requests (limit 200m, throttled in 33%), 61 MiB each, "
        "controller 61 MiB"
    )


@pytest.mark.parametrize(
    "words",
    [
        "6.41 s in 158 s",
        "0.518 s of 12,400",
        "4.3 millicores",
        "200 millicores",
        "411 of 1,582",
        "48.0 MiB 57.0 MiB 61.0 MiB 11 512.0 MiB",
        "restarted: 2 containers",
        "144.0 MiB of proxies and controller for 23 services in the mesh: 6.3 MiB each",
        "the kubelets sampled a container every 10 to 19 s",
    ],
)
def test_the_page_tells_what_each_container_took(words: str) -> None:
    assert words in shown(a_detail())


def test_a_measurement_without_a_figure_tells_why_and_what_it_took() -> None:
    text = shown(a_detail(notes=["no figure: 1 rounds can be judged"]))

    assert "no figure: 1 rounds can be judged" in text
    assert "CPU of the containers" in text


def shown(detail: OverheadDetail) -> str:
    """The page's text, without a row of figures."""
    html = render_page(a_run(overhead_detail=[detail]))
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())
