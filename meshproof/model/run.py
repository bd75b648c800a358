"""One run is one tree: what was tested, what is said of it, what was measured.

``report.json`` is that tree; every other report is a view of it.
"""

from enum import StrEnum
from typing import Any, Final

import msgspec

from meshproof.model.attribution import Attribution
from meshproof.model.comparison import Comparison
from meshproof.model.cost import Costs
from meshproof.model.drift import Drift
from meshproof.model.growth import Growth
from meshproof.model.json_text import json_text
from meshproof.model.load import LOCUST
from meshproof.model.mutant import MutantResult
from meshproof.model.saturation import Saturation
from meshproof.model.throughput import Throughput
from meshproof.model.verdict import Verdict

__all__ = [
    "PRIMARY",
    "SCHEMA_VERSION",
    "VALID",
    "ArmCurve",
    "Environment",
    "Host",
    "Node",
    "Overhead",
    "OverheadDetail",
    "Run",
    "RunInfo",
    "RunState",
    "run_from_json",
    "run_to_json",
]

SCHEMA_VERSION: Final = "1"
PRIMARY: Final = 50.0  # the percentile that counts; the others are one family, adjusted
VALID: Final = "valid"  # of an overhead row; anything else is the evidence why it is not


class RunState(StrEnum):
    """How far a run came. ``running`` in a file on disk means that its process died."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    ABORTED = "aborted"


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """``started`` and ``finished`` are UTC, RFC 3339."""

    id: str
    started: str
    finished: str | None = None
    state: RunState = RunState.RUNNING
    command: list[str] = []
    exit_code: int | None = None
    note: str = ""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node as the cluster reports it."""

    name: str
    kubelet: str
    container_runtime: str
    os_image: str
    kernel: str


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that the figures belong to."""

    cpu: str
    cpus: int
    memory_mib: int
    engine: str


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Versions as read from the cluster, and what they were installed from. Empty until it was read."""

    kubernetes: str = ""
    mesh: str = ""
    proxy: str = ""
    coredns: str = ""
    bundle_digest: str = ""
    images: dict[str, str] = {}  # reference -> digest, of everything that ran
    nodes: list[Node] = []
    host: Host | None = None
    settings: dict[str, Any] = {}  # the options of the run that change what is tested
    durations_s: dict[str, float] = {}  # cluster created, mesh installed, workloads ready, removed


class Overhead(msgspec.Struct, frozen=True, kw_only=True):
    """One percentile of the service time, mesh against direct. All times in milliseconds.

    ``interval_ms`` is the 95 % interval of the mean of the rounds' differences (Holm-adjusted for all but
    the primary percentile); ``noise_floor_ms`` is the largest absolute bound of the same interval of
    control minus direct. ``instrument`` is the load generator; where several measured the same profile, the
    lighter one's figure is the cost of the mesh, and Locust's is what clients under that load saw.
    """

    profile: str
    percentile: float
    direct_ms: float
    mesh_ms: float
    difference_ms: float
    interval_ms: tuple[float, float]
    noise_floor_ms: float
    rounds: int
    validity: str  # VALID, or the evidence why it is not
    round_differences_ms: list[float] = []
    confidence: float = 0.95  # of interval_ms and of the noise floor's interval
    p_value: float | None = None  # of no difference at all; Holm-adjusted as the interval
    hodges_lehmann_ms: tuple[float, float, float] | None = None  # estimate and exact signed-rank interval
    instrument: str = LOCUST


class ArmCurve(msgspec.Struct, frozen=True, kw_only=True):
    """The latency of one arm over all valid rounds: (percentile, milliseconds), and what was sent."""

    arm: str
    requests: int
    errors: int
    percentiles: list[tuple[float, float]]
    response_percentiles: list[tuple[float, float]] = []  # as percentiles, from the intended start
    error_kinds: dict[str, int] = {}
    unsent: int = 0  # slots that passed while their user still waited: a missed rate
    discarded: int = 0  # answered, but sent in the settle time at the start of a phase
    answered_per_s: float = 0.0  # in the measured part of the phases


class OverheadDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind the table: the curves, the generator's own lag and load, what was void and why."""

    profile: str
    arms: list[ArmCurve]
    void_rounds: dict[str, str] = {}
    generator: dict[str, float] = {}
    load: dict[str, bool | int | float | str] = {}  # the load profile, field by field
    notes: list[str] = []
    instrument: str = LOCUST
    beside_others: list[str] = []  # sentences on what lies between its figure and the other instruments'
    costs: Costs | None = None  # of the containers that took part, where that was watched
    throughput: Throughput | None = None  # of a closed model
    saturation: Saturation | None = None  # of a ramp
    drifts: list[Drift] = []  # of a soak
    growth: Growth | None = None  # of a mesh that was measured with more and more services in it


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of a run; every other report is a view of it."""

    run: RunInfo
    environment: Environment = Environment()
    verdicts: list[Verdict] = []
    summary: dict[str, int] = {}
    overhead: list[Overhead] = []
    overhead_detail: list[OverheadDetail] = []
    comparisons: list[Comparison] = []  # of the overhead with a baseline, or of two settings in turn
    attributions: list[Attribution] = []  # where the cost comes from, where that was asked for
    mutants: list[MutantResult] = []
    schema_version: str = SCHEMA_VERSION


def run_to_json(run: Run) -> str:
    """``report.json``: indented, keys in the order of the fields."""
    return f"{json_text(run)}\n"


def run_from_json(text: str | bytes) -> Run:
    """Read a ``report.json`` back. Raises msgspec.ValidationError naming the path of what does not fit."""
    return msgspec.json.decode(text, type=Run)
