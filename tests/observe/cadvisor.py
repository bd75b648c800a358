"""Text as a kubelet serves it at ``/metrics/cadvisor``."""

from collections.abc import Iterable

PAUSE = "/kubelet/kubepods/burstable/pod77"


def container(
    pod: str,
    *,
    cpu_s: float = 1.5,
    at_ms: int = 1_900_000_000_123,
    instance: str = "",
    namespace: str = "mesh",
    limited: bool = False,
) -> list[str]:
    """The lines of one container, with the many that nobody wants."""
    name = instance or f"id-{pod}"
    where = (
        f'container="main",id="{PAUSE}/{name}",image="proxy:1",name="{name}",'
        f'namespace="{namespace}",pod="{pod}"'
    )
    lines = [
        f'container_cpu_usage_seconds_total{{{where},cpu="total"}} {cpu_s} {at_ms}',
        f"container_memory_working_set_bytes{{{where}}} 5.2428800e+07 {at_ms}",
        f"container_memory_rss{{{where}}} 4.2428800e+07 {at_ms}",
        f"container_spec_memory_limit_bytes{{{where}}} {536870912 if limited else 0}",
        f"container_spec_cpu_period{{{where}}} 100000",
        f"container_start_time_seconds{{{where}}} 1.9e+09",
    ]
    if limited:
        lines += [
            f"container_spec_cpu_quota{{{where}}} 20000",
            f"container_cpu_cfs_periods_total{{{where}}} 900 {at_ms}",
            f"container_cpu_cfs_throttled_periods_total{{{where}}} 300 {at_ms}",
            f"container_cpu_cfs_throttled_seconds_total{{{where}}} 12.5 {at_ms}",
        ]
    return lines


def page(*containers: Iterable[str]) -> str:
    """With what belongs to no container: the node as a whole, a pod's own cgroup, the machine."""
    node = 'container="",id="/",image="",name="",namespace="",pod=""'
    pod = f'container="",id="{PAUSE}",image="",name="",namespace="mesh",pod="proxy-a"'
    around = [
        "# HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.",
        "# TYPE container_cpu_usage_seconds_total counter",
        f'container_cpu_usage_seconds_total{{{node},cpu="total"}} 900.5 1900000000001',
        f'container_cpu_usage_seconds_total{{{pod},cpu="total"}} 2.5 1900000000001',
        f"container_memory_working_set_bytes{{{pod}}} 7 1900000000001",
        'machine_cpu_cores{boot_id="x",machine_id="y",system_uuid="z"} 2',
    ]
    return "\n".join([*around, *(line for lines in containers for line in lines), ""])
