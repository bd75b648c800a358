"""The locustfile under Locust itself, on loopback: a master, two workers, three arms, about six seconds."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hdrh.histogram import HdrHistogram

from loadtests.schedule import intended_starts
from meshproof.measure.recording import parse_log
from meshproof.model.errors import HarnessError
from meshproof.model.load import Arrivals, Profile, Recording
from meshproof.paths import PROJECT_ROOT
from tests.ports import free_port

WITHIN_S = 50.0  # six seconds as a rule; a machine that compiles beside it is slow to start three Pythons

SHORT = Profile(
    name="short",
    description="for a test",
    rounds=2,
    phase_s=0.25,
    settle_s=0.05,
    warmup_s=0.5,
    users=4,
    arrival_rate_per_s=80,
    workers=2,
    payload_bytes=64,
    keep_alive=True,
    request_timeout_s=10.0,
    seed=3,
)


class Server(BaseHTTPRequestHandler):
    """Answers 200, and 503 to what is sent to the name ``localhost``."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str, int]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.command, self.headers["Host"], len(body)))
        self.send_response(503 if "localhost" in self.headers["Host"] else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    """A server on loopback."""
    Server.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def start(arguments: list[str], config: Mapping[str, Any], out: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "MESHPROOF_LOAD": json.dumps(config),
        "MESHPROOF_READY_WITHIN_S": "20",
        "MESHPROOF_BEGIN_FILE": str(out.with_suffix(".begin")),
    }
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--loglevel=WARNING"]
    with out.open("wb") as sink:
        return subprocess.Popen([*command, *arguments], cwd=PROJECT_ROOT, env=environment, stdout=sink)


@contextmanager
def running(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait(WITHIN_S)


def test_swarm_of_two_workers_measures_every_arm_in_every_round(port: int, tmp_path: Path) -> None:
    """One arm answers 503: an error is counted, never dropped, and gives no latency."""
    arms = {
        "direct": f"http://127.0.0.1:{port}",
        "control": f"http://127.0.0.1:{port}",
        "mesh": f"http://localhost:{port}",
    }
    config = {"arms": arms, "profile": msgspec.to_builtins(SHORT)}
    meeting = free_port()
    worker = ["--worker", "--master-host=127.0.0.1", f"--master-port={meeting}"]
    master = ["--master", "--headless", "--only-summary", "--master-bind-host=127.0.0.1"]
    master += [f"--master-bind-port={meeting}", "--expect-workers=2", "--expect-workers-max-wait=20"]
    master += ["--users=4", "--spawn-rate=4", "--exit-code-on-error=0"]
    processes = [start(worker, config, tmp_path / f"worker{n}") for n in range(2)]
    processes.append(start(master, config, tmp_path / "master"))

    with running(*processes):
        code = processes[-1].wait(WITHIN_S)

    assert code == 0
    found = parse_log((tmp_path / "master").read_text(), SHORT)
    assert found.worker_cpus == [sorted(os.sched_getaffinity(0))] * 2
    begun = json.loads((tmp_path / "master.begin").read_text())  # what a sampler beside it goes by
    assert [tuple(phase) for phase in begun["phases"]] == [
        (phase.arm, phase.round, phase.starts_s, phase.ends_s) for phase in found.phases
    ]
    assert 0 < time.monotonic() - begun["t0_monotonic"] < WITHIN_S
    assert {(cell.arm, cell.round) for cell in found.cells} == {(arm, n) for arm in arms for n in (0, 1)}
    for arm in arms:
        cells = [cell for cell in found.cells if cell.arm == arm]
        answers = sum(HdrHistogram.decode(cell.service).get_total_count() for cell in cells)
        requests = sum(cell.requests for cell in cells)
        assert requests + sum(cell.unsent for cell in cells) == 40  # every slot: 80/s for twice 0.25 s
        assert sum(cell.connections for cell in cells) <= 4  # kept: never more than one a user
        assert all(cell.cpu_share > 0 for cell in cells)
        assert (answers == 0) == (arm == "mesh")
        assert sum(sum(cell.errors.values()) for cell in cells) == (requests if arm == "mesh" else 0)
        assert {kind for cell in cells for kind in cell.errors} == ({"HTTP 503"} if arm == "mesh" else set())
    assert all(requests > 0 for requests, _ in found.warmup.values())
    assert {len(spans) for spans in found.lookups_ms.values()} == {10}
    assert {(method, size) for method, _, size in Server.seen} == {("POST", 64)}
    assert {name for _, name, _ in Server.seen} == {f"127.0.0.1:{port}", f"localhost:{port}"}


def test_name_that_does_not_resolve_ends_the_experiment_with_the_reason(tmp_path: Path) -> None:
    """Without a master of its own, Locust runs both parts in one process."""
    profile = msgspec.structs.replace(SHORT, workers=1)
    config = {"arms": {"direct": "http://nowhere.invalid"}, "profile": msgspec.to_builtins(profile)}
    alone = ["--headless", "--only-summary", "--users=4", "--spawn-rate=4"]
    process = start(alone, config, tmp_path / "log")

    with running(process):
        code = process.wait(WITHIN_S)

    assert code == 3
    with pytest.raises(HarnessError, match=r"nowhere\.invalid of the direct arm does not resolve"):
        parse_log((tmp_path / "log").read_text(), profile)


def alone(port: int, tmp_path: Path, profile: Profile) -> Recording:
    """An experiment of one arm, with Locust as a single process."""
    config = {"arms": {"mesh": f"http://127.0.0.1:{port}"}, "profile": msgspec.to_builtins(profile)}
    arguments = ["--headless", "--only-summary", "--users=4", "--spawn-rate=4", "--exit-code-on-error=0"]
    process = start(arguments, config, tmp_path / "log")
    with running(process):
        assert process.wait(WITHIN_S) == 0
    return parse_log((tmp_path / "log").read_text(), profile)


def test_poisson_arrivals_have_every_intended_start_of_the_schedule(port: int, tmp_path: Path) -> None:
    profile = msgspec.structs.replace(SHORT, workers=1, arrivals=Arrivals.POISSON)

    found = alone(port, tmp_path, profile)

    for cell in found.cells:
        times = {"starts_s": 0.0, "ends_s": SHORT.phase_s, "interval_s": 4 / 80}
        wanted = [
            start
            for user in range(4)
            for start in intended_starts(
                "poisson", seed=SHORT.seed, user=user, round_number=cell.round, **times
            )
        ]
        assert cell.requests + cell.unsent == len(wanted)


def test_ramp_sends_at_each_of_its_rates_and_hears_its_own_clock(port: int, tmp_path: Path) -> None:
    profile = msgspec.structs.replace(SHORT, workers=1, arrival_rate_per_s=0.0, rates_per_s=[80.0, 240.0])

    found = alone(port, tmp_path, profile)

    assert [(cell.round, cell.requests + cell.unsent) for cell in found.cells if cell.arm == "mesh"] == [
        (0, 20),
        (1, 60),
        (2, 20),
        (3, 60),
    ]
    for cell in found.cells:  # every 50 ms, but for the settle time
        assert 2 <= HdrHistogram.decode(cell.late).get_total_count() <= 4


def test_closed_model_sends_when_it_was_answered_over_new_connections(port: int, tmp_path: Path) -> None:
    """Nothing has an intended start of its own: response time is service time. No connection is kept."""
    profile = msgspec.structs.replace(
        SHORT, workers=1, arrivals=Arrivals.CLOSED, arrival_rate_per_s=0.0, keep_alive=False
    )

    found = alone(port, tmp_path, profile)

    assert found.warmup["mesh"][0] > 0
    for cell in found.cells:
        assert cell.response == cell.service
        assert HdrHistogram.decode(cell.lag).get_max_value() == 1
        assert cell.requests > 20  # 80 a second would be that many; a closed loop has no such rate
        assert cell.connections == pytest.approx(cell.requests, abs=4)  # at either end one a user
        assert cell.unsent == 0
        assert cell.errors == {}
