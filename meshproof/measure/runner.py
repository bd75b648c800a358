"""Runs one load experiment in the cluster, from the ConfigMap to the Recording, and removes what it made."""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import urlsplit

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.engine.waiting import Look, eventually
from meshproof.measure.pods import LABEL, MASTER, SwarmPlan, config_map, master_pod, worker_name, worker_pod
from meshproof.measure.profile import experiment_s
from meshproof.measure.recording import Started, parse_log, read_start
from meshproof.measure.restarts import restarts_between
from meshproof.model.errors import BadInputError, HarnessError
from meshproof.model.load import Profile, Recording
from meshproof.paths import PROJECT_ROOT

__all__ = ["run_experiment"]

SCHEDULED_WITHIN_S: Final = 60.0  # a pod of an image that the node has gets its address in 1 to 3 s
READY_WITHIN_S: Final = 150.0  # the master itself gives up waiting for its workers after 120 s
GATHERED_WITHIN_S: Final = (
    60.0  # after the last phase: a request's timeout, encoding, printing; 2 s as a rule
)
REMOVED_WITHIN_S: Final = 60.0  # the pods have a grace of 2 s
POLL_S: Final = 1.0  # while nothing is measured yet
WATCH_S: Final = 5.0  # while load is on: each look costs the node that is being measured
EVIDENCE_LINES: Final = 30


def run_experiment(
    kube: KubeApi,
    *,
    namespace: str,
    client_image: str,
    profile: Profile,
    targets: Mapping[str, str],
    labels: Mapping[str, str],
    progress: Callable[[str], None],
    watching: Callable[[], None] = lambda: None,
) -> Recording:
    """Load every arm of ``targets`` (name -> base URL) as ``profile`` says; ``progress`` gets a line a round.

    ``watching`` is called every few seconds while load is on. It must not take long.
    Blocks for the experiment's length plus some ten seconds. What it creates in ``namespace`` carries
    ``labels`` and is removed whatever happens. Raises BadInputError for targets that are no http URLs,
    HarnessError when the generator did not bring back the whole experiment; errors of the arms are in the
    Recording.
    """
    for arm, url in targets.items():
        if urlsplit(url).scheme != "http" or not urlsplit(url).hostname:
            raise BadInputError(
                where=f"targets/{arm}", problem=f"got {url!r}, expected http://host", remedy="name a service"
            )
    swarm = _Swarm(kube, namespace, profile, dict(targets))
    with ExitStack() as finalizers:
        finalizers.callback(swarm.remove)
        before = swarm.neighbours()
        progress(f"load generator: starting a master and {profile.workers} workers")
        swarm.create(client_image, labels)
        started = swarm.wait_started()
        swarm.watch(started, progress, watching)
        log = swarm.master_log()
        restarts = restarts_between(before, swarm.neighbours(), t0_unix=started.t0_unix)
        return parse_log(log, profile, restarts=restarts)


class _Swarm:
    """The pods of one experiment, under a name that no other has."""

    def __init__(self, kube: KubeApi, namespace: str, profile: Profile, targets: dict[str, str]) -> None:
        self._kube = kube
        self._namespace = namespace
        self._profile = profile
        self._targets = targets
        self._core = f"/api/v1/namespaces/{namespace}"
        self.name = f"load-{secrets.token_hex(4)}"
        self._duration_s = experiment_s(profile, len(targets))
        self._deadline_s = int(SCHEDULED_WITHIN_S + READY_WITHIN_S + self._duration_s + GATHERED_WITHIN_S)

    def create(self, image: str, labels: Mapping[str, str]) -> None:
        programs = {
            path.name: path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "loadtests").glob("*.py")
        }
        plan = SwarmPlan(
            name=self.name,
            image=image,
            labels=labels,
            profile=self._profile,
            targets=self._targets,
            deadline_s=self._deadline_s,
        )
        self._kube.create(config_map(plan, programs), namespace=self._namespace)
        self._kube.create(master_pod(plan), namespace=self._namespace)
        where = f"{self.name}-{MASTER} has an address and runs"
        address = eventually(self._master_address, what=where, within=SCHEDULED_WITHIN_S).value
        for number in range(self._profile.workers):
            pod = worker_pod(plan, number, master_ip=address)
            self._kube.create(pod, namespace=self._namespace)

    def neighbours(self) -> list[dict[str, Any]]:
        """The namespace's other pods: what the load goes to, not what makes it."""
        return self._kube.items(f"{self._core}/pods", labelSelector=f"{LABEL}!={self.name}")

    def wait_started(self) -> Started:
        """Until the master says that every worker is ready."""
        what = f"{self.name}: all workers are ready"
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
            phase = self._phase(f"{self.name}-{MASTER}")
            if phase == "Failed":
                self._fail("the load generator's master failed")
            for number in range(self._profile.workers):
                if now < self._duration_s and self._phase(worker_name(self.name, number)) == "Failed":
                    self._fail(f"worker {number} failed while load was on", of_worker=True)
            return Look(met=phase == "Succeeded", value=None, seen=f"master is {phase}, {line}")

        within = self._duration_s + self._profile.request_timeout_s + GATHERED_WITHIN_S
        eventually(look, what=f"{self.name}: the experiment ends", within=within, every=WATCH_S)

    def master_log(self) -> str:
        return self._kube.log(self._namespace, f"{self.name}-{MASTER}", MASTER)

    def remove(self) -> None:
        """Delete everything of this experiment and wait until its pods are gone."""
        for kind in ("pods", "configmaps"):
            for item in self._kube.items(f"{self._core}/{kind}", labelSelector=f"{LABEL}={self.name}"):
                self._kube.delete(f"{self._core}/{kind}/{item['metadata']['name']}")
        eventually(self._gone, what=f"{self.name}: its pods are gone", within=REMOVED_WITHIN_S)

    def _gone(self) -> Look[None]:
        left = self._kube.items(f"{self._core}/pods", labelSelector=f"{LABEL}={self.name}")
        names = [pod["metadata"]["name"] for pod in left]
        return Look(met=not names, value=None, seen=f"still there: {names}")

    def _master_address(self) -> Look[str]:
        status = self._kube.get(f"{self._core}/pods/{self.name}-{MASTER}").get("status") or {}
        address = str(status.get("podIP") or "")
        return Look(
            met=bool(address) and status.get("phase") == "Running", value=address, seen=_why_waiting(status)
        )

    def _start(self) -> Look[Started | None]:
        try:
            started = read_start(self.master_log())
        except KubeError as error:  # the container is still being made
            return Look(met=False, value=None, seen=str(error))
        if started is None and self._phase(f"{self.name}-{MASTER}") in {"Failed", "Succeeded"}:
            self._fail("the load generator's master ended before it began")
        return Look(met=started is not None, value=started, seen=self._states())

    def _phase(self, pod: str) -> str:
        try:
            found = self._kube.find(f"{self._core}/pods/{pod}")
        except KubeError as error:  # one missed look is no reason to throw an experiment away
            return f"unknown: {error.problem}"
        return str(((found or {}).get("status") or {}).get("phase", "Failed"))

    def _states(self) -> str:
        pods = self._kube.items(f"{self._core}/pods", labelSelector=f"{LABEL}={self.name}")
        return "; ".join(
            f"{pod['metadata']['name']}: {_why_waiting(pod.get('status') or {})}" for pod in pods
        )

    def _fail(self, problem: str, *, of_worker: bool = False) -> None:
        """Raise with the end of every pod's log, or with the master's own failure line."""
        logs = []
        names = [(f"{self.name}-{MASTER}", MASTER)]
        names += [(worker_name(self.name, n), "worker") for n in range(self._profile.workers)]
        for pod, container in names:
            try:
                text = self._kube.log(self._namespace, pod, container, lines=EVIDENCE_LINES)
            except KubeError as error:
                text = str(error)
            if container == MASTER and not of_worker:
                read_start(text + "\n")  # raises with the master's own words, where it gave a reason
            logs.append(f"{pod}:\n" + "\n".join(line[:300] for line in text.splitlines()))
        raise HarnessError(
            where=f"{self._namespace}/{self.name}",
            problem=problem,
            remedy="the logs' ends are below; measure again",
            evidence="\n".join(logs),
        )


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


def _why_waiting(status: Mapping[str, Any]) -> str:
    """A pod's phase, and the reason of the first container that waits."""
    for container in status.get("containerStatuses") or []:
        if waiting := (container.get("state") or {}).get("waiting"):
            return f"{status.get('phase')}, {waiting.get('reason')} {waiting.get('message', '')}".rstrip()
    return str(status.get("phase", "no status"))
