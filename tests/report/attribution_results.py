"""Attributions and comparisons of deployments to report on."""

from typing import Any

from meshproof.judge.attribution import attribute
from meshproof.judge.deployments import compare_deployments
from meshproof.model.attribution import Attribution, PartCost, PartKind
from meshproof.model.comparison import Comparison
from meshproof.model.deployment import Deployed, Setting
from tests.judge.deployments import four_each, in_turn

STEPS = (-0.02, 0.02, 0.01, -0.01)


def an_attribution() -> Attribution:
    """The bare hop at 0.5 ms, tracing 0.4 more, metrics next to nothing, a retry, one part not measured."""
    costs = {"bare": 0.5, "metrics": 0.505, "tracing": 0.9}
    settings = [Setting(name=name, told=name) for name in costs]
    turns = {name: [cost + step for step in STEPS] for name, cost in costs.items()}
    changed = {"arms_ms": {"retry": [0.05, 0.06, 0.07]}, "control_ms": [0.02, -0.02, 0.01]}
    whole = in_turn(turns, settings=settings, changed=changed)
    return attribute(whole, profile="live", middlewares=["retry", "rate-limit"])


def a_part(**changed: Any) -> PartCost:
    """Tracing, told from nothing."""
    fields: dict[str, Any] = {
        "part": "tracing",
        "kind": PartKind.SETTING,
        "added_ms": 0.4,
        "interval_ms": (0.3, 0.5),
        "noise_floor_ms": 0.1,
        "p_value": 0.0004,
        "deployments": (4, 4),
        "rounds": (24, 24),
        "validity": "valid",
    }
    return PartCost(**(fields | changed))


def a_live_comparison(before_ms: float = 0.9, after_ms: float = 1.4) -> Comparison:
    """Two settings, four times each."""
    return compare_deployments(four_each(before_ms, after_ms), profile="live", threshold_ms=0.2)


def left_out(number: int, setting: str) -> Deployed:
    """A deployment that is not judged."""
    return Deployed(number=number, setting=setting, left_out="2 of 6 rounds can be judged, 3 are needed")
