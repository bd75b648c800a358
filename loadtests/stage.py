"""What the users of one worker share: the schedule, the common start, the addresses, the cells they fill."""

import gc
import math
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import gevent
from gevent.event import Event

from loadtests.addresses import resolved
from loadtests.cells import Cell
from loadtests.schedule import Schedule, build_schedule

__all__ = ["Stage"]

DRAIN_SLACK_S: Final = 1.0  # after the last request's timeout: what is still open then is "unfinished"
DRAIN_POLL_S: Final = 0.1
TICK_S: Final = 0.05  # of the worker's own clock: 20 a second cost nothing beside what is sent


class Stage:
    """What the users of this worker share: the schedule, the common start, and the cells they fill."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.arms: dict[str, str] = config["arms"]
        self.profile: dict[str, Any] = config["profile"]
        self.schedule: Schedule = build_schedule(
            list(self.arms),
            rounds=self.profile["rounds"],
            phase_s=self.profile["phase_s"],
            settle_s=self.profile["settle_s"],
            warmup_s=self.profile["warmup_s"],
            seed=self.profile["seed"],
            rates_per_s=self.profile.get("rates_per_s") or [self.profile.get("arrival_rate_per_s", 0.0)],
        )
        self.cells = {(p.arm, p.round): Cell(arm=p.arm, round=p.round) for p in self.schedule.phases}
        self.warmup: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])  # arm -> requests, errors
        self.lookups_ms: dict[str, list[float]] = {}
        self.addresses: dict[str, tuple[str, str]] = {}  # arm -> (URL of the address, Host header)
        self.resolved = Event()
        self.begun = Event()
        self.users = 0  # of this worker: spawned
        self.finished = 0  # and through with the schedule
        self.t0 = 0.0
        self.connections_now: defaultdict[str, int] = defaultdict(int)

    @property
    def users_here(self) -> int:
        return int(self.profile["users"]) // int(self.profile["workers"])

    def resolve(self) -> None:
        """Resolve every arm's name, timed, before the clock starts; requests then go to the address."""
        for arm, url in self.arms.items():
            found = resolved(arm, url)
            self.lookups_ms[arm] = found.lookups_ms
            self.addresses[arm] = (found.url, found.authority)
        self.resolved.set()

    def begin(self, in_s: float) -> None:
        """Set t0 ``in_s`` from now: relative, so that the clocks of two nodes need not agree."""
        gc.collect()
        gc.freeze()  # what exists now lives to the end: a full collection would only add to the tail
        self.t0 = time.perf_counter() + in_s
        self._books = [gevent.spawn(self._keep_the_books), gevent.spawn(self._watch_the_clock)]
        self.begun.set()

    def now(self) -> float:
        """Seconds since t0, this process's monotonic clock."""
        return time.perf_counter() - self.t0

    def until(self, t_s: float) -> None:
        """Sleep until ``t_s`` after t0; returns late by gevent's lag, at once when that has passed."""
        if (ahead := t_s - self.now()) > 0:
            gevent.sleep(ahead)

    def _keep_the_books(self) -> None:
        """CPU seconds of this process in each phase: the generator's own load."""
        for phase in self.schedule.phases:
            self.until(phase.starts_s)
            cell, cpu, wall = self.cells[phase.arm, phase.round], time.process_time(), time.perf_counter()
            made = self.connections_now[phase.arm]
            self.until(phase.ends_s)
            cell.cpu_s = time.process_time() - cpu
            cell.wall_s = time.perf_counter() - wall
            cell.connections = self.connections_now[phase.arm] - made

    def _watch_the_clock(self) -> None:
        """How late this process wakes by itself: a user is late because of an answer, too, this is not."""
        while (due := (math.floor(self.now() / TICK_S) + 1) * TICK_S) < self.schedule.duration_s:
            self.until(due)
            phase = self.schedule.at(due)
            if phase and not self.schedule.settling(phase, due):
                self.cells[phase.arm, phase.round].late_ms.append((self.now() - due) * 1000)

    def wait_for_the_end(self) -> None:
        """Until the last request is answered or should have timed out."""
        gevent.joinall(self._books)
        latest = self.schedule.duration_s + float(self.profile["request_timeout_s"]) + DRAIN_SLACK_S
        while self.finished < self.users and self.now() < latest:
            gevent.sleep(DRAIN_POLL_S)

    def records(self) -> list[dict[str, Any]]:
        """What leaves this worker: one record about it, then one per cell."""
        records: list[dict[str, Any]] = [
            {
                "kind": "worker",
                "lookups_ms": self.lookups_ms,
                "warmup": self.warmup,
                "cpus": sorted(os.sched_getaffinity(0)),
            }
        ]
        for cell in self.cells.values():
            records.append(cell.as_record())
            gevent.sleep(0)  # Locust's master gives up a worker that is silent for seconds
        return records
