"""What containers took for a load, and what it came to in a closed model."""

from typing import Any

from meshproof.model.cost import ContainerCost, Costs
from meshproof.model.throughput import Throughput
from meshproof.model.usage import Component


def a_cost(component: str = "proxy", **changed: Any) -> ContainerCost:
    """What a container took for 120 seconds of load; nothing limits its CPU."""
    fields: dict[str, Any] = {
        "component": Component(component),
        "pod": f"traefik-mesh-{component}-7xk2p",
        "container": component,
        "cpu_s": 6.41,
        "seconds": 158.2,
        "idle_millicores": 4.3,
        "requests": 12_400,
        "cpu_s_per_1000": 0.5182,
        "working_set_idle_bytes": 48 * 1024 * 1024,
        "working_set_mean_bytes": 57 * 1024 * 1024,
        "working_set_peak_bytes": 61 * 1024 * 1024,
        "working_set_samples": 11,
    }
    return ContainerCost(**(fields | changed))


def a_throughput(**changed: Any) -> Throughput:
    """What either way carries for twenty users in a closed loop."""
    fields: dict[str, Any] = {
        "users": 20,
        "direct_per_s": 2870.4,
        "control_per_s": 2861.0,
        "mesh_per_s": 1240.2,
        "difference_per_s": -1630.2,
        "interval_per_s": (-1702.3, -1558.1),
        "noise_floor_per_s": 61.2,
        "rounds": 20,
        "validity": "valid",
    }
    return Throughput(**(fields | changed))


def some_costs() -> Costs:
    """A proxy that its limit holds back, one that restarted, a controller, a server."""
    limited: dict[str, Any] = {
        "cpu_limit_millicores": 200.0,
        "memory_limit_bytes": 512 * 1024 * 1024,
        "cfs_periods": 1582,
        "throttled_periods": 411,
    }
    unknown = dict.fromkeys(("cpu_s", "seconds", "cpu_s_per_1000", "cfs_periods", "throttled_periods"))
    return Costs(
        containers=[
            a_cost(**limited),
            a_cost(**limited | unknown, pod="traefik-mesh-proxy-q9d4t", note="restarted: 2 containers"),
            a_cost("controller", requests=None, cpu_s_per_1000=None),
            a_cost("server", requests=37_200),
        ],
        services=23,
        idle_bytes=144 * 1024 * 1024,
        idle_bytes_per_service=144 * 1024 * 1024 // 23,
        notes=["the kubelets sampled a container every 10 to 19 s"],
    )
