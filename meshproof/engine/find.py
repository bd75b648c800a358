"""Which container engine: Docker where it really works, else podman with settings of our own."""

import os
import tempfile
from pathlib import Path
from typing import Final, Literal

from meshproof.engine.container import Engine, podman_settings
from meshproof.engine.host import HostFacts
from meshproof.model.errors import BadInputError

__all__ = ["NoEngineError", "choose_engine", "find_engine", "settings_for"]

_NOFILE_MAX: Final = 1_048_576  # podman lowers its own limit to this; it is the default of fs.nr_open, too
_NPROC_MAX: Final = 30_000  # podman 4.3 lowers its own limit to 32768, and cannot give more than it has


class NoEngineError(BadInputError):
    """No container engine here can run a node."""

    code = "NO-ENGINE"


def choose_engine(facts: HostFacts) -> Literal["docker", "podman"] | None:
    """The engine to use, or None when none is fit; ``MESHPROOF_ENGINE`` narrows the choice."""
    if facts.wanted_engine != "podman" and facts.docker.state == "works":
        return "docker"
    if facts.wanted_engine != "docker" and "podman" in facts.tools and facts.uid == 0:
        return "podman"
    return None


def settings_for(facts: HostFacts) -> str | None:
    """The ``containers.conf`` of podman for this host; None where podman's own settings are right.

    Without CAP_SYS_RESOURCE no limit can be raised, so containers get the present hard ones; crun refuses
    cgroup v1 beside v2; without systemd there is nobody to make cgroups but podman itself.
    """
    limited = not facts.cap_sys_resource
    runtime = "runc" if facts.cgroups != "v2" else None
    if not limited and runtime is None and facts.systemd:
        return None
    return podman_settings(
        runtime=runtime,
        cgroupfs=not facts.systemd,
        nofile=min(facts.nofile.hard, _NOFILE_MAX) if limited else None,
        nproc=min(facts.nproc.hard, _NPROC_MAX) if limited else None,
    )


def find_engine(facts: HostFacts, cache: Path) -> Engine:
    """The engine, with the environment that each of its calls needs, kind's own calls included.

    Writes ``<cache>/engine/containers.conf`` where podman needs it. Raises NoEngineError, and BadInputError
    when the cache cannot be written.
    """
    chosen = choose_engine(facts)
    if chosen is None:
        raise NoEngineError(
            where="container engine",
            problem=f"{facts.wanted_engine or 'neither Docker nor podman'} cannot run a node here",
            remedy="run 'meshproof doctor': it says why, and what to do",
            evidence=facts.docker.words,
        )
    env: dict[str, str] = {"KIND_EXPERIMENTAL_PROVIDER": chosen}
    if chosen == "podman" and (settings := settings_for(facts)):
        env["CONTAINERS_CONF"] = str(_written(cache / "engine/containers.conf", settings))
    return Engine(name=chosen, program=facts.tools[chosen].path, env=env)


def _written(path: Path, text: str) -> Path:
    """Write ``text`` whole or not at all: another run's podman may be reading the file."""
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".containers.conf-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise BadInputError(
            where=str(path),
            problem=f"cannot be written: {error.strerror or error}",
            remedy="set MESHPROOF_CACHE to a folder that is writable and has space",
        ) from error
    return path
