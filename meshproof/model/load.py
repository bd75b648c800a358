"""A load experiment: the profile it follows, and the record of it that can be judged again."""

from enum import StrEnum
from typing import Any, Final

import msgspec

from meshproof.model.usage import Usage

__all__ = [
    "FORTIO",
    "FORTIO_BESIDE",
    "LOCUST",
    "RECORDING_VERSION",
    "Arrivals",
    "Profile",
    "RecordedCell",
    "RecordedPhase",
    "Recording",
    "Restart",
]

RECORDING_VERSION: Final = "1"

LOCUST: Final = "locust"  # the instrument that loads what it measures
FORTIO: Final = "fortio"  # a lighter one, with no other load
FORTIO_BESIDE: Final = "fortio beside locust"  # the same, on the arm that Locust loads at that moment


class Arrivals(StrEnum):
    """When requests are sent.

    In the open models (``fixed``, ``poisson``) each has an intended start that waits for no answer. In the
    closed one a user sends as soon as it was answered: as much as the path carries, with no schedule to be
    late for, so that response time is service time.
    """

    FIXED = "fixed"
    POISSON = "poisson"
    CLOSED = "closed"


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How load is made. Rates and users are totals over all workers; one arm is loaded at a time.

    A ramp has ``rates_per_s`` instead of one rate: each of its ``rounds`` goes through all of them, from the
    lowest to the highest, and each of these steps is numbered as a round of its own.
    """

    name: str
    description: str
    rounds: int  # of a ramp: how often it is gone through
    phase_s: float
    settle_s: float  # start of each phase: sent, not measured
    warmup_s: float
    users: int  # the greatest number of requests in flight in one arm
    arrivals: Arrivals = Arrivals.FIXED
    arrival_rate_per_s: float = 0.0  # of the open models; a closed one has none, a ramp has many
    rates_per_s: list[float] = []  # of a ramp, rising
    workers: int  # one process each
    node: str = ""  # where the generator runs: a node's name, label=value, or "apart"; empty: anywhere
    cpus: list[int] = []  # that the workers are pinned to; none: all of the node
    payload_bytes: int  # 0: GET; else POST with a body of that size
    keep_alive: bool
    request_timeout_s: float
    seed: int
    drift: bool = False  # a soak: whether something changes from its first round to its last is judged
    services: list[int] = []  # the experiment is run once with each number of services more in the mesh

    @property
    def steps(self) -> list[float]:
        """The rates of one round: one, or a ramp's."""
        return self.rates_per_s or [self.arrival_rate_per_s]

    @property
    def all_rounds(self) -> int:
        """The rounds as they are numbered in a schedule and in a recording: each step of a ramp is one."""
        return self.rounds * len(self.steps)

    def rate_in(self, number: int) -> float:
        """Requests per second in the round of that number."""
        return self.steps[number % len(self.steps)]

    def described(self) -> dict[str, bool | int | float | str]:
        """Field by field, in plain values; of what came later, only what the profile makes use of."""
        unused = [
            name for name in ("rates_per_s", "drift", "services", "node", "cpus") if not getattr(self, name)
        ]
        fields = msgspec.to_builtins(self)
        return {name: _plain(value) for name, value in fields.items() if name not in unused}


class RecordedPhase(msgspec.Struct, frozen=True, kw_only=True):
    """One arm in one round; seconds since t0."""

    arm: str
    round: int
    starts_s: float
    ends_s: float


class RecordedCell(msgspec.Struct, frozen=True, kw_only=True):
    """One arm in one round over all workers.

    ``requests`` is the sum of ``errors``, ``discarded`` (settle time), ``beyond`` (more than 60 s) and the
    service histogram. ``cpu_share`` is that of the busiest worker process, 1.0 being one core; ``cpu_s`` that
    of all together, by their own clocks (0 in a recording from before it was kept). Histograms are in
    HdrHistogram's base64 form, in microseconds: service time from the actual send, response time from the
    intended start, lag from the intended start to the actual send. ``late`` is how late the workers' own
    clocks woke, which wait for no answer (empty in a recording from before it was kept).
    """

    arm: str
    round: int
    requests: int
    errors: dict[str, int]
    discarded: int
    beyond: int
    unsent: int
    connections: int
    cpu_share: float
    service: str
    response: str
    lag: str
    cpu_s: float = 0.0
    late: str = ""


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """A pod outside the mesh that restarted or went away; ``at_s`` since t0, None where that is not known."""

    pod: str
    at_s: float | None
    reason: str


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """All of an experiment: enough to judge it again without the cluster.

    ``alone`` and ``beside`` are what a lighter instrument recorded of the same arms, by a profile of its own:
    before any load was on, and while it was (in the same phases).
    """

    profile: Profile
    arms: dict[str, str]  # arm -> base URL
    started: str  # t0: UTC, RFC 3339
    phases: list[RecordedPhase]
    cells: list[RecordedCell]
    lookups_ms: dict[str, list[float]]  # name look-ups of each arm before the clock started
    warmup: dict[str, tuple[int, int]]  # arm -> requests and errors that were discarded
    restarts: list[Restart] = []
    usage: Usage | None = None  # what the containers used, where that was watched
    worker_cpus: list[list[int]] = []  # that each worker could run on, by its own word
    worker_nodes: list[str] = []  # where they ran
    alone: "Recording | None" = None
    beside: "Recording | None" = None
    version: str = RECORDING_VERSION

    def sent(self, arm: str) -> tuple[int, int]:
        """Requests and errors of an arm in all of it: warm-up, settle time and void rounds too."""
        requests, errors = self.warmup[arm]
        cells = [each for each in self.cells if each.arm == arm]
        requests += sum(each.requests for each in cells)
        return requests, errors + sum(sum(each.errors.values()) for each in cells)

    def carried(self, arm: str) -> int:
        """Requests of an arm while load was on, by whichever instrument."""
        return self.sent(arm)[0] + (self.beside.sent(arm)[0] if self.beside else 0)

    def by_instrument(self, arm: str) -> dict[str, tuple[int, int]]:
        """Requests and errors of an arm, by each instrument that asked."""
        others = {FORTIO: self.alone, FORTIO_BESIDE: self.beside}
        return {LOCUST: self.sent(arm)} | {name: each.sent(arm) for name, each in others.items() if each}


def _plain(value: Any) -> Any:
    return ", ".join(f"{each:g}" for each in value) if isinstance(value, list) else value
