"""What the mesh took for an experiment, and how much it carried: sentences for the page and the terminal."""

from collections.abc import Sequence
from typing import Final

from meshproof.model.cost import ContainerCost, Costs
from meshproof.model.run import VALID
from meshproof.model.throughput import Throughput
from meshproof.model.usage import Component

__all__ = ["cost_sentence", "throughput_line", "throughput_sentence"]

_MIB: Final = 1024 * 1024


def cost_sentence(costs: Costs) -> str:
    """CPU of all proxies per 1,000 requests of the mesh's arm, their limits and throttling, memory."""
    proxies = [each for each in costs.containers if each.component is Component.PROXY]
    controllers = [each for each in costs.containers if each.component is Component.CONTROLLER]
    if not proxies:
        return "what the proxies took is not known: there is no sample of them"
    told = [f"{_proxies(proxies)} took {_cpu(proxies)} ({_limit(proxies)})"]
    told += [f"at most {_mib(peak)}{' each' if len(proxies) > 1 else ''}"] if (peak := _peak(proxies)) else []
    told += [f"controller {_mib(peak)}"] if (peak := _peak(controllers)) else []
    return ", ".join(told)


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


def _proxies(proxies: Sequence[ContainerCost]) -> str:
    return "the proxy" if len(proxies) == 1 else f"{len(proxies)} proxies"


def _cpu(proxies: Sequence[ContainerCost]) -> str:
    known = [each.cpu_s_per_1000 for each in proxies if each.cpu_s_per_1000 is not None]
    if len(known) < len(proxies):
        return "CPU that cannot be told"
    return f"{sum(known):.2f} CPU s per 1,000 requests"


def _limit(proxies: Sequence[ContainerCost]) -> str:
    limits = {each.cpu_limit_millicores for each in proxies}
    if limits == {None}:
        return "no CPU limit"
    words = " or ".join(f"{limit:g}m" if limit else "none" for limit in sorted(limits, key=lambda x: x or 0))
    periods = sum(each.cfs_periods or 0 for each in proxies)
    throttled = sum(each.throttled_periods or 0 for each in proxies)
    if not periods:
        return f"limit {words}"
    return f"limit {words}, throttled in {throttled / periods:.0%} of the periods"


def _peak(containers: Sequence[ContainerCost]) -> int:
    return max((each.working_set_peak_bytes or 0 for each in containers), default=0)


def _mib(size: int) -> str:
    return f"{size / _MIB:.0f} MiB"
