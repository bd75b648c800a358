"""What each part of a mesh adds to the bare hop, from deployments in turn. Pure.

The hop is mesh minus direct of the bare proxies. A part that has to be deployed is the difference of two
settings, as in ``deployments``. A middleware is an arm beside the bare mesh's in the same rounds: within each
deployment it is paired, and the interval is Student's t over the deployments' means of that difference.
"""

from collections.abc import Sequence
from statistics import fmean

from meshproof.judge.deployments import change_between, judged_of, why_too_little
from meshproof.judge.intervals import (
    MIN_ROUNDS,
    Interval,
    change_p_value,
    mean_interval,
    mean_p_value,
)
from meshproof.judge.nested import MIN_DEPLOYMENTS
from meshproof.judge.overhead import ALPHA
from meshproof.model.attribution import HOP, Attribution, PartCost, PartKind
from meshproof.model.deployment import Deployed, Deployments, Setting
from meshproof.model.run import VALID

__all__ = ["attribute"]


def attribute(whole: Deployments, *, profile: str, middlewares: Sequence[str] = ()) -> Attribution:
    """The hop, then every other setting, then the middlewares. The first of the settings is the bare one."""
    bare, *others = whole.settings
    base = judged_of(whole.deployed, bare.name)
    parts = [_paired(HOP, PartKind.HOP, whole, bare, [each.rounds_ms for each in base])]
    parts += [_deployed(whole, bare, other) for other in others]
    for arm in middlewares:
        rounds = [each.arms_ms[arm] for each in base if arm in each.arms_ms]
        parts.append(_paired(arm, PartKind.MIDDLEWARE, whole, bare, rounds))
    notes = [
        "each part is added alone to proxies that have none of the others: together the sum may be another",
        "settings are told apart over deployments, middlewares within them: their intervals are narrower",
    ]
    return Attribution(profile=profile, parts=parts, deployments=whole, notes=notes)


def _paired(
    part: str, kind: PartKind, whole: Deployments, bare: Setting, rounds: Sequence[Sequence[float]]
) -> PartCost:
    """One arm minus another of the same rounds."""
    means = [fmean(each) for each in rounds]
    controls = _means(whole, bare, control=True)
    hop = kind is PartKind.HOP
    figures = None
    if len(means) >= MIN_ROUNDS:
        noise = mean_interval(controls, 1 - ALPHA).farthest
        figures = (fmean(means), mean_interval(means, 1 - ALPHA), noise, mean_p_value(means))
    count, number = len(means), sum(map(len, rounds))
    few = (
        ""
        if count >= MIN_DEPLOYMENTS
        else f"it was measured in {count} deployments, {MIN_DEPLOYMENTS} are needed"
    )
    return _part(
        part,
        kind,
        figures,
        deployments=(count, count),
        rounds=(number, number),
        validity=why_too_little(whole.deployed, bare, bare) or few,
        cpu_s=_cpu_s(whole, bare) if hop else None,
    )


def _deployed(whole: Deployments, bare: Setting, other: Setting) -> PartCost:
    """One setting minus another."""
    before, after = _means(whole, bare), _means(whole, other)
    figures = None
    if min(len(before), len(after)) >= MIN_ROUNDS:
        added, interval = change_between(before, after)
        _, noise = change_between(_means(whole, bare, control=True), _means(whole, other, control=True))
        figures = (added, interval, noise.farthest, change_p_value(before, after))
    without, with_it = _cpu_s(whole, bare), _cpu_s(whole, other)
    return _part(
        other.told,
        PartKind.SETTING,
        figures,
        deployments=(len(before), len(after)),
        rounds=(_rounds(whole, bare), _rounds(whole, other)),
        validity=why_too_little(whole.deployed, bare, other),
        cpu_s=None if without is None or with_it is None else with_it - without,
    )


def _part(
    part: str,
    kind: PartKind,
    figures: tuple[float, Interval, float, float] | None,
    *,
    deployments: tuple[int, int],
    rounds: tuple[int, int],
    validity: str,
    cpu_s: float | None,
) -> PartCost:
    added, interval, noise, p_value = figures or (None, None, None, None)
    return PartCost(
        part=part,
        kind=kind,
        added_ms=None if added is None else _ms(added),
        interval_ms=None if interval is None else (_ms(interval.low), _ms(interval.high)),
        noise_floor_ms=None if noise is None else _ms(noise),
        p_value=p_value,
        deployments=deployments,
        rounds=rounds,
        validity=validity or VALID,
        confidence=1 - ALPHA,
        cpu_s_per_1000=None if cpu_s is None else round(cpu_s, 6),
    )


def _of(whole: Deployments, setting: Setting) -> list[Deployed]:
    return judged_of(whole.deployed, setting.name)


def _means(whole: Deployments, setting: Setting, *, control: bool = False) -> list[float]:
    """One figure a deployment: mesh minus direct, or control minus direct."""
    return [fmean(each.control_ms if control else each.rounds_ms) for each in _of(whole, setting)]


def _rounds(whole: Deployments, setting: Setting) -> int:
    return sum(len(each.rounds_ms) for each in _of(whole, setting))


def _cpu_s(whole: Deployments, setting: Setting) -> float | None:
    """Of the deployment that was watched."""
    known = [each.proxy_cpu_s_per_1000 for each in _of(whole, setting)]
    return next((each for each in known if each is not None), None)


def _ms(value: float) -> float:
    return round(value, 4)
