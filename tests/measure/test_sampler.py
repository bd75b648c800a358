"""The sampler as a pod runs it, on loopback, with a stand-in for fortio that answers at once."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hdrh.histogram import HdrHistogram

from meshproof.measure.recording import parse_log
from meshproof.model.errors import HarnessError
from meshproof.model.load import Profile, Recording
from meshproof.paths import PROJECT_ROOT

WITHIN_S = 40.0  # two seconds as a rule

SHORT = Profile(
    name="short",
    description="for a test",
    rounds=2,
    phase_s=0.7,
    settle_s=0.1,
    warmup_s=1.0,
    users=1,
    arrival_rate_per_s=100,
    workers=1,
    payload_bytes=0,
    keep_alive=True,
    request_timeout_s=2.0,
    seed=3,
)

# Sends nothing: what it was asked for is logged as if it had been, all of it in the middle of the phase.
STAND_IN = """#!{python} -IS
import json, sys, time
ask = dict(zip(sys.argv[2:-1], sys.argv[3:]))
if "{trouble}":
    sys.exit("{trouble}")
number = int(ask["-n"])
time.sleep(0.15)
ok = "localhost" not in ask["-H"]
with open(ask["-access-log-file"], "w") as log:
    for k in range(number):
        line = dict(latency=0.001, timestamp=time.time_ns(), thread=0, iter=k, ok=ok,
                    details="200" if ok else "503")
        log.write(json.dumps(line) + "\\n")
print(json.dumps(dict(DurationHistogram=dict(Count=number, Min=0.001, Max=0.001),
                      RetCodes={{"200" if ok else "503": number}}, SocketCount=1)))
"""


@pytest.fixture
def port() -> Iterator[int]:
    """Something that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def arms(port: int) -> dict[str, str]:
    return {"direct": f"http://127.0.0.1:{port}", "mesh": f"http://127.0.0.1:{port}/mesh"}


def start(
    tmp_path: Path, config: Mapping[str, Any], *, trouble: str = "", fortio: bool = True
) -> subprocess.Popen[str]:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "fortio"
    if fortio:
        program.write_text(STAND_IN.format(python=sys.executable, trouble=trouble))
        program.chmod(0o755)
    settings = {
        "PATH": str(tmp_path / "bin"),
        "MESHPROOF_SAMPLE": json.dumps({**config, "folder": str(tmp_path)}),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "loadtests.sampler"],
        cwd=PROJECT_ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        said, _ = process.communicate(timeout=WITHIN_S)
    finally:
        process.kill()
        process.wait(WITHIN_S)
    return process.returncode, said


def sampled(process: subprocess.Popen[str], profile: Profile = SHORT) -> Recording:
    code, said = ended(process)
    assert code == 0, said
    return parse_log(said, profile)


def answers(found: Recording, arm: str) -> list[int]:
    cells = [cell for cell in found.cells if cell.arm == arm]
    return [HdrHistogram.decode(cell.service).get_total_count() for cell in cells]


def config(port: int, **changed: Any) -> dict[str, Any]:
    return {"arms": arms(port), "profile": msgspec.to_builtins(SHORT), "begin_file": None} | changed


@pytest.fixture(scope="module")
def answered_and_refused(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The stand-in answers 503 to the name localhost, which the arm mesh has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        names = {"direct": f"http://127.0.0.1:{port}", "mesh": f"http://localhost:{port}"}
        return sampled(start(tmp_path_factory.mktemp("sampled"), config(port, arms=names)))


def test_every_arm_is_sampled_in_every_round(answered_and_refused: Recording) -> None:
    found = answered_and_refused

    assert {(cell.arm, cell.round) for cell in found.cells} == {
        (arm, n) for arm in ("direct", "mesh") for n in (0, 1)
    }
    cells = [cell for cell in found.cells if cell.arm == "direct"]
    for number, cell in zip(answers(found, "direct"), cells, strict=True):
        assert number + cell.discarded == cell.requests  # nothing is lost, whenever a busy machine came to it
        assert cell.discarded >= 1  # the first made the connection
        assert cell.requests <= 55  # what is left of 0.7 s once fortio's own margin is off
    assert any(answers(found, "direct"))
    assert all(requests > 0 for requests, _ in found.warmup.values())
    assert {len(spans) for spans in found.lookups_ms.values()} == {5}


def test_errors_are_counted_and_give_no_latency(answered_and_refused: Recording) -> None:
    found = answered_and_refused

    assert answers(found, "mesh") == [0, 0]
    assert {kind for cell in found.cells for kind in cell.errors} == {"HTTP 503"}
    assert found.warmup["mesh"][1] == found.warmup["mesh"][0]


def test_beside_a_load_it_follows_the_phases_that_the_master_wrote(tmp_path: Path, port: int) -> None:
    begin = tmp_path / "begin.json"
    process = start(tmp_path, config(port, begin_file=str(begin)))
    phases = [["mesh", 0, 0.2, 0.9], ["direct", 0, 0.9, 1.6], ["direct", 1, 1.6, 1.665]]
    begin.with_suffix(".part").write_text(
        json.dumps({"t0_monotonic": time.monotonic() + 1.0, "phases": phases})
    )
    begin.with_suffix(".part").rename(begin)

    found = sampled(process)

    assert [(cell.arm, cell.round) for cell in found.cells] == [("mesh", 0), ("direct", 0), ("direct", 1)]
    assert found.warmup["mesh"] == (0, 0)
    assert any(answers(found, "direct") + answers(found, "mesh"))
    too_short = found.cells[-1]
    assert (too_short.requests, too_short.unsent) == (0, 6)


@pytest.mark.parametrize(
    ("changed", "trouble", "why"),
    [
        pytest.param({}, "no such option", "fortio ended with 1: no such option", id="fortio fails"),
        pytest.param({"arms": {"mesh": "http://nowhere.invalid"}}, "", "does not resolve", id="no name"),
    ],
)
def test_what_ends_the_sampling_is_told(
    tmp_path: Path, port: int, changed: dict[str, Any], trouble: str, why: str
) -> None:
    code, said = ended(start(tmp_path, config(port, **changed), trouble=trouble))

    assert code == 3
    with pytest.raises(HarnessError, match=why):
        parse_log(said, SHORT)


def test_image_without_fortio_is_told(tmp_path: Path, port: int) -> None:
    code, said = ended(start(tmp_path, config(port), fortio=False))

    assert code == 3
    with pytest.raises(HarnessError, match="fortio"):
        parse_log(said, SHORT)
