"""What a cluster shows of an install: parsed once from the API's JSON, judged by ``diagnosis``. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "DNS_NAMESPACE",
    "DNS_WORKLOADS",
    "ContainerFact",
    "EventFact",
    "InstallFacts",
    "PodFact",
    "WorkloadFact",
    "pod_fact",
    "warning_facts",
    "workload_fact",
]

DNS_NAMESPACE: Final = "kube-system"
DNS_WORKLOADS: Final = (
    "coredns",
    "rke2-coredns-rke2-coredns",
    "kube-dns",
)  # the deployments that prepare looks for


@dataclass(frozen=True, kw_only=True)
class ContainerFact:
    """A container's status. ``state`` is waiting, running, terminated or unknown."""

    name: str
    init: bool
    image: str
    state: str
    reason: str
    message: str
    exit_code: int | None
    restarts: int
    ready: bool
    log: str = ""

    @property
    def failures(self) -> int:
        """How often it ended in error, as far as its status tells."""
        ended_now = self.state == "terminated" and bool(self.exit_code)
        return self.restarts + (1 if ended_now else 0)

    @property
    def in_trouble(self) -> bool:
        """Whether it waits for something other than its turn, or has failed before and is not ready."""
        waiting = self.state == "waiting" and self.reason not in {"", "PodInitializing", "ContainerCreating"}
        return waiting or (self.failures > 0 and not self.ready)


@dataclass(frozen=True, kw_only=True)
class PodFact:
    """A pod. ``unschedulable`` is the scheduler's own sentence, empty when the pod has a node."""

    name: str
    phase: str
    ready: bool
    unschedulable: str
    containers: tuple[ContainerFact, ...]


@dataclass(frozen=True, kw_only=True)
class EventFact:
    """A warning event, newest last in every list of them."""

    about: str
    reason: str
    message: str
    count: int


@dataclass(frozen=True, kw_only=True)
class WorkloadFact:
    """A Deployment or DaemonSet and how far its rollout is; ``images`` maps container to image."""

    kind: str
    name: str
    images: Mapping[str, str]
    observed: bool
    wanted: int
    updated: int
    available: int
    total: int

    @property
    def rolled_out(self) -> bool:
        """Every replica is of the newest template and available, and no older one is left."""
        return (
            self.observed and self.wanted > 0 and self.updated == self.available == self.total == self.wanted
        )

    def __str__(self) -> str:
        seen = f"{self.available} of {self.wanted} available, {self.updated} of the newest template"
        return f"{self.kind} {self.name}: {seen}"


@dataclass(frozen=True, kw_only=True)
class InstallFacts:
    """Everything a diagnosis is made from. ``helm_output`` is what helm said, empty when it did not fail."""

    namespace: str
    release: str
    release_status: str | None
    helm_output: str
    pods: tuple[PodFact, ...]
    warnings: tuple[EventFact, ...]
    workloads: tuple[WorkloadFact, ...]
    dns: tuple[WorkloadFact, ...]


def pod_fact(pod: Mapping[str, Any], logs: Mapping[str, str] | None = None) -> PodFact:
    """A pod of the API, with the log tails of its containers by name."""
    status = pod.get("status") or {}
    spec = pod.get("spec") or {}
    images = {
        each["name"]: each.get("image", "")
        for kind in ("initContainers", "containers")
        for each in spec.get(kind) or []
    }
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    scheduled = conditions.get("PodScheduled", {})
    return PodFact(
        name=pod["metadata"]["name"],
        phase=status.get("phase", "Unknown"),
        ready=conditions.get("Ready", {}).get("status") == "True",
        unschedulable=scheduled.get("message", "") if scheduled.get("status") == "False" else "",
        containers=tuple(
            _container(each, init=init, images=images, logs=logs or {})
            for key, init in (("initContainerStatuses", True), ("containerStatuses", False))
            for each in status.get(key) or []
        ),
    )


def _container(
    status: Mapping[str, Any], *, init: bool, images: Mapping[str, str], logs: Mapping[str, str]
) -> ContainerFact:
    state, details = next(iter((status.get("state") or {"unknown": {}}).items()))
    details = details or {}
    last = (status.get("lastState") or {}).get("terminated") or {}
    name = status["name"]
    return ContainerFact(
        name=name,
        init=init,
        image=images.get(name) or status.get("image", ""),
        state=state,
        reason=details.get("reason", ""),
        message=details.get("message", ""),
        exit_code=details.get("exitCode", last.get("exitCode")),
        restarts=int(status.get("restartCount", 0)),
        ready=bool(status.get("ready", False)),
        log=logs.get(name, ""),
    )


def warning_facts(events: list[dict[str, Any]]) -> tuple[EventFact, ...]:
    """The warnings among the API's events, oldest first."""
    warnings = [event for event in events if event.get("type") == "Warning"]
    warnings.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return tuple(
        EventFact(
            about=" ".join(event["involvedObject"].get(key, "") for key in ("kind", "name")).strip(),
            reason=event.get("reason") or "",
            message=(event.get("message") or "").strip(),
            count=int(event.get("count") or 1),
        )
        for event in warnings
    )


def workload_fact(kind: str, workload: Mapping[str, Any]) -> WorkloadFact:
    """A Deployment or DaemonSet of the API."""
    meta, spec, status = workload["metadata"], workload["spec"], workload.get("status") or {}
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        updated = status.get("updatedNumberScheduled", 0)
        available, total = status.get("numberAvailable", 0), status.get("currentNumberScheduled", 0)
    else:
        wanted, total = spec.get("replicas", 1), status.get("replicas", 0)
        updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    containers = spec["template"]["spec"].get("containers") or []
    return WorkloadFact(
        kind=kind,
        name=meta["name"],
        images={each["name"]: each.get("image", "") for each in containers},
        observed=status.get("observedGeneration", 0) >= meta.get("generation", 1),
        wanted=wanted,
        updated=updated,
        available=available,
        total=total,
    )
