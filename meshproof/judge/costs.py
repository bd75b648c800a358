"""What an experiment cost the containers that took part: from a recording's samples. Pure.

Counters are subtracted only within one and the same container. Only the mesh's arm goes through the proxies,
so what they used beyond their rest is that arm's; the server carries all arms alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import fmean
from typing import Final

import msgspec

from meshproof.judge.rounds import MESH
from meshproof.model.cost import ContainerCost, Costs
from meshproof.model.load import Recording
from meshproof.model.usage import Component, ContainerSample, Moment, Usage, UsageSample

__all__ = ["judge_costs"]

_WATCHED: Final = (Component.PROXY, Component.CONTROLLER, Component.SERVER)  # there from the start to the end
_MESH: Final = {Component.PROXY, Component.CONTROLLER}
_LOADED: Final = (Moment.DURING, Moment.AFTER)


def judge_costs(recording: Recording) -> Costs | None:
    """One row for each container; None when nothing was watched."""
    usage = recording.usage
    if usage is None:
        return None
    carried = {
        Component.PROXY: recording.carried(MESH),
        Component.SERVER: sum(recording.carried(arm) for arm in recording.arms),
    }
    rows = []
    for _, group in groupby(sorted(usage.samples, key=_place), key=_place):
        samples = sorted(group, key=lambda each: each.seen.at_unix)
        rows.append(_row(samples, carried.get(samples[0].component)))
    idle_bytes = _idle_bytes(rows)
    per_service = round(idle_bytes / usage.services) if idle_bytes and usage.services else None
    return Costs(
        containers=rows,
        services=usage.services,
        idle_bytes=idle_bytes,
        idle_bytes_per_service=per_service,
        notes=_notes(recording, usage),
    )


def _place(sample: UsageSample) -> tuple[int, str, str]:
    return list(Component).index(sample.component), sample.seen.pod, sample.seen.container


@dataclass(frozen=True, kw_only=True)
class _Span:
    """Two samples of one container with the load between them; ``note`` is why there are none."""

    first: ContainerSample | None = None
    last: ContainerSample | None = None
    note: str = ""


def _row(samples: Sequence[UsageSample], requests: int | None) -> ContainerCost:
    newest = samples[-1].seen
    span = _span(samples)
    idle = _idle_millicores(samples)
    loaded = [each.seen.working_set_bytes for each in samples if each.moment in _LOADED]
    at_rest = _at(samples, Moment.BEFORE) or _at(samples, Moment.IDLE)
    cost = ContainerCost(
        component=samples[0].component,
        pod=newest.pod,
        container=newest.container,
        idle_millicores=idle,
        requests=requests,
        working_set_idle_bytes=at_rest.working_set_bytes if at_rest else None,
        working_set_mean_bytes=round(fmean(loaded)) if loaded else None,
        working_set_peak_bytes=max(loaded, default=None),
        working_set_samples=len(loaded),
        cpu_limit_millicores=newest.cpu_limit_millicores,
        memory_limit_bytes=newest.memory_limit_bytes,
        note=span.note,
    )
    return _with_cpu(cost, span.first, span.last) if span.first and span.last else cost


def _with_cpu(cost: ContainerCost, first: ContainerSample, last: ContainerSample) -> ContainerCost:
    cpu_s, seconds = last.cpu_s - first.cpu_s, last.at_unix - first.at_unix
    per_1000 = None
    if cost.requests and cost.idle_millicores is not None:
        per_1000 = (cpu_s - cost.idle_millicores / 1000 * seconds) / cost.requests * 1000
    return msgspec.structs.replace(
        cost,
        cpu_s=round(cpu_s, 6),
        seconds=round(seconds, 3),
        cpu_s_per_1000=None if per_1000 is None else round(per_1000, 6),
        cfs_periods=_rise(first.cfs_periods, last.cfs_periods),
        throttled_periods=_rise(first.throttled_periods, last.throttled_periods),
    )


def _span(samples: Sequence[UsageSample]) -> _Span:
    """Where the load begins and ends: for the generator, which comes and goes with it, as far as was seen."""
    instances = {each.seen.instance for each in samples}
    if len(instances) > 1:
        return _Span(note=f"restarted: {len(instances)} containers, whose CPU is not added up")
    if samples[0].component is Component.GENERATOR:
        first, last = samples[0].seen, samples[-1].seen
        if first is last:
            return _Span(note="sampled once: a difference needs two")
        return _counted(first, last)
    before, after = _at(samples, Moment.BEFORE), _at(samples, Moment.AFTER)
    if before is None:
        came = "it came while load was on" if not _at(samples, Moment.IDLE) else "the wait for one ended"
        return _Span(note=f"no sample from right before the load: {came}")
    if after is None:
        return _Span(note="no sample from after the load: it went away, or the wait for one ended")
    return _counted(before, after)


def _counted(first: ContainerSample, last: ContainerSample) -> _Span:
    if last.cpu_s < first.cpu_s:
        return _Span(note=f"its CPU counter fell from {first.cpu_s:g} to {last.cpu_s:g} s")
    return _Span(first=first, last=last)


def _at(samples: Sequence[UsageSample], moment: Moment) -> ContainerSample | None:
    return next((each.seen for each in samples if each.moment is moment), None)


def _idle_millicores(samples: Sequence[UsageSample]) -> float | None:
    idle, before = _at(samples, Moment.IDLE), _at(samples, Moment.BEFORE)
    if not idle or not before or idle.instance != before.instance or before.at_unix <= idle.at_unix:
        return None
    return round((before.cpu_s - idle.cpu_s) / (before.at_unix - idle.at_unix) * 1000, 3)


def _idle_bytes(rows: Sequence[ContainerCost]) -> int | None:
    """What the mesh holds at rest; None unless it is known of every proxy and of a controller."""
    of_mesh = [row for row in rows if row.component in _MESH]
    sizes = [row.working_set_idle_bytes for row in of_mesh if row.working_set_idle_bytes is not None]
    whole = {row.component for row in of_mesh} == _MESH and len(sizes) == len(of_mesh)
    return sum(sizes) if whole else None


def _rise(first: int | None, last: int | None) -> int | None:
    return None if first is None or last is None else last - first


def _notes(recording: Recording, usage: Usage) -> list[str]:
    """How far the figures reach, and what is missing."""
    notes = []
    if gaps := _gaps_s(usage):
        notes.append(
            f"the kubelets sampled a container every {min(gaps):.0f} to {max(gaps):.0f} s, and an arm is on "
            f"for {recording.profile.phase_s:g} s: CPU and memory cannot be told by arm. Only the mesh's arm "
            "goes through the proxies, so what they use beyond their rest is that arm's; the generator's "
            "own clocks tell its CPU by arm"
        )
    there = {each.component for each in usage.samples}
    notes += [f"no sample of the {each.value}" for each in _WATCHED if each not in there]
    return notes + [f"usage, {problem}" for problem in usage.problems]


def _gaps_s(usage: Usage) -> list[float]:
    """The seconds between one sample of a container and its next."""
    gaps = []
    ordered = sorted(usage.samples, key=lambda each: (each.seen.instance, each.seen.at_unix))
    for one, following in pairwise(each.seen for each in ordered):
        if one.instance == following.instance:
            gaps.append(following.at_unix - one.at_unix)
    return gaps
