"""What a kubelet says of the containers on its node, asked through the API server's node proxy.

Source: cAdvisor, ``docs/storage/prometheus.md``, served by the kubelet at ``/metrics/cadvisor``. A sample is
as old as its timestamp says: each container is looked at every 10 to 20 s.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from meshproof.cluster.kube import KubeApi
from meshproof.model.exposition import ExpositionError, Sample, parse_exposition
from meshproof.model.usage import ContainerSample

__all__ = ["containers_on", "parse_containers"]

_CPU: Final = "container_cpu_usage_seconds_total"
_WORKING_SET: Final = "container_memory_working_set_bytes"
_PERIODS: Final = "container_cpu_cfs_periods_total"
_THROTTLED: Final = "container_cpu_cfs_throttled_periods_total"
_QUOTA: Final = "container_spec_cpu_quota"
_PERIOD: Final = "container_spec_cpu_period"
_MEMORY_LIMIT: Final = "container_spec_memory_limit_bytes"
_WANTED: Final = tuple(
    f"{name}{{" for name in (_CPU, _WORKING_SET, _PERIODS, _THROTTLED, _QUOTA, _PERIOD, _MEMORY_LIMIT)
)
_PAUSE: Final = ("", "POD")  # a pod's own cgroup, and the container that only holds its network


def containers_on(kube: KubeApi, node: str) -> list[ContainerSample]:
    """Every container of a node. Raises KubeError (403: no right to ``nodes/proxy``) and ExpositionError."""
    text = kube.raw("GET", f"/api/v1/nodes/{node}/proxy/metrics/cadvisor").decode(errors="replace")
    return parse_containers(text)


def parse_containers(text: str) -> list[ContainerSample]:
    """The containers in cAdvisor's text. One without CPU and memory is not sampled yet, and left out.

    Raises ExpositionError for any other text.
    """
    lines = [line for line in text.splitlines() if line.startswith(_WANTED)]
    if not lines:
        raise ExpositionError(f"no container in a text that begins {text[:80]!r}")
    by_container: dict[tuple[str, ...], dict[str, Sample]] = {}
    for each in parse_exposition("\n".join([*lines, ""])):
        where = each.labels
        if where.get("container", "") not in _PAUSE and where.get("pod"):
            instance = where.get("id", "").rsplit("/", 1)[-1]
            key = (where.get("namespace", ""), where["pod"], where["container"], instance)
            by_container.setdefault(key, {})[each.name] = each
    return list(_containers(by_container))


def _containers(by_container: Mapping[tuple[str, ...], Mapping[str, Sample]]) -> Iterable[ContainerSample]:
    for (namespace, pod, container, instance), found in by_container.items():
        if _CPU not in found or _WORKING_SET not in found:
            continue
        at_unix = found[_CPU].timestamp
        if at_unix is None:
            raise ExpositionError(f"a sample of {namespace}/{pod} without its time")
        yield ContainerSample(
            namespace=namespace,
            pod=pod,
            container=container,
            instance=instance,
            at_unix=at_unix,
            cpu_s=found[_CPU].value,
            working_set_bytes=_whole(found[_WORKING_SET]),
            cfs_periods=_whole(found[_PERIODS]) if _PERIODS in found else None,
            throttled_periods=_whole(found[_THROTTLED]) if _THROTTLED in found else None,
            cpu_limit_millicores=_cpu_limit(found),
            memory_limit_bytes=(_whole(found[_MEMORY_LIMIT]) or None) if _MEMORY_LIMIT in found else None,
        )


def _cpu_limit(found: Mapping[str, Sample]) -> float | None:
    """A quota of 20,000 us in periods of 100,000 us is 200 millicores; no quota is no limit."""
    if _QUOTA not in found or _PERIOD not in found:
        return None
    return round(1000 * found[_QUOTA].value / found[_PERIOD].value, 3)


def _whole(sample: Sample) -> int:
    try:
        return int(sample.value)
    except (ValueError, OverflowError) as error:
        raise ExpositionError(f"{sample.name} is {sample.value}") from error
