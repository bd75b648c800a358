"""What kubelets may have sampled around an experiment."""

from typing import Any

from meshproof.model.usage import Component, ContainerSample, Moment, UsageSample

MIB = 1024 * 1024
PROXY, CONTROLLER, SERVER, GENERATOR = Component


def sampled(
    at_unix: float, cpu_s: float, *, pod: str = "proxy-a", instance: str = "", **changed: Any
) -> ContainerSample:
    fields: dict[str, Any] = {
        "namespace": "mesh",
        "pod": pod,
        "container": "main",
        "instance": instance or f"id-{pod}",
        "at_unix": at_unix,
        "cpu_s": cpu_s,
        "working_set_bytes": 50 * MIB,
    }
    return ContainerSample(**(fields | changed))


def of(component: Component, moment: Moment, sample: ContainerSample) -> UsageSample:
    return UsageSample(component=component, moment=moment, seen=sample)


def course(component: Component, pod: str, **changed: Any) -> list[UsageSample]:
    """Ten seconds of rest at 10 millicores, then 100 s in which 6 CPU seconds were used."""
    return [
        of(component, moment, sampled(at, cpu, pod=pod, working_set_bytes=mib * MIB, **changed))
        for moment, at, cpu, mib in (
            (Moment.IDLE, 1000.0, 5.0, 38),
            (Moment.BEFORE, 1010.0, 5.1, 40),
            (Moment.DURING, 1060.0, 8.0, 60),
            (Moment.DURING, 1075.0, 9.0, 70),
            (Moment.AFTER, 1110.0, 11.1, 50),
        )
    ]
