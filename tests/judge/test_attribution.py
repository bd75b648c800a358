"""What each part adds: the hop and middlewares within deployments, settings between them."""

from statistics import fmean
from typing import Any

import msgspec
import pytest

from meshproof.judge.attribution import attribute
from meshproof.judge.deployments import deployments_of
from meshproof.judge.intervals import mean_interval
from meshproof.model.attribution import HOP, Attribution, PartCost, PartKind
from meshproof.model.deployment import Deployments, Setting
from tests.judge.deployments import in_turn

BARE = Setting(name="bare", told="bare")
METRICS = Setting(name="metrics", told="metrics")
TRACING = Setting(name="tracing", told="tracing")
STEPS = (-0.02, 0.02, 0.01, -0.01)


def measured(**changed: Any) -> Deployments:
    """The bare hop costs 0.5 ms, metrics 0.1 more, tracing 0.4; a retry 0.2 in the bare ones."""
    costs = {
        name: [cost + step for step in STEPS]
        for name, cost in (("bare", 0.5), ("metrics", 0.6), ("tracing", 0.9))
    }
    whole = in_turn(costs, settings=(BARE, METRICS, TRACING))
    found = [
        msgspec.structs.replace(each, arms_ms={"retry": [0.2 + STEPS[each.number // 3 % 4]] * 6})
        if each.setting == "bare"
        else each
        for each in whole.deployed
    ]
    return msgspec.structs.replace(
        whole, deployed=[msgspec.structs.replace(each, **changed) for each in found]
    )


def parts(whole: Deployments) -> dict[str, PartCost]:
    return {each.part: each for each in attribute(whole, profile="live", middlewares=["retry"]).parts}


def test_parts_are_in_order_each_with_its_kind() -> None:
    found = attribute(measured(), profile="live", middlewares=["retry"]).parts

    assert [(each.part, each.kind) for each in found] == [
        (HOP, PartKind.HOP),
        ("metrics", PartKind.SETTING),
        ("tracing", PartKind.SETTING),
        ("retry", PartKind.MIDDLEWARE),
    ]


@pytest.mark.parametrize(
    ("part", "added_ms", "deployments", "rounds"),
    [
        pytest.param(HOP, 0.5, (4, 4), (24, 24), id="hop"),
        pytest.param("metrics", 0.1, (4, 4), (24, 24), id="metrics"),
        pytest.param("tracing", 0.4, (4, 4), (24, 24), id="tracing"),
        pytest.param("retry", 0.2, (4, 4), (24, 24), id="retry"),
    ],
)
def test_part_has_its_figure_and_what_it_rests_on(
    part: str, added_ms: float, deployments: tuple[int, int], rounds: tuple[int, int]
) -> None:
    found = parts(measured())[part]

    assert found.added_ms == pytest.approx(added_ms, abs=1e-3)
    assert found.interval_ms is not None
    assert found.interval_ms[0] < added_ms < found.interval_ms[1]
    assert (found.deployments, found.rounds, found.validity) == (deployments, rounds, "valid")
    assert found.shown


def test_middleware_is_paired_within_its_deployments() -> None:
    """Its interval is over the means of what it adds, whatever the deployments themselves differ by."""
    whole = measured()
    means = [fmean(each.arms_ms["retry"]) for each in whole.deployed if each.setting == "bare"]

    expected = mean_interval(means, 0.95)

    assert parts(whole)["retry"].interval_ms == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_part_within_the_noise_is_not_shown() -> None:
    """Control minus direct of the same deployments moved by more than metrics add."""
    loud = measured()
    steps = {1: 0.3, 2: -0.3}
    found = [
        msgspec.structs.replace(each, control_ms=[steps.get(each.number % 3, 0.0)] * 6)
        for each in loud.deployed
    ]

    part = parts(msgspec.structs.replace(loud, deployed=found))["metrics"]

    assert (part.noise_floor_ms or 0) > (part.added_ms or 0)
    assert not part.shown


def test_cpu_is_that_of_the_deployments_that_were_watched() -> None:
    whole = measured()
    cpu_s = {"bare": 0.4, "metrics": 0.45}
    watched = [
        msgspec.structs.replace(each, proxy_cpu_s_per_1000=cpu_s.get(each.setting))
        if each.number < 4
        else each
        for each in whole.deployed
    ]

    found = parts(msgspec.structs.replace(whole, deployed=watched))

    assert found[HOP].cpu_s_per_1000 == 0.4
    assert found["metrics"].cpu_s_per_1000 == pytest.approx(0.05)
    assert found["tracing"].cpu_s_per_1000 is None
    assert found["retry"].cpu_s_per_1000 is None


def test_middleware_that_no_experiment_had_is_not_valid() -> None:
    found = attribute(measured(), profile="live", middlewares=["rate-limit"]).parts[-1]

    assert (found.added_ms, found.validity) == (None, "it was measured in 0 deployments, 4 are needed")


def test_too_few_deployments_are_said_and_their_figures_shown() -> None:
    whole = measured()

    found = parts(deployments_of(whole.settings, whole.deployed[:9], planned=12))

    assert found["metrics"].validity == (
        "3 deployments of bare and 3 deployments of metrics can be judged, 4 of each are needed"
    )
    assert found["metrics"].added_ms == pytest.approx(0.1, abs=0.01)


def test_nothing_measured_has_no_figures() -> None:
    empty: Attribution = attribute(
        deployments_of([BARE, METRICS], [], planned=8), profile="live", middlewares=["retry"]
    )

    assert [each.added_ms for each in empty.parts] == [None, None, None]
    assert not any(each.shown for each in empty.parts)


def test_lost_requests_make_no_part_valid() -> None:
    assert parts(measured(errors=1))["retry"].validity.startswith(
        "requests through the mesh failed, 4 with bare"
    )
