"""A ramp, a soak and a growing mesh as they are judged."""

from typing import Any

from meshproof.model.drift import Drift, Unit
from meshproof.model.growth import AtRest, Growth, Stage
from meshproof.model.run import Run
from meshproof.model.saturation import Knee, Limit, Saturation, StepFigure, StepState
from tests.report.runs import a_detail, a_run

RATES = (100.0, 300.0, 600.0, 1200.0)
MIB = 1024 * 1024


def a_step(arm: str, rate: float, carries: float, **changed: Any) -> StepFigure:
    """Past what it carries an arm answers no more, and the response time parts from the service time."""
    past = rate > carries
    answered = min(rate, carries)
    service = 40.0 if past else 1.2
    response = 300.0 * rate / carries if past else 2.0
    fields: dict[str, Any] = {
        "arm": arm,
        "rate_per_s": rate,
        "state": StepState.PAST if past else StepState.CARRIED,
        "offered_per_s": rate,
        "answered_per_s": answered,
        "answered_share": (answered / rate, answered / rate - 0.01, min(1.0, answered / rate + 0.01)),
        "parted_ms": (response - service, response - service - 0.2, response - service + 0.2),
        "service_percentiles": [(50.0, service), (90.0, 2 * service), (99.0, 3 * service)],
        "response_percentiles": [(50.0, response), (90.0, 2 * response)],
        "errors": 0,
        "unsent": round(6 * (rate - answered)),
        "generator_cpu_share": 0.4,
        "generator_late_ms": 0.9,
    }
    return StepFigure(**(fields | changed))


def a_knee(arm: str, **changed: Any) -> Knee:
    fields: dict[str, Any] = {"carried_per_s": 300.0, "past_per_s": 600.0, "limit": Limit.PATH}
    return Knee(arm=arm, **(fields | changed))


def a_saturation(**changed: Any) -> Saturation:
    """The mesh carries 350 requests a second; direct access as much as the generator gives."""
    carries = {"direct": 900.0, "control": 900.0, "mesh": 350.0}
    of_generator = {"carried_per_s": 600.0, "past_per_s": 1200.0, "limit": Limit.GENERATOR}
    fields: dict[str, Any] = {
        "rounds": 6,
        "rule": "as it is judged",
        "steps": [a_step(arm, rate, carries[arm]) for arm in carries for rate in RATES],
        "knees": [a_knee("direct", **of_generator), a_knee("control", **of_generator), a_knee("mesh")],
        "validity": "valid",
    }
    return Saturation(**(fields | changed))


def a_drift(**changed: Any) -> Drift:
    fields: dict[str, Any] = {
        "of": "mesh minus direct at p50",
        "unit": Unit.MILLISECONDS,
        "per_hour": 0.04,
        "interval_per_hour": (-0.06, 0.13),
        "over_s": 1770.0,
        "points": 60,
        "shown": False,
    }
    return Drift(**(fields | changed))


def a_growth(**changed: Any) -> Growth:
    first = Stage(
        more=0,
        services=3,
        profile="services-0",
        proxies=AtRest(millicores=4.0, working_set_bytes=40 * MIB),
        controller=AtRest(millicores=2.0, working_set_bytes=30 * MIB),
        difference_ms=0.82,
        interval_ms=(0.71, 0.93),
        validity="valid",
    )
    between = Stage(
        more=10,
        services=13,
        profile="services-10",
        making_s=0.2,
        convergence_s={"proxy-1": 2.0, "proxy-2": 2.1},
        named_s=2.2,
        proxies=AtRest(millicores=4.5, working_set_bytes=42 * MIB),
        controller=AtRest(millicores=2.0, working_set_bytes=31 * MIB),
        difference_ms=0.85,
        interval_ms=(0.75, 0.95),
        validity="valid",
    )
    last = Stage(
        more=100,
        services=103,
        profile="services-100",
        making_s=1.4,
        convergence_s={"proxy-1": 3.12, "proxy-2": 4.05},
        named_s=18.24,
        proxies=AtRest(millicores=9.0, working_set_bytes=45 * MIB),
        controller=AtRest(),
        difference_ms=0.9,
        interval_ms=(0.8, 1.0),
        validity="valid",
    )
    fields: dict[str, Any] = {
        "stages": [first, between, last],
        "proxies_each": AtRest(millicores=0.05, working_set_bytes=52_429),
    }
    return Growth(**(fields | changed))


def a_run_of_every_load() -> Run:
    """A ramp, a soak of which something drifts, and a mesh that grows."""
    drifts = [a_drift(), a_drift(of="working set", unit=Unit.MEBIBYTES, shown=True)]
    return a_run(
        overhead_detail=[
            a_detail(profile="ramp", saturation=a_saturation()),
            a_detail(profile="soak", drifts=drifts),
            a_detail(profile="services", arms=[], costs=None, growth=a_growth()),
        ]
    )
