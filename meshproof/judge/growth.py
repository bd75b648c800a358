"""What one service more in the mesh takes: slopes between the second stage and the last. Pure.

The first stage is no base: until a load went through them the proxies' heap is small, and it stays large
afterwards, 13 MiB more as was measured, which a slope from there would call the services'.
"""

from collections.abc import Sequence

import msgspec

from meshproof.model.cost import Costs
from meshproof.model.growth import AtRest, Growth, Stage
from meshproof.model.run import PRIMARY, Overhead
from meshproof.model.usage import Component

__all__ = ["at_rest", "grown", "measured_stage"]


def measured_stage(stage: Stage, rows: Sequence[Overhead], costs: Costs | None) -> Stage:
    """``stage`` with what was measured in it."""
    primary = next((row for row in rows if row.percentile == PRIMARY), None)
    return msgspec.structs.replace(
        stage,
        services=costs.services if costs and costs.services is not None else stage.services,
        proxies=at_rest(costs, Component.PROXY),
        controller=at_rest(costs, Component.CONTROLLER),
        difference_ms=primary.difference_ms if primary else None,
        interval_ms=primary.interval_ms if primary else None,
        validity=primary.validity if primary else "no figure",
    )


def at_rest(costs: Costs | None, component: Component) -> AtRest:
    """All containers of a component together; None unless it is known of each of them."""
    containers = [each for each in costs.containers if each.component is component] if costs else []
    millicores = [each.idle_millicores for each in containers if each.idle_millicores is not None]
    sizes = [each.working_set_idle_bytes for each in containers if each.working_set_idle_bytes is not None]
    return AtRest(
        millicores=round(sum(millicores), 3) if millicores and len(millicores) == len(containers) else None,
        working_set_bytes=sum(sizes) if sizes and len(sizes) == len(containers) else None,
    )


def grown(stages: Sequence[Stage]) -> Growth:
    """``stages``, three or more, in the order in which services were added."""
    first, last = stages[1], stages[-1]
    more = last.services - first.services
    return Growth(
        stages=list(stages),
        proxies_each=_each(first.proxies, last.proxies, more),
        controller_each=_each(first.controller, last.controller, more),
    )


def _each(first: AtRest, last: AtRest, more: int) -> AtRest:
    if more <= 0:
        return AtRest()
    cpu = None
    if first.millicores is not None and last.millicores is not None:
        cpu = round((last.millicores - first.millicores) / more, 4)
    size = None
    if first.working_set_bytes is not None and last.working_set_bytes is not None:
        size = round((last.working_set_bytes - first.working_set_bytes) / more)
    return AtRest(millicores=cpu, working_set_bytes=size)
