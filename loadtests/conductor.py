"""How the processes of one experiment agree on its start and end: Locust's custom messages.

worker -> master ``mp_ready`` (all users spawned, names resolved); master -> workers ``mp_begin``; worker ->
master ``mp_records``; the master prints them and quits, which ends the workers. Every wait has an end: an
experiment that cannot go on prints a ``failure`` line instead of its ``end`` line.

Where a sampler (sampler.py) stands beside the master, it reads from a file of theirs when the load begins.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.cells import line
from loadtests.schedule import Schedule

__all__ = ["conduct"]

LEAD_S: Final = 0.5  # between the message and t0: every worker has it by then
READY_WITHIN_S: Final = float(
    os.environ.get("MESHPROOF_READY_WITHIN_S", "120")
)  # pods may still be starting when the master is up
GATHER_WITHIN_S: Final = 30.0  # a worker encodes its histograms in well under a second
USERS_POLL_S: Final = 0.1
BEGIN_FILE: Final = os.environ.get("MESHPROOF_BEGIN_FILE", "")  # what a sampler waits for

FAILED: Final = 3  # exit code of a master whose experiment could not go on


class _Stage(Protocol):
    """What the conductor needs of the locustfile's stage."""

    schedule: Schedule
    profile: dict[str, Any]
    arms: dict[str, str]
    users: int

    @property
    def users_here(self) -> int: ...
    def resolve(self) -> None: ...
    def begin(self, in_s: float) -> None: ...
    def wait_for_the_end(self) -> None: ...
    def records(self) -> list[dict[str, Any]]: ...


def conduct(environment: Environment, stage: _Stage) -> None:
    """Take this process's part: master, worker, or both when Locust runs undistributed."""
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        Master(environment, stage)
    elif isinstance(runner, WorkerRunner):
        worker = Worker(stage, send=runner.send_message)
        runner.register_message("mp_begin", lambda msg, **_: worker.begin(msg.data["in_s"]))
        gevent.spawn(worker.prepare)
    else:
        master = Master(environment, stage)
        worker = Worker(stage, send=master.hear)
        master.tell = lambda _, data: worker.begin(data["in_s"])
        gevent.spawn(worker.prepare)


class Worker:
    """Prepares its users, begins when told, hands its records over."""

    def __init__(self, stage: _Stage, *, send: Any) -> None:
        self._stage = stage
        self._send = send

    def prepare(self) -> None:
        """Resolve the names, wait for this worker's users, say so."""
        try:
            self._stage.resolve()
        except OSError as error:
            self._send("mp_failed", {"problem": str(error)})
            return
        while self._stage.users < self._stage.users_here:
            gevent.sleep(USERS_POLL_S)
        self._send("mp_ready", {})

    def begin(self, in_s: float) -> None:
        self._stage.begin(in_s)
        gevent.spawn(self._deliver)

    def _deliver(self) -> None:
        self._stage.wait_for_the_end()
        self._send("mp_records", {"records": self._stage.records()})


class Master:
    """Starts all workers at once when the last is ready; prints what they hand over; quits."""

    def __init__(self, environment: Environment, stage: _Stage) -> None:
        self._environment = environment
        self._stage = stage
        self._workers = int(stage.profile["workers"])
        self._ready = 0
        self._all_ready = Event()
        self._records: list[list[dict[str, Any]]] = []
        self._all_in = Event()
        self._problem = ""
        self._lines = 0
        runner = environment.runner
        self.tell: Any = getattr(runner, "send_message", None)
        if isinstance(runner, MasterRunner):
            for kind in ("mp_ready", "mp_records", "mp_failed"):
                runner.register_message(kind, lambda msg, kind=kind, **_: self.hear(kind, msg.data))
        environment.events.quitting.add_listener(self._on_quitting)  # type: ignore[no-untyped-call]
        self._done = False
        gevent.spawn(self._run)

    def hear(self, kind: str, data: Mapping[str, Any]) -> None:
        """Take a worker's message."""
        if kind == "mp_ready":
            self._ready += 1
            if self._ready == self._workers:
                self._all_ready.set()
        elif kind == "mp_records":
            self._records.append(data["records"])
            if len(self._records) == self._workers:
                self._all_in.set()
        else:
            self._problem = str(data["problem"])
            self._all_ready.set()
            self._all_in.set()

    def _run(self) -> None:
        if not self._all_ready.wait(READY_WITHIN_S):
            self._problem = f"{self._ready} of {self._workers} workers were ready after {READY_WITHIN_S:g} s"
        if not self._problem:
            self._play()
        self._finish()

    def _play(self) -> None:
        schedule = self._stage.schedule
        phases = [[p.arm, p.round, p.starts_s, p.ends_s] for p in schedule.phases]
        self._print(
            {
                "kind": "start",
                "t0_unix": time.time() + LEAD_S,
                "arms": self._stage.arms,
                "workers": self._workers,
                "warmup_s": schedule.warmup_s,
                "settle_s": schedule.settle_s,
                "phases": phases,
            }
        )
        if BEGIN_FILE:
            _announce(Path(BEGIN_FILE), {"t0_monotonic": time.monotonic() + LEAD_S, "phases": phases})
        self.tell("mp_begin", {"in_s": LEAD_S})
        within = schedule.duration_s + self._stage.profile["request_timeout_s"] + GATHER_WITHIN_S
        if not self._all_in.wait(within) and not self._problem:
            self._problem = f"{len(self._records)} of {self._workers} workers handed over within {within:g} s"

    def _finish(self) -> None:
        """Print the records, or why there are none, and end the swarm."""
        self._done = True
        if self._problem:
            self._fail(self._problem)
        else:
            for number, records in enumerate(self._records):
                for record in records:
                    self._print({**record, "worker": number})
            _say({"kind": "end", "lines": self._lines})
        if self._environment.runner:
            self._environment.runner.quit()

    def _on_quitting(self, **_: Any) -> None:
        if not self._done:
            self._done = True
            self._fail("Locust quit before the experiment's end (its own log says why)")

    def _fail(self, problem: str) -> None:
        self._environment.process_exit_code = FAILED
        _say({"kind": "failure", "problem": problem})

    def _print(self, record: Mapping[str, Any]) -> None:
        self._lines += 1
        _say(record)


def _announce(path: Path, begin: Mapping[str, Any]) -> None:
    """Whole or not at all: the sampler looks for the file all the time."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(begin), encoding="utf-8")
    unfinished.rename(path)


def _say(record: Mapping[str, Any]) -> None:
    print(line(record), flush=True)  # noqa: T201 - standard output is the way out of the pod
