"""Deployments as they were measured, made up: rounds about a cost, in the order of the turns."""

from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.judge.deployments import deployments_of
from meshproof.model.deployment import Deployed, Deployments, Setting

A = Setting(name="A", told="default", mesh="v1.4.8", proxy="v2.11.14")
B = Setting(name="B", told="b.yaml", mesh="v1.4.8", proxy="v2.11.14")
ROUNDS = 6


def a_deployed(
    number: int, setting: str, cost_ms: float, *, reach_ms: float = 0.05, **changed: Any
) -> Deployed:
    """One whose rounds are spread evenly about a cost, on a direct path of a millisecond."""
    steps = [reach_ms * (2 * k / (ROUNDS - 1) - 1) for k in range(ROUNDS)]
    fields: dict[str, Any] = {
        "percentiles": [(q, 1.0, round(1.0 + cost_ms * q / 50, 4)) for q in (50.0, 90.0, 99.0)],
        "rounds_ms": [round(cost_ms + step, 4) for step in steps],
        "control_ms": [round(step / 2, 4) for step in steps],
        "proxies": [f"traefik-mesh-proxy-{number}"],
        "deploy_s": 9.5,
    }
    return Deployed(number=number, setting=setting, **(fields | changed))


def in_turn(
    costs_ms: Mapping[str, Sequence[float]],
    *,
    settings: Sequence[Setting] = (A, B),
    changed: Mapping[str, Any] | None = None,
) -> Deployments:
    """Settings deployed by turns, each at the costs that are given for it."""
    pairs = [
        (name, cost)
        for turn in zip(*costs_ms.values(), strict=True)
        for name, cost in zip(costs_ms, turn, strict=True)
    ]
    found = [a_deployed(n, name, cost, **(changed or {})) for n, (name, cost) in enumerate(pairs, start=1)]
    return deployments_of(list(settings), found, planned=len(found))


def four_each(before_ms: float, after_ms: float, *, reach_ms: float = 0.02) -> Deployments:
    """Four deployments of each setting, spread a little about their costs."""
    steps = (-reach_ms, reach_ms, reach_ms / 2, -reach_ms / 2)
    return in_turn({"A": [before_ms + step for step in steps], "B": [after_ms + step for step in steps]})
