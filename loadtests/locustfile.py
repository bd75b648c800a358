"""The load: every arm of an experiment in one swarm, as phases of one schedule inside the workers.

By itself, against any host: ``locust -f loadtests/locustfile.py --host http://...`` (Locust's own web page).
As an experiment: ``MESHPROOF_LOAD`` holds JSON with ``arms`` (name -> base URL) and ``profile``; a master and
its workers then run the schedule once, print their histograms as lines (see cells.py), and quit by
themselves.

Service time is the ``response_time`` of Locust's request event, from the actual send. Response time counts
from the intended start, so it holds the waiting too. gevent wakes late (0.7 to 0.9 ms at the median on two
cores): that lag is recorded with every request instead of being read as the server's.
"""

import gc
import json
import os
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from locust import FastHttpUser, constant_throughput, events, task
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

sys.path.append(str(Path(__file__).resolve().parent.parent))  # Locust may be started from anywhere

from loadtests.cells import Cell
from loadtests.conductor import conduct
from loadtests.schedule import Phase, Schedule, build_schedule, slot_offset, slots

CONFIG: Final = json.loads(os.environ.get("MESHPROOF_LOAD", "null"))

LOOKUPS: Final = 5  # times that each name is resolved before the clock starts; the first may be a cold one
DRAIN_SLACK_S: Final = 1.0  # after the last request's timeout: what is still open then is "unfinished"
DRAIN_POLL_S: Final = 0.1


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
            parts = urlsplit(url)
            name, port = parts.hostname or "", parts.port or 80
            spans = []
            for _ in range(LOOKUPS):
                began = time.perf_counter()
                try:
                    found = socket.getaddrinfo(_absolute(name), port, type=socket.SOCK_STREAM)
                except OSError as error:
                    raise OSError(f"{name} of the {arm} arm does not resolve: {error}") from error
                spans.append((time.perf_counter() - began) * 1000)
            address = _reachable([str(info[4][0]) for info in found], port)
            literal = f"[{address}]" if ":" in address else address
            self.lookups_ms[arm] = spans
            self.addresses[arm] = (f"http://{literal}:{port}{parts.path.rstrip('/')}", parts.netloc)
        self.resolved.set()

    def begin(self, in_s: float) -> None:
        """Set t0 ``in_s`` from now: relative, so that the clocks of two nodes need not agree."""
        gc.collect()
        gc.freeze()  # what exists now lives to the end: a full collection would only add to the tail
        self.t0 = time.perf_counter() + in_s
        self._books = gevent.spawn(self._keep_the_books)
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

    def wait_for_the_end(self) -> None:
        """Until the last request is answered or should have timed out."""
        self._books.join()
        latest = self.schedule.duration_s + float(self.profile["request_timeout_s"]) + DRAIN_SLACK_S
        while self.finished < self.users and self.now() < latest:
            gevent.sleep(DRAIN_POLL_S)

    def records(self) -> list[dict[str, Any]]:
        """What leaves this worker: one record about it, then one per cell."""
        about = {"kind": "worker", "lookups_ms": self.lookups_ms, "warmup": self.warmup}
        return [about, *(cell.as_record() for cell in self.cells.values())]


def _absolute(name: str) -> str:
    """A name with its root dot, which spares the search domains; addresses and bare names as they are."""
    if ":" in name or "." not in name or name.replace(".", "").isdigit():
        return name
    return name.rstrip(".") + "."


def _reachable(addresses: list[str], port: int) -> str:
    """The first address that takes a connection (an IPv6 one may have no server), else the first."""
    for address in addresses:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            continue
        return address
    return addresses[0]


if CONFIG is None:

    class Visitor(FastHttpUser):
        """A user for Locust's own page: ten GETs a second to ``--host``."""

        wait_time = constant_throughput(10)

        @task
        def get(self) -> None:
            self.client.get("/")

else:
    STAGE: Final = Stage(CONFIG)

    class ArmsUser(FastHttpUser):
        """One connection to each arm; sends in its own slots, whichever arm is on.

        Each arm has a session (pool) and a greenlet of its own: a stalled request in one arm delays neither
        the sending nor the connections of another.
        """

        host = "http://unused.invalid"  # every arm has its own base URL

        def on_start(self) -> None:
            self.number = STAGE.users
            STAGE.users += 1
            STAGE.resolved.wait()
            self.sessions = {arm: _session(self, arm) for arm in STAGE.arms}

        @task
        def play(self) -> None:
            STAGE.begun.wait()
            worker = getattr(self.environment.runner, "worker_index", 0)
            user = self.number + worker * STAGE.users_here
            gevent.joinall([gevent.spawn(self._drive, arm, user) for arm in STAGE.arms])
            STAGE.finished += 1
            Event().wait()  # the swarm is ended by the master, all users at once

        def _drive(self, arm: str, user: int) -> None:
            """Warm the arm up, then send in its phases."""
            profile, schedule = STAGE.profile, STAGE.schedule
            interval = profile["users"] / profile["arrival_rate_per_s"]
            everyone = len(STAGE.arms)  # the warm-up shares the rate among the arms
            offset = slot_offset(seed=profile["seed"], user=user, round_number=-1)
            for slot in slots(
                starts_s=0, ends_s=schedule.warmup_s, interval_s=interval * everyone, offset=offset
            ):
                STAGE.until(slot)
                if STAGE.now() < schedule.warmup_s:
                    self._send(arm, {"warmup": arm})
            for phase in schedule.of_arm(arm):
                self._play_phase(phase, interval, user)

        def _play_phase(self, phase: Phase, interval_s: float, user: int) -> None:
            cell = STAGE.cells[phase.arm, phase.round]
            offset = slot_offset(seed=STAGE.profile["seed"], user=user, round_number=phase.round)
            for intended in slots(
                starts_s=phase.starts_s, ends_s=phase.ends_s, interval_s=interval_s, offset=offset
            ):
                STAGE.until(intended)
                now = STAGE.now()
                if now >= phase.ends_s:
                    cell.unsent += 1  # the next arm's phase has begun: never load two arms at once
                    continue
                settling = STAGE.schedule.settling(phase, intended)
                lag_ms = (now - intended) * 1000
                cell.sent(lag_ms=lag_ms, settling=settling)
                self._send(phase.arm, {"cell": cell, "lag_ms": lag_ms, "settling": settling})

        def _send(self, arm: str, context: dict[str, Any]) -> None:
            url, authority = STAGE.addresses[arm]
            headers = {"Host": authority, "Accept-Encoding": "identity"}
            if not STAGE.profile["keep_alive"]:
                headers["Connection"] = "close"
            size = STAGE.profile["payload_bytes"]
            self.sessions[arm].request(
                "POST" if size else "GET",
                url + "/",
                name=arm,
                data=b"x" * size or None,
                headers=headers,
                allow_redirects=False,
                context=context,
            )

    def _session(user: FastHttpUser, arm: str) -> FastHttpSession:
        """One kept connection to one arm, made alike for every arm: no retries, no Nagle, counted."""
        seconds = STAGE.profile["request_timeout_s"]
        session = FastHttpSession(
            base_url=None,
            request_event=user.environment.events.request,
            user=user,
            concurrency=1,
            max_retries=0,
            connection_timeout=seconds,
            network_timeout=seconds,
        )

        def made(sock: socket.socket) -> None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            STAGE.connections_now[arm] += 1

        client = session.client.clientpool.get_client(STAGE.addresses[arm][0] + "/")
        pool = client._connection_pool  # noqa: SLF001 - it has a hook for this, and no other way to it
        pool.after_connect = made  # type: ignore[method-assign]
        return session

    @events.request.add_listener  # type: ignore[untyped-decorator] # Locust does not annotate it
    def on_request(
        response_time: float,
        exception: Exception | None,
        context: Mapping[str, Any],
        response: Any,
        **_: Any,
    ) -> None:
        """The one place where a latency is taken: Locust's float milliseconds, before any rounding."""
        failure = _failure(exception, response)
        if "warmup" in context:
            counts = STAGE.warmup[context["warmup"]]
            counts[0] += 1
            counts[1] += failure is not None
        elif failure is not None:
            context["cell"].errors[failure] += 1
        else:
            context["cell"].answered(
                service_ms=response_time, lag_ms=context["lag_ms"], settling=context["settling"]
            )

    def _failure(exception: Exception | None, response: Any) -> str | None:
        """The kind of an error, or None: any status but 2xx is one, as nothing is redirected."""
        status = response.status_code
        if status and not 200 <= status < 300:
            return f"HTTP {status}"
        cause = (
            getattr(exception, "original", None) or exception
        )  # of the client's "retries exceeded" after none
        return type(cause).__name__ if cause else None

    @events.init.add_listener  # type: ignore[untyped-decorator] # as above
    def on_init(environment: Environment, **_: Any) -> None:
        conduct(environment, STAGE)
