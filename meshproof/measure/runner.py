"""Runs one load experiment in the cluster, from the ConfigMap to the Recording, and removes what it made."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final
from urllib.parse import urlsplit

import msgspec

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.engine.waiting import Look, eventually
from meshproof.measure.held import Held, load_programs, why_waiting
from meshproof.measure.placement import ANYWHERE, Placement
from meshproof.measure.pods import MASTER, SAMPLER, SwarmPlan, config_map, master_pod, worker_name, worker_pod
from meshproof.measure.profile import experiment_s
from meshproof.measure.recording import Started, parse_log, read_start
from meshproof.measure.restarts import restarts_between
from meshproof.model.errors import BadInputError
from meshproof.model.load import Profile, Recording, Restart

__all__ = ["check_targets", "run_experiment"]

SCHEDULED_WITHIN_S: Final = 60.0  # a pod of an image that the node has gets its address in 1 to 3 s
READY_WITHIN_S: Final = 150.0  # the master itself gives up waiting for its workers after 120 s
GATHERED_WITHIN_S: Final = (
    60.0  # after the last phase: a request's timeout, encoding, printing; 2 s as a rule
)
POLL_S: Final = 1.0  # while nothing is measured yet
WATCH_S: Final = 5.0  # while load is on: each look costs the node that is being measured


def run_experiment(  # noqa: PLR0913 - all by name; the last three may be left out
    kube: KubeApi,
    *,
    namespace: str,
    client_image: str,
    profile: Profile,
    targets: Mapping[str, str],
    labels: Mapping[str, str],
    progress: Callable[[str], None],
    watching: Callable[[], None] = lambda: None,
    sampling: Profile | None = None,
    placement: Placement = ANYWHERE,
) -> Recording:
    """Load every arm of ``targets`` (name -> base URL) as ``profile`` says; ``progress`` gets a line a round.

    ``watching`` is called every few seconds while load is on. It must not take long. With ``sampling``, a
    lighter instrument samples each arm while it is loaded: the Recording's ``beside``.
    Blocks for the experiment's length plus some ten seconds. What it creates in ``namespace`` carries
    ``labels`` and is removed whatever happens. Raises BadInputError for targets that are no http URLs,
    HarnessError when the generator did not bring back the whole experiment; errors of the arms are in the
    Recording.
    """
    check_targets(targets)
    swarm = _Swarm(kube, namespace, profile, dict(targets))
    with ExitStack() as finalizers:
        finalizers.callback(swarm.held.remove)
        before = swarm.held.neighbours()
        progress(f"load generator: starting a master and {profile.workers} workers")
        swarm.create(client_image, labels, sampling, placement)
        started = swarm.wait_started()
        swarm.watch(started, progress, watching)
        log = swarm.master_log()
        restarts = restarts_between(before, swarm.held.neighbours(), t0_unix=started.t0_unix)
        return msgspec.structs.replace(
            parse_log(log, profile, restarts=restarts),
            worker_nodes=swarm.worker_nodes(),
            beside=swarm.sampled(sampling, restarts) if sampling else None,
        )


def check_targets(targets: Mapping[str, str]) -> None:
    """Raises BadInputError for targets that are no http URLs."""
    for arm, url in targets.items():
        if urlsplit(url).scheme != "http" or not urlsplit(url).hostname:
            raise BadInputError(
                where=f"targets/{arm}", problem=f"got {url!r}, expected http://host", remedy="name a service"
            )


class _Swarm:
    """The master and the workers of one experiment."""

    def __init__(self, kube: KubeApi, namespace: str, profile: Profile, targets: dict[str, str]) -> None:
        self.held = Held(kube, namespace)
        self._profile = profile
        self._targets = targets
        self._master = f"{self.held.name}-{MASTER}"
        self._duration_s = experiment_s(profile, len(targets))
        self._deadline_s = int(SCHEDULED_WITHIN_S + READY_WITHIN_S + self._duration_s + GATHERED_WITHIN_S)
        self._containers = [MASTER]

    def create(
        self, image: str, labels: Mapping[str, str], sampling: Profile | None, placement: Placement
    ) -> None:
        plan = SwarmPlan(
            name=self.held.name,
            image=image,
            labels=labels,
            profile=self._profile,
            targets=self._targets,
            deadline_s=self._deadline_s,
            placement=placement,
            sampling=sampling,
        )
        self._containers += [SAMPLER] if sampling else []
        self.held.create(config_map(plan, load_programs()))
        self.held.create(master_pod(plan))
        where = f"{self._master} has an address and runs"
        address = eventually(self._master_address, what=where, within=SCHEDULED_WITHIN_S).value
        for number in range(self._profile.workers):
            self.held.create(worker_pod(plan, number, master_ip=address))

    def wait_started(self) -> Started:
        """Until the master says that every worker is ready."""
        what = f"{self.held.name}: all workers are ready"
        started = eventually(self._start, what=what, within=READY_WITHIN_S, every=POLL_S).value
        if started is None:  # pragma: no cover - a met look carries it
            raise AssertionError(what)
        return started

    def watch(self, started: Started, progress: Callable[[str], None], watching: Callable[[], None]) -> None:
        """Until the master ended well. Which phase is on is reckoned, not asked for: it spares the node."""
        began = time.monotonic()
        shown = ""

        def look() -> Look[None]:
            nonlocal shown
            now = time.monotonic() - began
            if (line := _standing(started, self._profile, now)) != shown:
                progress(line)
                shown = line
            watching()
            phase = self.held.phase(self._master)
            if phase == "Failed":
                self._fail("the load generator's master failed")
            for number in range(self._profile.workers):
                worker = worker_name(self.held.name, number)
                if now < self._duration_s and self.held.phase(worker) == "Failed":
                    self._fail(f"worker {number} failed while load was on", of_worker=True)
            return Look(met=phase == "Succeeded", value=None, seen=f"master is {phase}, {line}")

        within = self._duration_s + self._profile.request_timeout_s + GATHERED_WITHIN_S
        eventually(look, what=f"{self.held.name}: the experiment ends", within=within, every=WATCH_S)

    def master_log(self) -> str:
        return self.held.log(self._master, MASTER)

    def sampled(self, sampling: Profile, restarts: list[Restart]) -> Recording:
        """What the sampler beside the master brought back."""
        return parse_log(self.held.log(self._master, SAMPLER), sampling, restarts=restarts)

    def worker_nodes(self) -> list[str]:
        """Where the workers ran, each node once."""
        found = {
            str((pod.get("spec") or {}).get("nodeName", ""))
            for pod in self.held.pods()
            if pod["metadata"]["name"] != self._master
        }
        return sorted(found - {""})

    def _master_address(self) -> Look[str]:
        status = self.held.kube.get(f"{self.held.core}/pods/{self._master}").get("status") or {}
        address = str(status.get("podIP") or "")
        return Look(
            met=bool(address) and status.get("phase") == "Running", value=address, seen=why_waiting(status)
        )

    def _start(self) -> Look[Started | None]:
        try:
            started = read_start(self.master_log())
        except KubeError as error:  # the container is still being made
            return Look(met=False, value=None, seen=str(error))
        if started is None and self.held.phase(self._master) in {"Failed", "Succeeded"}:
            self._fail("the load generator's master ended before it began")
        return Look(met=started is not None, value=started, seen=self.held.states())

    def _fail(self, problem: str, *, of_worker: bool = False) -> None:
        """Raise with the end of every pod's log, or with the master's own failure line."""
        tails: dict[str, str] = {}
        for container in self._containers:
            tails[f"{self._master}, {container}"] = text = self.held.tail(self._master, container)
            if not of_worker:
                read_start(text + "\n")  # raises with its own words, where it gave a reason
        for number in range(self._profile.workers):
            worker = worker_name(self.held.name, number)
            tails[worker] = self.held.tail(worker, "worker")
        self.held.refuse(problem, tails)


def _standing(started: Started, profile: Profile, now_s: float) -> str:
    """Where the experiment is, in words that change once a round, of a ramp once a step."""
    rounds = 1 + max(number for _, number, _, _ in started.phases)
    steps = len(profile.rates_per_s)
    if now_s < started.warmup_s:
        return f"warm-up of {started.warmup_s:g} s, {len(started.arms)} arms"
    for arm, number, begins, ends in started.phases:
        if begins <= now_s < ends and steps:
            rate = profile.rate_in(number)
            return f"round {number // steps + 1} of {rounds // steps}, {rate:g} requests/s: {arm}"
        if begins <= now_s < ends:
            return f"round {number + 1} of {rounds}: {arm}"
    return "gathering the histograms"
