"""How far the mesh carries, whether its cost drifts, what services take: sentences for page and terminal."""

from typing import Final

from meshproof.model.drift import Drift
from meshproof.model.growth import AtRest, Growth
from meshproof.model.run import VALID, OverheadDetail
from meshproof.model.saturation import Knee, Limit, Saturation

__all__ = [
    "SECONDS_A_MINUTE",
    "drift_sentence",
    "growth_sentence",
    "knee_words",
    "profile_sentences",
    "saturation_line",
    "saturation_sentence",
]

SECONDS_A_MINUTE: Final = 60
_KIB: Final = 1024
_ARMS: Final = {"mesh": "the mesh", "direct": "direct access"}  # as a reader names them, the first told first


def profile_sentences(detail: OverheadDetail) -> list[str]:
    """What is told of a ramp, a soak, and a mesh with more and more services; nothing of other loads."""
    told = [saturation_sentence(detail.saturation)] if detail.saturation else []
    told += [drift_sentence(detail.drifts)] if detail.drifts else []
    return told + ([growth_sentence(detail.growth)] if detail.growth else [])


def saturation_sentence(found: Saturation) -> str:
    """Between which rates each arm's knee is, and what gave out there."""
    told = [f"{name} carries {knee_words(found.knee(arm))}" for arm, name in _ARMS.items()]
    unsure = "" if found.validity == VALID else f" ({found.validity})"
    return "; ".join(told) + unsure


def saturation_line(found: Saturation) -> str:
    """The same as figures, for a line of a terminal."""
    told = [f"{arm} {_bracket(found.knee(arm))}" for arm in _ARMS]
    return f"knee: {', '.join(told)}; {found.validity}"


def knee_words(knee: Knee) -> str:
    """``450 requests/s and not 600``: what an arm carries, and whose limit the next step was."""
    carried, past = _rate(knee.carried_per_s), _rate(knee.past_per_s)
    match knee.limit:
        case Limit.PATH if carried:
            return f"{carried} requests/s and not {past}"
        case Limit.PATH:
            return f"less than {past} requests/s, the first step that could be judged"
        case Limit.GENERATOR if carried:
            return f"{carried} requests/s or more: at {past} the generator was at its own limit"
        case Limit.NOT_REACHED if carried:
            return f"{carried} requests/s or more: no step was past its knee"
        case _:
            return "an unknown rate: no step could be judged"


def drift_sentence(drifts: list[Drift]) -> str:
    """Which figures drift, and how the first one does if none of them."""
    minutes = max(each.over_s for each in drifts) / SECONDS_A_MINUTE
    shown = [each for each in drifts if each.shown]
    if shown:
        return f"over {minutes:.0f} min these drift: {'; '.join(_slope(each) for each in shown)}"
    return f"no drift is shown over {minutes:.0f} min: {_slope(drifts[0])}"


def growth_sentence(found: Growth) -> str:
    """The cost at the median in the first stage and the last, convergence, what one service more takes."""
    first, last = found.stages[0], found.stages[-1]
    parts = []
    if first.difference_ms is not None and last.difference_ms is not None:
        parts.append(
            f"with {last.services} services in it the mesh adds {last.difference_ms:.2f} ms at the median, "
            f"with {first.services} {first.difference_ms:.2f} ms"
        )
    if last.convergence_s:
        knew = max(last.convergence_s.values())
        parts.append(f"each proxy knew all within {knew:.1f} s, all had names within {last.named_s:.1f} s")
    each = [("the proxies", found.proxies_each), ("the controller", found.controller_each)]
    parts += [f"one more takes {took} of {who}" for who, at in each if (took := _at_rest(at))]
    return ", ".join(parts) or "what services take could not be told"


def _slope(drift: Drift) -> str:
    low, high = drift.interval_per_hour
    unit = drift.unit.value
    return f"{drift.of} {drift.per_hour:+.2f} {unit} an hour (95 % interval {low:+.2f} to {high:+.2f})"


def _at_rest(each: AtRest) -> str:
    told = [f"{each.working_set_bytes / _KIB:.0f} KiB"] if each.working_set_bytes is not None else []
    told += [f"{each.millicores:.2f} millicores"] if each.millicores is not None else []
    return " and ".join(told)


def _bracket(knee: Knee) -> str:
    carried, past = _rate(knee.carried_per_s) or "?", _rate(knee.past_per_s) or "?"
    of_generator = " (the generator's limit)" if knee.limit is Limit.GENERATOR else ""
    return f"{carried} or more{of_generator}" if knee.limit is not Limit.PATH else f"{carried} to {past}/s"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
