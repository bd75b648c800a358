"""Samples every arm with fortio, in a pod of its own or beside Locust's master, and prints its cells.

``MESHPROOF_SAMPLE`` holds JSON with ``arms`` (name -> base URL), ``profile`` (of the sampling: a low
rate) and ``begin_file``. Without one it samples alone, by a schedule of its own. With one it waits until
Locust's master wrote into that file when the load begins (by the machine's monotonic clock, which a pod's
containers share) and which arm is on when: it samples each arm while it is loaded. Its lines are those of
a master's log.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from loadtests.addresses import Address, resolved
from loadtests.cells import HIGHEST_US, Cell, line
from loadtests.fortio import Window, Yield, arguments, read_yield
from loadtests.schedule import Phase, build_schedule

__all__ = ["main"]

LEAD_S: Final = 0.2  # between the start line and t0 of a schedule of its own
BEGUN_WITHIN_S: Final = 180.0  # Locust's master gives up its workers after 120 s
BEGUN_POLL_S: Final = 0.02
MARGIN_S: Final = 0.15  # of a phase: fortio's own start, and the last answer before the next arm is on
FEW: Final = 3  # requests of a run: the first makes the connection
SLACK_S: Final = 10.0  # of a run of fortio, over what its requests may take
FAILED: Final = 3  # exit code, as the conductor's


@dataclass(kw_only=True)
class Sampler:
    """One sampling: where the arms lead, when they are on, and what came of it."""

    profile: Mapping[str, Any]
    addresses: dict[str, Address]
    folder: Path
    t0: float = 0.0  # of time.monotonic
    runs: int = 0
    cells: list[Cell] = field(default_factory=list)
    warmup: dict[str, list[int]] = field(default_factory=dict)  # arm -> requests, errors

    def until(self, t_s: float) -> None:
        """Sleep until ``t_s`` after t0."""
        if (ahead := self.t0 + t_s - time.monotonic()) > 0:
            time.sleep(ahead)

    def warm(self, warmup_s: float) -> None:
        """Make every arm's first connections and routes, before anything is measured."""
        span = warmup_s / len(self.addresses)
        for place, arm in enumerate(self.addresses):
            found, _ = self._run(Phase(arm=arm, round=-1, starts_s=place * span, ends_s=(place + 1) * span))
            self.warmup[arm] = [found.requests, sum(found.errors.values())] if found else [0, 0]

    def sample(self, phase: Phase) -> None:
        """One arm in one round, unless its time is over before a run would begin."""
        cell = Cell(arm=phase.arm, round=phase.round)
        self.until(phase.starts_s)
        began, cpu_s = time.monotonic(), _children_cpu_s()
        found, wanted = self._run(phase)
        cell.unsent = wanted
        if found:
            cell.requests, cell.discarded = found.requests, found.discarded
            cell.errors.update(found.errors)
            cell.connections = found.sockets
            cell.unsent = max(0, wanted - found.requests)
            for latency in found.service_ms:
                if latency * 1000 > HIGHEST_US:
                    cell.beyond += 1
                else:
                    cell.service_ms.append(latency)
                    cell.waited_ms.append(0.0)
        cell.cpu_s = _children_cpu_s() - cpu_s
        cell.wall_s = max(time.monotonic() - began, 1e-6)
        self.cells.append(cell)

    def _run(self, phase: Phase) -> tuple[Yield | None, int]:
        """What fortio brought back, and how many requests the phase has room for."""
        rate = float(self.profile["arrival_rate_per_s"])
        self.until(phase.starts_s)
        left = self.t0 + phase.ends_s - time.monotonic() - MARGIN_S
        requests = int(left * rate)
        if requests < FEW:
            return None, int((phase.ends_s - phase.starts_s) * rate)
        now_ns = time.time_ns() - round((time.monotonic() - self.t0) * 1e9)  # t0 by the clock of fortio's log
        settled = phase.starts_s + (float(self.profile["settle_s"]) if phase.round >= 0 else 0.0)
        window = Window(begins_ns=now_ns + round(settled * 1e9), ends_ns=now_ns + round(phase.ends_s * 1e9))
        return self._fortio(self.addresses[phase.arm], requests, window, within_s=left), requests

    def _fortio(self, address: Address, requests: int, window: Window, *, within_s: float) -> Yield:
        self.runs += 1
        log = self.folder / f"fortio-{self.runs}.log"
        timeout_s = float(self.profile["request_timeout_s"])
        command = arguments(
            address.url + "/",
            authority=address.authority,
            requests=requests,
            rate_per_s=float(self.profile["arrival_rate_per_s"]),
            payload_bytes=int(self.profile["payload_bytes"]),
            keep_alive=bool(self.profile["keep_alive"]),
            timeout_s=timeout_s,
            log=str(log),
        )
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=within_s + 2 * timeout_s + SLACK_S,
                check=True,
            )
            return read_yield(done.stdout, log.read_text(encoding="utf-8"), window)
        except subprocess.CalledProcessError as error:
            raise OSError(f"fortio ended with {error.returncode}: {error.stderr[-300:]}") from error
        except subprocess.TimeoutExpired as error:
            raise OSError(f"fortio did not end within {error.timeout:g} s") from error
        finally:
            log.unlink(missing_ok=True)


def main() -> int:
    """Sample as ``MESHPROOF_SAMPLE`` says; 0 when every line was printed."""
    config = json.loads(os.environ["MESHPROOF_SAMPLE"])
    try:
        _say_all(*_sampled(config))
    except (OSError, ValueError) as error:
        _say({"kind": "failure", "problem": f"sampler: {error}"})
        return FAILED
    return 0


def _sampled(config: Mapping[str, Any]) -> tuple[dict[str, Any], Sampler]:
    profile, begin_file = config["profile"], config.get("begin_file")
    addresses = {arm: resolved(arm, url) for arm, url in config["arms"].items()}
    sampler = Sampler(profile=profile, addresses=addresses, folder=Path(config.get("folder", "/tmp")))  # noqa: S108 - a volume of the pod's own
    if begin_file:
        begun = _begun(Path(begin_file))
        sampler.t0 = float(begun["t0_monotonic"])
        phases = [Phase(arm=a, round=r, starts_s=s, ends_s=e) for a, r, s, e in begun["phases"]]
    else:
        sampler.t0 = time.monotonic() + LEAD_S
        phases = list(_own_phases(list(addresses), profile))
    start = {
        "kind": "start",
        "t0_unix": time.time() + sampler.t0 - time.monotonic(),
        "arms": config["arms"],
        "workers": 1,
        "warmup_s": phases[0].starts_s,
        "settle_s": profile["settle_s"],
        "phases": [[p.arm, p.round, p.starts_s, p.ends_s] for p in phases],
    }
    if not begin_file:
        sampler.warm(float(profile["warmup_s"]))
    for phase in phases:
        sampler.sample(phase)
    return start, sampler


def _own_phases(arms: list[str], profile: Mapping[str, Any]) -> tuple[Phase, ...]:
    times = {name: profile[name] for name in ("rounds", "phase_s", "settle_s", "warmup_s", "seed")}
    return build_schedule(arms, **times).phases


def _begun(path: Path) -> dict[str, Any]:
    """What Locust's master wrote when the load was about to begin."""
    latest = time.monotonic() + BEGUN_WITHIN_S
    while not path.exists():
        if time.monotonic() > latest:
            raise OSError(f"Locust's master wrote no {path} within {BEGUN_WITHIN_S:g} s")
        time.sleep(BEGUN_POLL_S)
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not an object")  # noqa: TRY004 - what was read is wrong
    return found


def _say_all(start: Mapping[str, Any], sampler: Sampler) -> None:
    about = {
        "kind": "worker",
        "worker": 0,
        "lookups_ms": {arm: address.lookups_ms for arm, address in sampler.addresses.items()},
        "warmup": sampler.warmup,
        "cpus": sorted(os.sched_getaffinity(0)),
    }
    records = [start, about, *({**cell.as_record(), "worker": 0} for cell in sampler.cells)]
    for record in records:
        _say(record)
    _say({"kind": "end", "lines": len(records)})


def _say(record: Mapping[str, Any]) -> None:
    print(line(record), flush=True)  # noqa: T201 - standard output is the way out of the pod


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
