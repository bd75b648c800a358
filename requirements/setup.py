"""Set up what the Makefile's targets need: Debian packages and the virtual environment.

``python3 requirements/setup.py run`` is for the suites, ``... test`` for the harness's own tests (of Debian's
packages only Python's). Standard library only: this runs before anything is installed. When nothing changed
since the last time it says nothing and ends at once. Exit code 4: something is missing, and the one command
is printed.
"""

from __future__ import annotations  # so that an old Python gets as far as the sentence that refuses it

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENV = ROOT / ".venv"
FILES = {"run": "run.txt", "test": "dev.txt"}  # each complete and pinned; dev.txt holds all of run.txt
KINDS = {"engine", "python", "user"}  # of packages that are not needed everywhere, see debian.txt
OLDEST = (3, 11)  # Debian 12's; pyproject.toml's requires-python
DOCKER_S = 10.0  # a healthy daemon answers in 20 ms
QUERY_S = 30.0  # dpkg answers in 10 ms; its lock may be held
APT_S = 1800.0  # about 100 MB over a slow line
PIP_S = 1800.0  # about 150 MB over a slow line
COLLECTED_EVERY = 20  # one progress line for so many packages
UNUSABLE = 4  # pytest's exit code for wrong usage, and ours for a host that is not ready


class SetupError(Exception):
    """What is missing, with the one command that mends it."""


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)


# --- Debian packages -------------------------------------------------------------------------------------


def packages(text: str, kinds: set[str]) -> list[str]:
    """The names of the list's lines of these kinds: what stands before a reason's colon, '' for no kind."""
    names = []
    for line in text.splitlines():
        name, _, reason = (part.strip() for part in line.partition("#"))
        kind, colon, _ = reason.partition(":")
        if name and (kind if colon and kind in KINDS else "") in kinds:
            names.append(name)
    return names


def kinds_for(purpose: str, *, docker: bool) -> set[str]:
    """The kinds of packages that ``purpose`` needs on this machine."""
    kinds = {"python"} if sys.base_prefix == "/usr" else set()
    if purpose == "run":
        kinds |= {""} if docker else {"", "engine"}
        if os.geteuid() != 0:
            kinds.add("user")
    return kinds


def docker_answers() -> bool:
    """Whether a Docker daemon is there (the preflight will try what it can do)."""
    program = shutil.which("docker")
    if program is None or os.environ.get("MESHPROOF_ENGINE") == "podman":
        return False
    ask = [program, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(ask, capture_output=True, check=False, timeout=DOCKER_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def not_installed(names: list[str]) -> list[str]:
    """Those of ``names`` that dpkg does not have installed, in their order."""
    ask = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names]
    told = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=QUERY_S).stdout
    there = {line.split()[0] for line in told.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in there]


def ensure_packages(purpose: str) -> None:
    """Install what is missing when root; raises SetupError with the one command otherwise."""
    text = (HERE / "debian.txt").read_text(encoding="utf-8")
    names = packages(text, kinds_for(purpose, docker=False))
    if not names:
        return
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        if not VENV.exists():  # once is enough: the preflight looks for the programs themselves
            say(f"this is not Debian; what is needed there is called: {' '.join(names)}")
        return
    missing = not_installed(names)
    if missing and purpose == "run" and docker_answers():
        without = packages(text, kinds_for(purpose, docker=True))
        missing = [name for name in missing if name in without]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise SetupError(f"Debian packages are missing; run: sudo {shlex.join(command)}")
    say(f"installing Debian packages: {' '.join(missing)}")
    if not apt(command):
        say("the package lists may be old: apt-get update, then once more")
        if not (apt(["apt-get", "update"]) and apt(command)):
            raise SetupError(
                f"apt-get failed (its words are above); mend that, then run: {shlex.join(command)}"
            )


def apt(command: list[str]) -> bool:
    options = ["-q", "-o", "DPkg::Lock::Timeout=120"]  # seconds; another apt may be at work
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run([command[0], *options, *command[1:]], check=False, env=quiet, timeout=APT_S)
    return done.returncode == 0


# --- The virtual environment -----------------------------------------------------------------------------


def fingerprint(purpose: str) -> str:
    """Changes when the environment of ``purpose`` has to: its pins, our metadata, the Python."""
    import tomllib  # noqa: PLC0415  # not there in a Python that is too old

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    ours = json.dumps([project["build-system"], project["project"], sys.version_info[:2], str(ROOT)])
    pins = (HERE / FILES[purpose]).read_bytes()
    return hashlib.sha256(ours.encode() + b"\0" + pins).hexdigest()


def stamps() -> dict[str, str]:
    """The fingerprints that the environment was made for; empty when it is not whole."""
    if not (VENV / "bin/python").exists():  # also when the Python behind it was removed
        return {}
    try:
        known = json.loads((VENV / "meshproof-setup.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def ensure_environment(purpose: str) -> None:
    """Make or refresh ``.venv``; raises SetupError. Nothing to do when the stamp is right."""
    wanted = fingerprint(purpose)
    known = stamps()
    if known.get(purpose) == wanted:
        return
    began = time.monotonic()
    stamp = VENV / "meshproof-setup.json"
    stamp.unlink(missing_ok=True)  # until it is whole again
    if known.get("python") != sys.version:
        say(f"making .venv with Python {sys.version.split()[0]}")
        make_environment()
    fill_environment(HERE / FILES[purpose])
    fresh = {"python": sys.version, purpose: wanted}
    if purpose == "test":
        fresh["run"] = fingerprint("run")
    temporary = stamp.with_suffix(".new")
    temporary.write_text(json.dumps(fresh), encoding="utf-8")
    temporary.replace(stamp)
    say(f".venv is ready ({time.monotonic() - began:.0f} s)")


def make_environment() -> None:
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PIP_S)
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="", file=sys.stderr)
        raise SetupError(
            "no virtual environment; on Debian run (as root): apt-get install -y --no-install-recommends "
            "python3-venv"
        )


def fill_environment(pins: Path) -> None:
    count = sum("==" in line for line in pins.read_text(encoding="utf-8").splitlines())
    say(f"installing {count} pinned Python packages (a minute or two the first time)")
    pip("--require-hashes", "--requirement", str(pins), count=count)
    pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT), count=1)


def pip(*arguments: str, count: int) -> None:
    """Install, with a line of progress now and then; raises SetupError with pip's last lines."""
    base = [str(VENV / "bin/python"), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    said: list[str] = []
    collected = 0
    with subprocess.Popen(
        [*base, "--progress-bar", "off", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101  # it was asked for
        for line in process.stdout:
            said.append(line)
            if line.startswith("Collecting "):
                collected += 1
                if collected % COLLECTED_EVERY == 0:
                    say(f"{collected} of {count} fetched")
            elif line.startswith("Installing collected") and count > 1:
                say("unpacking")
        process.wait(PIP_S)
    if process.returncode != 0:
        print("".join(said[-20:]), file=sys.stderr)
        raise SetupError("pip failed (its last words are above); mend that, then try again")


def main(arguments: list[str]) -> int:
    """Set up for one purpose; the exit code."""
    if sys.version_info[:2] < OLDEST:
        print(
            f"setup: Python {sys.version.split()[0]} is too old, 3.11 or later is needed; "
            "name another one: make PYTHON=/path/to/python3.11 ...",
            file=sys.stderr,
        )
        return UNUSABLE
    if len(arguments) != 1 or arguments[0] not in FILES:
        print(f"setup: got {arguments}, expected one of: {', '.join(FILES)}", file=sys.stderr)
        return UNUSABLE
    purpose = arguments[0]
    try:
        with Path(__file__).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once: the second finds all done
            ensure_packages(purpose)
            ensure_environment(purpose)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return UNUSABLE
    except subprocess.TimeoutExpired as error:
        print(
            f"setup: {shlex.join(map(str, error.cmd))}: still not done after {error.timeout:g} s",
            file=sys.stderr,
        )
        return UNUSABLE
    except KeyboardInterrupt:
        print("setup: interrupted; the next time goes on from here", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
