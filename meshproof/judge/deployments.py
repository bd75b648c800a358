"""Two settings of the mesh, deployed in turn: does the second cost more than the first? Pure.

Each deployment is one experiment of some rounds; the figure of a deployment is the mean of its rounds'
difference, mesh minus direct. See ``nested`` for why the interval rests on these and not on the rounds.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Final

from meshproof.judge.answers import Shift, answer_of
from meshproof.judge.costs import judge_costs
from meshproof.judge.histograms import Latencies
from meshproof.judge.intervals import MIN_ROUNDS, Interval, change_interval, change_p_value, holm
from meshproof.judge.nested import MIN_DEPLOYMENTS, enough_deployments, spread_of
from meshproof.judge.overhead import ALPHA
from meshproof.judge.rounds import CONTROL, DIRECT, MESH, void_rounds
from meshproof.model.comparison import Answer, Change, Comparison
from meshproof.model.deployment import Deployed, Deployments, Setting
from meshproof.model.load import LOCUST, Recording
from meshproof.model.run import PRIMARY
from meshproof.model.usage import Component

__all__ = [
    "MIN_ROUNDS_EACH",
    "change_between",
    "compare_deployments",
    "deployed",
    "deployments_of",
    "judged_of",
    "why_too_little",
]

MIN_ROUNDS_EACH: Final = 3  # valid ones of a deployment, below which its mean is one round's accident
_PERCENTILES: Final = (PRIMARY, 90.0, 99.0)


def deployed(
    recording: Recording,
    *,
    number: int,
    setting: str,
    proxies: Sequence[str] = (),
    deploy_s: float = 0.0,
    put_aside: str = "",
) -> Deployed:
    """What one deployment's experiment comes to."""
    latencies = Latencies(recording)
    void = void_rounds(recording, latencies)
    through = [arm for arm in recording.arms if arm not in (DIRECT, CONTROL)]
    valid = [n for n in range(recording.profile.rounds) if n not in void]
    silent = [n for n in valid if not all(latencies.count(arm, n) for arm in through)]
    rounds = [n for n in valid if n not in silent]

    def of(arm: str, percentile: float = PRIMARY) -> list[float]:
        return [latencies.at_ms(arm, n, percentile) for n in rounds]

    enough = len(rounds) >= MIN_ROUNDS_EACH
    few = f"{len(rounds)} of {recording.profile.rounds} rounds can be judged, {MIN_ROUNDS_EACH} are needed"
    return Deployed(
        number=number,
        setting=setting,
        percentiles=[(q, _ms(fmean(of(DIRECT, q))), _ms(fmean(of(MESH, q)))) for q in _PERCENTILES if rounds],
        rounds_ms=_minus(of(MESH), of(DIRECT)),
        control_ms=_minus(of(CONTROL), of(DIRECT)),
        arms_ms={arm: _minus(of(arm), of(MESH)) for arm in through if arm != MESH},
        errors=sum(recording.sent(arm)[1] for arm in through),
        void_rounds={str(n): why for n, why in void.items()} | dict.fromkeys(map(str, silent), "no answer"),
        left_out="" if enough else few,
        put_aside=put_aside,
        proxies=list(proxies),
        deploy_s=round(deploy_s, 2),
        proxy_cpu_s_per_1000=_proxy_cpu_s(recording, through),
    )


def deployments_of(settings: Sequence[Setting], found: Sequence[Deployed], *, planned: int) -> Deployments:
    """All of a session's, with how far they spread."""
    rounds = [[each.rounds_ms for each in judged_of(found, setting.name)] for setting in settings]
    spread = spread_of(rounds)
    return Deployments(
        settings=list(settings),
        deployed=list(found),
        planned=planned,
        between_ms=_ms(spread.between) if spread else None,
        within_ms=_ms(spread.within) if spread else None,
    )


def judged_of(found: Sequence[Deployed], setting: str) -> list[Deployed]:
    """The deployments of one setting that can be judged."""
    return [each for each in found if each.setting == setting and not each.left_out]


def compare_deployments(
    whole: Deployments, *, profile: str, threshold_ms: float, instrument: str = LOCUST
) -> Comparison:
    """The second setting against the first, at the median; the other percentiles are shown."""
    before, after = whole.settings
    old, new = judged_of(whole.deployed, before.name), judged_of(whole.deployed, after.name)
    changes = _changes(old, new) if min(len(old), len(new)) >= MIN_ROUNDS else []
    if why := why_too_little(whole.deployed, before, after):
        answer, sentence = Answer.INCONCLUSIVE, why
    else:
        answer, sentence = answer_of(_shift(whole, old, new, threshold_ms), threshold_ms)
    return Comparison(
        baseline=before.title,
        profile=profile,
        instrument=instrument,
        answer=answer,
        sentence=sentence,
        threshold_ms=threshold_ms,
        rounds=(_rounds(old), _rounds(new)),
        changes=changes,
        differs=_differ(before, after),
        deployments=whole,
    )


def why_too_little(found: Sequence[Deployed], before: Setting, after: Setting) -> str:
    """Why two settings cannot be judged; empty when they can."""
    both = {setting.name: setting for setting in (before, after)}
    lost = [
        f"{errors} with {setting.title}"
        for setting in both.values()
        if (errors := sum(each.errors for each in found if each.setting == setting.name))
    ]
    if lost:
        return (
            f"requests through the mesh failed, {' and '.join(lost)}: latencies are of the answered ones "
            "only, and understate what happened"
        )
    counts = {name: len(judged_of(found, name)) for name in both}
    if min(counts.values()) < MIN_DEPLOYMENTS:
        seen = " and ".join(f"{number} deployments of {both[name].title}" for name, number in counts.items())
        return f"{seen} can be judged, {MIN_DEPLOYMENTS} of each are needed"
    return ""


def change_between(before: Sequence[float], after: Sequence[float]) -> tuple[float, Interval]:
    """The change of the mean over deployments, one figure of each, and its 95 % interval."""
    return fmean(after) - fmean(before), change_interval(before, after, 1 - ALPHA)


def _shift(
    whole: Deployments, old: Sequence[Deployed], new: Sequence[Deployed], threshold_ms: float
) -> Shift:
    before, after = whole.settings
    sides = [[fmean(each.rounds_ms) for each in side] for side in (old, new)]
    change, interval = change_between(*sides)
    _, noise = change_between(*([fmean(each.control_ms) for each in side] for side in (old, new)))
    number = enough_deployments(*sides, width=threshold_ms)
    remedy = f"some {number} deployments of each would do" if number else "measure on a quieter machine"
    return Shift(
        change_ms=change,
        interval=interval,
        noise_floor_ms=noise.farthest,
        remedy=remedy,
        than=f" with {after.title} than with {before.title}",
        same=f"the same with {after.title} as with {before.title}",
        figures=(
            f"({fmean(sides[0]):+.2f} ms with {before.name}, {fmean(sides[1]):+.2f} ms with {after.name}; "
            f"change {change:+.2f} ms, {1 - ALPHA:.0%} interval {interval.low:+.2f} to {interval.high:+.2f} "
            f"ms over {len(old)} and {len(new)} deployments, which spread by {whole.between_ms or 0:.2f} ms, "
            f"rounds by {whole.within_ms or 0:.2f} ms; threshold {threshold_ms:g} ms, noise floor "
            f"{noise.farthest:.2f} ms)"
        ),
    )


def _changes(old: Sequence[Deployed], new: Sequence[Deployed]) -> list[Change]:
    """Every percentile over the deployments' means; all but the primary are a family, adjusted by Holm."""
    sides = {q: (_costs(old, q), _costs(new, q)) for q in _PERCENTILES}
    p_values = {q: change_p_value(*both) for q, both in sides.items()}
    levels = holm({q: p for q, p in p_values.items() if q != PRIMARY}, ALPHA)
    levels[PRIMARY] = (p_values[PRIMARY], ALPHA)
    return [_change(q, old, new, *levels[q]) for q in sides]


def _change(
    percentile: float, old: Sequence[Deployed], new: Sequence[Deployed], p_value: float, alpha: float
) -> Change:
    before, after = _costs(old, percentile), _costs(new, percentile)
    interval = change_interval(before, after, 1 - alpha)
    return Change(
        percentile=percentile,
        baseline_ms=_ms(fmean(before)),
        run_ms=_ms(fmean(after)),
        change_ms=_ms(fmean(after) - fmean(before)),
        interval_ms=(_ms(interval.low), _ms(interval.high)),
        confidence=1 - alpha,
        p_value=p_value,
        direct_ms=(_direct(old, percentile), _direct(new, percentile)),
    )


def _costs(found: Sequence[Deployed], percentile: float) -> list[float]:
    return [mesh - direct for each in found for q, direct, mesh in each.percentiles if q == percentile]


def _direct(found: Sequence[Deployed], percentile: float) -> float:
    return _ms(fmean(direct for each in found for q, direct, _ in each.percentiles if q == percentile))


def _rounds(found: Sequence[Deployed]) -> int:
    return sum(len(each.rounds_ms) for each in found)


def _proxy_cpu_s(recording: Recording, through: Sequence[str]) -> float | None:
    """Of all proxies per 1,000 requests of every arm that goes through them; None: it was not watched."""
    costs = judge_costs(recording)
    of_proxies = [each for each in costs.containers if each.component is Component.PROXY] if costs else []
    known = [each.cpu_s_per_1000 for each in of_proxies if each.cpu_s_per_1000 is not None]
    if not known or len(known) < len(of_proxies):
        return None
    carried = sum(recording.sent(arm)[0] for arm in through)
    return round(sum(known) * recording.sent(MESH)[0] / carried, 6)


def _differ(before: Setting, after: Setting) -> dict[str, tuple[str, str]]:
    pairs = {"mesh": (before.mesh, after.mesh), "proxy": (before.proxy, after.proxy)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _minus(these: Sequence[float], those: Sequence[float]) -> list[float]:
    return [_ms(this - that) for this, that in zip(these, those, strict=True)]


def _ms(value: float) -> float:
    return round(value, 4)
