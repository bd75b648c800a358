"""What one service more takes, from the stages of a growing mesh."""

from meshproof.judge.growth import at_rest, grown, measured_stage
from meshproof.model.cost import ContainerCost, Costs
from meshproof.model.growth import AtRest, Stage
from meshproof.model.usage import Component
from tests.report.runs import an_overhead

MIB = 1024 * 1024


def a_cost(component: Component, millicores: float | None, mib: float | None) -> ContainerCost:
    return ContainerCost(
        component=component,
        pod="p",
        container="c",
        idle_millicores=millicores,
        working_set_idle_bytes=None if mib is None else round(mib * MIB),
    )


def costs(proxy_mib: float | None, *, services: int = 12) -> Costs:
    """Two proxies alike, and a controller."""
    containers = [
        a_cost(Component.PROXY, 5.0, proxy_mib),
        a_cost(Component.PROXY, 6.0, 40),
        a_cost(Component.CONTROLLER, 3.0, 30),
        a_cost(Component.SERVER, 1.0, 5),
    ]
    return Costs(containers=containers, services=services)


def test_proxies_count_together() -> None:
    assert at_rest(costs(44), Component.PROXY) == AtRest(millicores=11.0, working_set_bytes=84 * MIB)
    assert at_rest(costs(44), Component.CONTROLLER).working_set_bytes == 30 * MIB


def test_what_is_not_known_of_one_proxy_is_not_known_of_all() -> None:
    assert at_rest(costs(None), Component.PROXY) == AtRest(millicores=11.0)
    assert at_rest(None, Component.PROXY) == AtRest()


def test_stage_takes_the_median_and_the_services_that_were_counted() -> None:
    stage = Stage(more=10, services=11, profile="services-10", convergence_s={"proxy": 2.5})
    rows = [an_overhead(99, 2.4), an_overhead(50, 0.92)]

    found = measured_stage(stage, rows, costs(44, services=12))

    assert (found.difference_ms, found.validity) == (0.92, "valid")
    assert found.services == 12
    assert found.convergence_s == {"proxy": 2.5}
    assert found.proxies.millicores == 11.0


def test_stage_without_a_figure_says_so() -> None:
    found = measured_stage(Stage(more=0, services=2, profile="services-0"), [], None)

    assert (found.difference_ms, found.validity, found.services) == (None, "no figure", 2)


def test_one_service_more_is_the_slope_between_stages_that_carried_a_load_before() -> None:
    stages = [
        Stage(more=0, services=2, profile="a", proxies=AtRest(millicores=99, working_set_bytes=1)),
        Stage(more=10, services=12, profile="b", proxies=AtRest(millicores=4, working_set_bytes=40 * MIB)),
        Stage(more=50, services=52, profile="c", proxies=AtRest(millicores=99, working_set_bytes=1)),
        Stage(more=110, services=112, profile="d", proxies=AtRest(millicores=9, working_set_bytes=45 * MIB)),
    ]

    found = grown(stages)

    assert found.proxies_each == AtRest(millicores=0.05, working_set_bytes=round(0.05 * MIB))
    assert found.controller_each == AtRest()
    assert found.stages == stages
