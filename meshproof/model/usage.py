"""What the containers of an experiment used, as the kubelets sampled it: recorded, not yet judged."""

from enum import StrEnum

import msgspec

__all__ = ["Component", "ContainerSample", "Moment", "Usage", "UsageSample"]


class Component(StrEnum):
    """What a container is in an experiment."""

    PROXY = "proxy"
    CONTROLLER = "controller"
    SERVER = "server"
    GENERATOR = "generator"


class ContainerSample(msgspec.Struct, frozen=True, kw_only=True):
    """One container at one moment. Counters are of the container since its start.

    ``instance`` is the container's own id: after a restart another one stands in its place.
    """

    namespace: str
    pod: str
    container: str
    instance: str
    at_unix: float  # by the node's clock
    cpu_s: float
    working_set_bytes: int
    cfs_periods: int | None = None  # None: no CPU limit, so that nothing is counted
    throttled_periods: int | None = None
    cpu_limit_millicores: float | None = None
    memory_limit_bytes: int | None = None


class Moment(StrEnum):
    """When in an experiment a sample was taken."""

    IDLE = "idle"  # no load yet; with BEFORE it tells what is used at rest
    BEFORE = "before"  # the last one without load
    DURING = "during"
    AFTER = "after"  # the first one after the load's end


class UsageSample(msgspec.Struct, frozen=True, kw_only=True):
    """A sample with its place in the experiment."""

    component: Component
    moment: Moment
    seen: ContainerSample


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was sampled around one experiment, each sample once, in the order in which it came."""

    samples: list[UsageSample]
    services: int | None = None  # in the mesh, before the load
    problems: list[str] = []  # why something is missing
