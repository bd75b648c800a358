"""What the mesh took for an experiment, and how much it carried: sentences for the page and the terminal."""

from collections.abc import Sequence
from typing import Final

from meshproof.model.cost import ContainerCost, Costs
from meshproof.model.run import VALID
from meshproof.model.throughput import Throughput
from meshproof.model.usage import Component

__all__ = ["cost_line", "cost_sentence", "throughput_line", "throughput_sentence"]

_MIB: Final = 1024 * 1024
_UNKNOWN: Final = "what the proxies took is not known: there is no sample of them"


def cost_sentence(costs: Costs) -> str:
    """CPU of all proxies per 1,000 requests of the mesh's arm, their limits and throttling, memory."""
    proxies, controllers = _of(costs, Component.PROXY), _of(costs, Component.CONTROLLER)
    if not proxies:
        return _UNKNOWN
    who = "the proxy" if len(proxies) == 1 else f"{len(proxies)} proxies"
    told = [f"{who} took {_cpu(proxies)} ({_limit(proxies, ' of the periods')})"]
    told += [f"at most {memory}"] if (memory := _memory(proxies)) else []
    told += [f"the controller {memory}"] if (memory := _memory(controllers)) else []
    return ", ".join(told)


def cost_line(costs: Costs) -> str:
    """The same as figures, for a line of a terminal."""
    proxies, controllers = _of(costs, Component.PROXY), _of(costs, Component.CONTROLLER)
    if not proxies:
        return _UNKNOWN
    who = "proxy" if len(proxies) == 1 else f"{len(proxies)} proxies"
    told = [f"{who}: {_cpu(proxies)} ({_limit(proxies)})", _memory(proxies)]
    told += [f"controller {memory}"] if (memory := _memory(controllers)) else []
    return ", ".join(filter(None, told))


def throughput_sentence(found: Throughput) -> str:
    """How much each way carries, their difference with its interval, and whose limit it is."""
    low, high = found.interval_per_s
    limit = ", where the generator was at its own limit" if "direct" in found.limited_by_generator else ""
    unsure = "" if found.validity == VALID else f"; {found.validity}"
    return (
        f"at full load the mesh answers {found.mesh_per_s:,.0f} requests/s, direct access "
        f"{found.direct_per_s:,.0f}{limit}: {found.difference_per_s:+,.0f} (95 % interval {low:+,.0f} to "
        f"{high:+,.0f}; noise floor {found.noise_floor_per_s:,.0f}; {found.users} users{unsure})"
    )


def throughput_line(found: Throughput) -> str:
    """The same as figures, for a line of a terminal."""
    low, high = found.interval_per_s
    limit = " (the generator's limit)" if "direct" in found.limited_by_generator else ""
    return (
        f"at full load {found.mesh_per_s:,.0f} requests/s against {found.direct_per_s:,.0f}{limit}: "
        f"{found.difference_per_s:+,.0f} [{low:+,.0f}, {high:+,.0f}] noise floor "
        f"{found.noise_floor_per_s:,.0f} {found.validity}"
    )


def _of(costs: Costs, component: Component) -> list[ContainerCost]:
    return [each for each in costs.containers if each.component is component]


def _cpu(proxies: Sequence[ContainerCost]) -> str:
    known = [each.cpu_s_per_1000 for each in proxies if each.cpu_s_per_1000 is not None]
    if len(known) < len(proxies):
        return "CPU that cannot be told"
    return f"{sum(known):.2f} CPU s per 1,000 requests"


def _limit(proxies: Sequence[ContainerCost], of_what: str = "") -> str:
    limits = {each.cpu_limit_millicores for each in proxies}
    if limits == {None}:
        return "no CPU limit"
    words = " or ".join(f"{limit:g}m" if limit else "none" for limit in sorted(limits, key=lambda x: x or 0))
    periods = sum(each.cfs_periods or 0 for each in proxies)
    throttled = sum(each.throttled_periods or 0 for each in proxies)
    return f"limit {words}, throttled in {throttled / periods:.0%}{of_what}" if periods else f"limit {words}"


def _memory(containers: Sequence[ContainerCost]) -> str:
    """The highest working set of one of them; empty where none is known."""
    peak = max((each.working_set_peak_bytes or 0 for each in containers), default=0)
    each = " each" if len(containers) > 1 else ""
    return f"{peak / _MIB:.0f} MiB{each}" if peak else ""
