"""What an experiment cost the containers that took part in it."""

import msgspec

from meshproof.model.usage import Component

__all__ = ["ContainerCost", "Costs"]


class ContainerCost(msgspec.Struct, frozen=True, kw_only=True):
    """One container over one experiment. None is what cannot be told; ``note`` says why.

    ``cpu_s`` is the difference of two counters that stand ``seconds`` apart: all of the load and some rest
    around it. ``cpu_s_per_1000`` leaves out what the container uses at rest, and counts the ``requests`` that
    its component carried (of every proxy together). Working sets are of single samples, not continuous.
    """

    component: Component
    pod: str
    container: str
    cpu_s: float | None = None
    seconds: float | None = None
    idle_millicores: float | None = None
    requests: int | None = None
    cpu_s_per_1000: float | None = None
    working_set_idle_bytes: int | None = None
    working_set_mean_bytes: int | None = None
    working_set_peak_bytes: int | None = None
    working_set_samples: int = 0
    cpu_limit_millicores: float | None = None  # None: no limit
    memory_limit_bytes: int | None = None  # None: no limit
    cfs_periods: int | None = None  # None: not counted, as there is no CPU limit
    throttled_periods: int | None = None
    note: str = ""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """The containers of one experiment, and how far the figures reach.

    ``idle_bytes`` is the working set of all proxies and the controller before the load; shared among the
    ``services`` that were in the mesh then it is an average, not what one service more takes.
    """

    containers: list[ContainerCost]
    services: int | None = None
    idle_bytes: int | None = None
    idle_bytes_per_service: int | None = None
    notes: list[str] = []
