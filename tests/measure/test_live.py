"""The order of the turns, how often what fits, and the turns themselves."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshproof.measure.live import SETUP_S, LivePlan, Turn, order_of, plan_turns, take_turns
from meshproof.measure.profile import load_profile
from meshproof.model.deployment import Deployed, Setting
from meshproof.model.errors import BadInputError, HarnessError
from tests.judge.deployments import A, B, a_deployed

LIVE = load_profile("live")
C = Setting(name="C", told="c.yaml")


@given(st.integers(2, 4), st.sampled_from([4, 6, 8]), st.integers())
def test_order_is_balanced_and_a_steady_drift_moves_all_alike(settings: int, each: int, seed: int) -> None:
    names = "ABCD"[:settings]

    order = order_of(names, each=each, seed=seed)

    assert Counter(order) == dict.fromkeys(names, each)
    centres = {name: fmean(n for n, found in enumerate(order) if found == name) for name in names}
    assert len(set(centres.values())) == 1


def test_order_of_two_is_abba_or_baab() -> None:
    orders = {"".join(order_of("AB", each=4, seed=seed)) for seed in range(40)}

    assert orders == {"ABBAABBA", "ABBABAAB", "BAABABBA", "BAABBAAB"}


def test_order_can_be_drawn_again() -> None:
    assert order_of("ABC", each=8, seed=7) == order_of("ABC", each=8, seed=7)


def planned(minutes: float, *settings: Setting, **changed: object) -> LivePlan:
    return plan_turns(settings or (A, B), LIVE, budget_s=minutes * 60, **changed)  # type: ignore[arg-type]


def test_larger_budget_means_more_deployments_not_more_rounds() -> None:
    plans = [planned(minutes) for minutes in (7, 12, 30, 600)]

    assert [each.each for each in plans] == [4, 8, 16, 16]
    assert {each.profile.rounds for each in plans} == {LIVE.rounds}
    assert all(each.estimate_s <= each.budget_s for each in plans)


def test_budget_without_room_for_four_of_each_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"--budget: got 4 minutes, expected at least [0-9.]+ for 4 depl"):
        planned(4)


def test_further_arms_and_watching_take_longer() -> None:
    plain = planned(30, A, C).estimate_s / planned(30, A, C).each
    more = planned(30, A, C, arms={"A": {"retry": "overhead-retry"}}, watched=True)

    assert more.estimate_s / more.each > plain
    assert (more.arms_of("A"), more.arms_of("C")) == ({"retry": "overhead-retry"}, {})


def test_cpu_is_watched_in_the_first_deployment_of_each() -> None:
    turns = planned(30, A, B, C, watched=True).turns

    watched = [turn.setting for turn in turns if turn.watched]
    assert sorted(watched) == ["A", "B", "C"]
    assert [turn.setting for turn in turns][:3] == watched


def test_cpu_is_not_watched_where_the_budget_has_no_room_for_it() -> None:
    large = planned(60)
    least_s = SETUP_S + 4 * (large.estimate_s - SETUP_S) / large.each

    assert not planned(least_s / 60 + 0.1, watched=True).watched
    assert planned(60, watched=True).watched


class FakeBench:
    """Deploys and measures at once, on a clock of its own."""

    def __init__(self, *, turn_s: float = 30.0, breaks_at: int = 0) -> None:
        self.now_s = 0.0
        self.deployed: list[str] = []
        self._turn_s = turn_s
        self._breaks_at = breaks_at

    def deploy(self, setting: Setting) -> tuple[list[str], float]:
        self.deployed.append(setting.name)
        if len(self.deployed) == self._breaks_at:
            raise HarnessError(where="agent", problem="gone", remedy="look")
        return [f"proxy-{len(self.deployed)}"], 9.0

    def measure(
        self, turn: Turn, number: int, proxies: Sequence[str], deploy_s: float, *, put_aside: str = ""
    ) -> Deployed:
        self.now_s += self._turn_s
        told: dict[str, Any] = {"proxies": list(proxies), "deploy_s": deploy_s, "put_aside": put_aside}
        return a_deployed(number, turn.setting, 0.9, **told)


def taken(plan: LivePlan, bench: FakeBench) -> tuple[list[Deployed], list[str], list[int]]:
    """What was measured, what was said, and how much was known after each turn."""
    said: list[str] = []
    known: list[int] = []

    def found(done: list[Deployed]) -> str:
        known.append(len(done))
        return f"{len(done)} known"

    done = take_turns(plan, bench, note=said.append, found=found, clock=lambda: bench.now_s)
    return done, said, known


def test_every_turn_is_deployed_measured_and_told() -> None:
    plan, bench = planned(7), FakeBench()

    done, said, known = taken(plan, bench)

    assert bench.deployed == [turn.setting for turn in plan.turns]
    assert [(each.number, each.setting) for each in done] == list(enumerate(bench.deployed, start=1))
    assert done[2].proxies == ["proxy-3"]
    assert known == list(range(1, 9))
    assert said[1] == "deployment 1 of 8: 1 known"
    assert said[0] in {"deployment 1 of 8: A (default)", "deployment 1 of 8: B (b.yaml)"}


def test_budget_that_runs_out_ends_it_after_a_balanced_block() -> None:
    plan, bench = planned(30), FakeBench(turn_s=140.0)

    done, said, _ = taken(plan, bench)

    assert Counter(each.setting for each in done) == {"A": 6, "B": 6}
    assert said[-1] == "the budget of 30 minutes is used up: 12 were deployed"


def test_four_of_each_are_measured_whatever_the_clock_says() -> None:
    done, _, _ = taken(planned(7), FakeBench(turn_s=1000.0))

    assert Counter(each.setting for each in done) == {"A": 4, "B": 4}


def retaken(*results: Deployed) -> tuple[list[Deployed], list[str]]:
    """The first deployment's experiments come to these; what was kept, and what was said."""
    bench, left, said = FakeBench(), list(results), list[str]()
    measure = bench.measure

    def scripted(
        turn: Turn, number: int, proxies: Sequence[str], deploy_s: float, *, put_aside: str = ""
    ) -> Deployed:
        found = left.pop(0) if left else measure(turn, number, proxies, deploy_s)
        return msgspec.structs.replace(found, put_aside=put_aside)

    bench.measure = scripted  # type: ignore[method-assign]
    done = take_turns(planned(7), bench, note=said.append, found=lambda _: "", clock=lambda: bench.now_s)
    return done, said


def test_deployment_of_void_rounds_is_measured_once_more() -> None:
    done, said = retaken(a_deployed(1, "A", 0.9, left_out="void"), a_deployed(1, "A", 0.8))

    assert (len(done), done[0].left_out) == (8, "")
    assert [each.put_aside for each in done] == ["void", *[""] * 7]
    assert said[1] == "deployment 1 of 8: void: it is measured once more"


def test_deployment_of_void_rounds_is_left_out_the_second_time() -> None:
    done, _ = retaken(*(a_deployed(1, "A", 0.9, left_out="void") for _ in range(2)))

    assert (len(done), done[0].left_out) == (8, "void")


def test_lost_requests_are_not_measured_away() -> None:
    done, said = retaken(a_deployed(1, "A", 0.9, left_out="silent", errors=7))

    assert done[0].errors == 7
    assert not any("once more" in line for line in said)


def test_what_was_measured_is_known_when_a_turn_breaks() -> None:
    known: list[Deployed] = []

    def found(done: list[Deployed]) -> str:
        known[:] = done
        return ""

    with pytest.raises(HarnessError, match="gone"):
        take_turns(planned(7), FakeBench(breaks_at=4), note=lambda _: None, found=found)

    assert [each.number for each in known] == [1, 2, 3]
