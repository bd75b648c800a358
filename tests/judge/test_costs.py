"""From samples of the containers to what an experiment cost them; nothing is subtracted across a restart."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from meshproof.judge.costs import judge_costs
from meshproof.judge.overhead import judge_overhead
from meshproof.measure.recording import recording_from_json, recording_to_json
from meshproof.model.cost import ContainerCost, Costs
from meshproof.model.load import Recording
from meshproof.model.usage import Moment, Usage, UsageSample
from tests.judge.recordings import cell, recording
from tests.judge.usages import CONTROLLER, GENERATOR, MIB, PROXY, SERVER, course, of, sampled

EVERYONE = [*course(PROXY, "proxy-a"), *course(CONTROLLER, "controller-a"), *course(SERVER, "server-a")]


def recorded(samples: Sequence[UsageSample], **usage: Any) -> Recording:
    """Twelve rounds of 40 requests an arm and ten of the warm-up: 490 of the mesh's arm, 1,470 in all."""
    made = recording(lambda arm, number: cell(arm, number, [1.0] * 40))
    return msgspec.structs.replace(made, usage=Usage(samples=list(samples), **usage))


def costs(samples: Sequence[UsageSample], **usage: Any) -> Costs:
    found = judge_costs(recorded(samples, **usage))
    assert found
    return found


def only(samples: Sequence[UsageSample]) -> ContainerCost:
    (row,) = costs(samples).containers
    return row


def test_nothing_is_said_where_nothing_was_watched() -> None:
    assert judge_costs(recording(lambda arm, number: cell(arm, number, [1.0]))) is None


def test_cpu_is_the_difference_over_the_load_without_what_is_used_at_rest() -> None:
    row = only(course(PROXY, "proxy-a"))

    assert (row.cpu_s, row.seconds) == (6.0, 100.0)
    assert row.idle_millicores == pytest.approx(10)
    assert row.requests == 490
    assert row.cpu_s_per_1000 == pytest.approx((6.0 - 100 * 0.01) / 490 * 1000)
    assert row.note == ""


def test_a_proxy_carries_the_meshs_arm_and_the_server_all_arms() -> None:
    rows = costs(EVERYONE).containers

    assert [(row.component, row.requests) for row in rows] == [
        (PROXY, 490),
        (CONTROLLER, None),
        (SERVER, 1470),
    ]
    assert rows[1].cpu_s_per_1000 is None
    assert rows[1].cpu_s == 6.0


def test_every_proxy_has_a_row_of_its_own() -> None:
    rows = costs([*course(PROXY, "proxy-b"), *course(PROXY, "proxy-a")]).containers

    assert [row.pod for row in rows] == ["proxy-a", "proxy-b"]


def test_memory_at_rest_and_under_load_are_told_apart() -> None:
    row = only(course(PROXY, "proxy-a"))

    assert row.working_set_idle_bytes == 40 * MIB
    assert row.working_set_mean_bytes == 60 * MIB
    assert row.working_set_peak_bytes == 70 * MIB
    assert row.working_set_samples == 3


def test_samples_are_put_in_order_by_their_own_times() -> None:
    assert only(course(PROXY, "proxy-a")[::-1]) == only(course(PROXY, "proxy-a"))


def test_limits_and_throttled_periods_are_part_of_the_result() -> None:
    limited: dict[str, Any] = {"cpu_limit_millicores": 200.0, "memory_limit_bytes": 512 * MIB}
    before = sampled(1010, 5, cfs_periods=1000, throttled_periods=10, **limited)
    after = sampled(1110, 11, cfs_periods=1900, throttled_periods=310, **limited)

    row = only([of(PROXY, Moment.BEFORE, before), of(PROXY, Moment.AFTER, after)])

    assert (row.cpu_limit_millicores, row.memory_limit_bytes) == (200, 512 * MIB)
    assert (row.throttled_periods, row.cfs_periods) == (300, 900)


def test_without_a_limit_nothing_was_throttled_and_nothing_is_claimed() -> None:
    row = only(course(PROXY, "proxy-a"))

    assert (row.cpu_limit_millicores, row.throttled_periods, row.cfs_periods) == (None, None, None)


def test_a_container_that_restarted_is_told_and_never_summed() -> None:
    """The new one's counter began at 0: the difference would be too small, and could even look right."""
    samples = course(PROXY, "proxy-a")
    samples[-1] = of(PROXY, Moment.AFTER, sampled(1110, 30.0, instance="another"))

    row = only(samples)

    assert row.cpu_s is row.cpu_s_per_1000 is row.throttled_periods is None
    assert row.note == "restarted: 2 containers, whose CPU is not added up"
    assert row.working_set_peak_bytes == 70 * MIB


def test_a_pod_that_was_replaced_leaves_two_rows_without_cpu() -> None:
    old, new = course(PROXY, "proxy-a")[:3], course(PROXY, "proxy-b")[3:]

    gone, came = costs([*old, *new]).containers

    assert gone.cpu_s is came.cpu_s is None
    assert gone.note == "no sample from after the load: it went away, or the wait for one ended"
    assert came.note == "no sample from right before the load: it came while load was on"


def test_a_wait_that_ended_is_not_taken_for_a_new_pod() -> None:
    samples = [each for each in course(PROXY, "proxy-a") if each.moment is not Moment.BEFORE]

    assert only(samples).note == "no sample from right before the load: the wait for one ended"


def test_a_counter_that_fell_is_told() -> None:
    samples = course(PROXY, "proxy-a")
    samples[-1] = of(PROXY, Moment.AFTER, sampled(1110, 1.0))

    row = only(samples)

    assert row.cpu_s is None
    assert row.note == "its CPU counter fell from 5.1 to 1 s"


def test_without_the_use_at_rest_no_cpu_of_a_request_is_told() -> None:
    row = only([each for each in course(PROXY, "proxy-a") if each.moment is not Moment.IDLE])

    assert row.cpu_s == 6.0
    assert row.idle_millicores is row.cpu_s_per_1000 is None


def test_the_generator_comes_and_goes_with_the_load() -> None:
    during = [each for each in course(GENERATOR, "load-worker-0") if each.moment is Moment.DURING]

    row = only(during)

    assert (row.cpu_s, row.seconds, row.requests) == (1.0, 15.0, None)
    assert only(during[:1]).note == "sampled once: a difference needs two"


def test_idle_memory_is_shared_among_the_services_of_the_mesh() -> None:
    found = costs(EVERYONE, services=20)

    assert (found.idle_bytes, found.services) == (80 * MIB, 20)
    assert found.idle_bytes_per_service == 4 * MIB


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(course(PROXY, "proxy-a"), id="no controller"),
        pytest.param([*EVERYONE, *course(PROXY, "proxy-b")[2:]], id="a proxy that came later"),
    ],
)
def test_idle_memory_is_not_told_of_a_part_of_the_mesh(samples: list[UsageSample]) -> None:
    assert costs(samples, services=20).idle_bytes is None


def test_notes_tell_the_resolution_and_what_is_missing() -> None:
    notes = costs(course(PROXY, "proxy-a"), problems=["after the load: forbidden"]).notes

    assert "every 10 to 50 s, and an arm is on for 2 s: CPU and memory cannot be told by arm" in notes[0]
    assert notes[1:] == [
        "no sample of the controller",
        "no sample of the server",
        "usage, after the load: forbidden",
    ]


def test_costs_come_with_the_overhead_and_out_of_the_record_again() -> None:
    made = recorded(EVERYONE, services=20)

    _, detail = judge_overhead(recording_from_json(recording_to_json(made)))

    assert detail.costs == judge_costs(made)


def test_the_generators_cpu_is_told_by_arm_by_its_own_clock() -> None:
    made = recording(
        lambda arm, number: msgspec.structs.replace(
            cell(arm, number, [1.0] * 40), cpu_s=0.02 if arm == "mesh" else 0.01
        )
    )

    figures = judge_overhead(made)[1].generator

    assert figures["cpu_s_per_1000_requests_mesh"] == 0.5
    assert figures["cpu_s_per_1000_requests_direct"] == 0.25
