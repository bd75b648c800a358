"""One Locust process that sends on command: ``plain 300`` by Locust alone, ``recorded 300`` as the load does.

It reads commands from standard input, a line each, and answers each with the CPU seconds that it took. Both
ways keep Locust's own statistics and send over a kept connection; ``recorded`` is the very code of the
locustfile, with its intended starts, histograms and counts.
"""

import json
import os
import sys
import time
from typing import Any

from locust import FastHttpUser, events  # before anything that it patches
from locust.env import Environment
from locust.event import Events


class Plain(FastHttpUser):
    """A user of Locust's, with nothing of ours."""


def main(port: int) -> None:
    authority = f"127.0.0.1:{port}"
    url = f"http://{authority}"
    recorded = _recorded(url)
    Plain.host = url
    environment = Environment(user_classes=[Plain], events=Events())  # type: ignore[no-untyped-call]
    environment.create_local_runner()
    user = Plain(environment)

    def plain(count: int) -> None:
        for _ in range(count):
            headers = {"Host": authority, "Accept-Encoding": "identity"}
            user.client.request("GET", f"{url}/", name="direct", headers=headers, allow_redirects=False)

    ways = {"plain": plain, "recorded": recorded}
    for line in sys.stdin:
        way, count = line.split()
        began = time.process_time()
        ways[way](int(count))
        sys.stdout.write(f"{time.process_time() - began:.9f}\n")
        sys.stdout.flush()


def _recorded(url: str) -> Any:
    """The locustfile's user, as it sends within a phase."""
    profile = {"rounds": 1, "phase_s": 3600.0, "settle_s": 0.0, "warmup_s": 0.0, "seed": 1, "users": 1}
    profile |= {"workers": 1, "payload_bytes": 0, "keep_alive": True, "request_timeout_s": 5.0}
    config = {"arms": {"direct": url}, "profile": profile | {"arrivals": "closed"}}
    os.environ["MESHPROOF_LOAD"] = json.dumps(config)
    from loadtests import locustfile  # noqa: PLC0415 - it reads the environment when it is imported

    stage = locustfile.STAGE
    stage.resolve()
    environment = Environment(user_classes=[locustfile.ArmsUser], events=events)
    environment.create_local_runner()
    user = locustfile.ArmsUser(environment)
    user.on_start()
    stage.t0 = time.perf_counter()
    (phase,) = stage.schedule.phases
    cell = stage.cells["direct", 0]

    def send(count: int) -> None:
        for _ in range(count):
            intended = stage.now()
            lag_ms = (stage.now() - intended) * 1000
            settling = stage.schedule.settling(phase, intended)
            user._measure(cell, settling=settling, lag_ms=lag_ms)  # noqa: SLF001 - it is what is measured

    return send


if __name__ == "__main__":
    main(int(sys.argv[1]))
