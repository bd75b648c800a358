"""The load: every arm of an experiment in one swarm, as phases of one schedule inside the workers.

By itself, against any host: ``locust -f loadtests/locustfile.py --host http://...`` (Locust's own web page).
As an experiment: ``MESHPROOF_LOAD`` holds JSON with ``arms`` (name -> base URL) and ``profile``; a master and
its workers then run the schedule once, print their histograms as lines (see cells.py), and quit by
themselves.

Arrivals are an open model's (fixed or poisson: each request has an intended start), or a closed one's: each
user sends as soon as it was answered.

Service time is the ``response_time`` of Locust's request event, from the actual send. Response time counts
from the intended start, so it holds the waiting too. gevent wakes late (0.7 to 0.9 ms at the median on two
cores): that lag is recorded with every request instead of being read as the server's. In a closed model
nothing is late, so that response time is service time.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import gevent
from gevent.event import Event
from locust import FastHttpUser, constant_throughput, events, task
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

sys.path.append(str(Path(__file__).resolve().parent.parent))  # Locust may be started from anywhere

from loadtests.cells import Cell
from loadtests.conductor import conduct
from loadtests.schedule import Phase, intended_starts
from loadtests.stage import Stage

CONFIG: Final = json.loads(os.environ.get("MESHPROOF_LOAD", "null"))

CLOSED: Final = "closed"  # of a profile's arrivals; the other models are the schedule's


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
            if STAGE.profile["arrivals"] == CLOSED:
                self._drive_closed(arm)
                return
            users, phases = STAGE.profile["users"], STAGE.schedule.of_arm(arm)
            warmup_s, everyone = STAGE.schedule.warmup_s, len(STAGE.arms)  # the arms share the first rate
            for intended in _starts(user, -1, (0.0, warmup_s), users / phases[0].rate_per_s * everyone):
                STAGE.until(intended)
                if STAGE.now() < warmup_s:
                    self._send(arm, {"warmup": arm})
            for phase in phases:
                self._play_phase(phase, users / phase.rate_per_s, user)

        def _play_phase(self, phase: Phase, interval_s: float, user: int) -> None:
            cell = STAGE.cells[phase.arm, phase.round]
            for intended in _starts(user, phase.round, (phase.starts_s, phase.ends_s), interval_s):
                STAGE.until(intended)
                now = STAGE.now()
                if now >= phase.ends_s:
                    cell.unsent += 1  # the next arm's phase has begun: never load two arms at once
                    continue
                settling = STAGE.schedule.settling(phase, intended)
                self._measure(cell, settling=settling, lag_ms=(now - intended) * 1000)

        def _drive_closed(self, arm: str) -> None:
            """Send whenever the last request was answered: the intended start is the actual one."""
            STAGE.until(0.0)
            while STAGE.now() < STAGE.schedule.warmup_s:
                self._send(arm, {"warmup": arm})
            for phase in STAGE.schedule.of_arm(arm):
                cell = STAGE.cells[arm, phase.round]
                STAGE.until(phase.starts_s)
                while (now := STAGE.now()) < phase.ends_s:
                    self._measure(cell, settling=STAGE.schedule.settling(phase, now), lag_ms=0.0)

        def _measure(self, cell: Cell, *, settling: bool, lag_ms: float) -> None:
            cell.sent(lag_ms=lag_ms, settling=settling)
            self._send(cell.arm, {"cell": cell, "lag_ms": lag_ms, "settling": settling})

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

    def _starts(
        user: int, round_number: int, span_s: tuple[float, float], interval_s: float
    ) -> Iterator[float]:
        """When a user is to send in a phase; the warm-up is round -1."""
        return intended_starts(
            STAGE.profile["arrivals"],
            seed=STAGE.profile["seed"],
            user=user,
            round_number=round_number,
            starts_s=span_s[0],
            ends_s=span_s[1],
            interval_s=interval_s,
        )

    def _session(user: FastHttpUser, arm: str) -> FastHttpSession:
        """One connection to one arm at a time, made alike for every arm: no retries, no Nagle, counted."""
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
        if not STAGE.profile["keep_alive"]:  # a server need not say in its answer that it closes, too
            pool.return_socket = pool.release_socket  # type: ignore[method-assign]
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
        if exception is None and 200 <= status < 300:
            return None  # nearly always: this is on the way of every request
        if status and not 200 <= status < 300:
            return f"HTTP {status}"
        cause = (
            getattr(exception, "original", None) or exception
        )  # of the client's "retries exceeded" after none
        return type(cause).__name__ if cause else None

    @events.init.add_listener  # type: ignore[untyped-decorator] # as above
    def on_init(environment: Environment, **_: Any) -> None:
        conduct(environment, STAGE)
