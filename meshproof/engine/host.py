"""The facts about this host, read once at the edge; the rules of the preflight judge them without I/O."""

import functools
import os
import re
import resource
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from meshproof.engine.process import run
from meshproof.engine.trial import NOT_TRIED, Trial, try_docker
from meshproof.model.errors import BadInputError, HarnessError, nearest
from meshproof.paths import PROJECT_ROOT

__all__ = ["UNLIMITED", "HostFacts", "Limit", "Tool", "number", "read_host", "wanted_engine"]

UNLIMITED: Final = 2**63 - 1  # what the kernel calls infinity, so that limits compare as numbers

_CAP_SYS_ADMIN: Final = 21  # bit of /proc/self/status's CapEff, capability.h
_CAP_SYS_RESOURCE: Final = 24
_VERSION_S: Final = 10.0  # ``--version`` takes 5 to 200 ms
_SBIN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # not in everybody's PATH
_PODMAN_HELPERS: Final = (  # where podman itself looks for netavark, containers.conf(5)
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/libexec/podman",
    "/usr/lib/podman",
)
_PROGRAMS: Final[Mapping[str, tuple[str, ...] | None]] = {  # how each says its version; None: not asked
    "docker": ("--version",),
    "podman": ("--version",),
    "runc": ("--version",),
    "crun": ("--version",),
    "conmon": None,
    "netavark": None,
    "aardvark-dns": None,
    "iptables": ("--version",),
    "nft": None,
    "mmdebstrap": ("--version",),
    "go": ("version",),
}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A resource limit of this process; UNLIMITED where there is none."""

    soft: int
    hard: int


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program that is there; ``version`` is like ``4.3.1``, empty when it was not asked or did not say."""

    path: str
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """This host as the rules see it; sizes in MiB."""

    uid: int
    cap_sys_admin: bool
    cap_sys_resource: bool
    cgroups: Literal["v1", "hybrid", "v2"]
    systemd: bool
    nofile: Limit
    nproc: Limit
    inotify_instances: int
    inotify_watches: int
    lib_modules: bool
    overlay: bool
    memory_total_mib: int
    memory_available_mib: int
    cpus: int
    cpu_model: str
    cache: str
    cache_free_mib: int
    cache_filled: bool
    storage: str
    storage_free_mib: int
    system: str
    debian: bool
    tools: Mapping[str, Tool]
    docker: Trial
    wanted_engine: Literal["docker", "podman"] | None
    go_needed: str


def number(version: str) -> tuple[int, ...]:
    """``4.3.1`` as numbers that compare; an unknown version is below all others."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def wanted_engine() -> Literal["docker", "podman"] | None:
    """The engine that ``MESHPROOF_ENGINE`` asks for; None when it is unset. Raises BadInputError."""
    match os.environ.get("MESHPROOF_ENGINE", ""):
        case "":
            return None
        case "docker":
            return "docker"
        case "podman":
            return "podman"
        case other:
            raise BadInputError(
                where="environment/MESHPROOF_ENGINE",
                problem=f"got {other!r}, expected docker or podman",
                remedy=nearest(other, ["docker", "podman"]),
            )


def read_host(cache: Path, *, root: Path = Path("/")) -> HostFacts:
    """Read every fact; ``root`` is where /proc, /sys, /etc, /var and /lib are. Raises BadInputError."""
    wanted = wanted_engine()
    tools = _tools(os.environ.get("PATH", os.defpath))
    docker = Trial(state="absent")
    if "docker" in tools:
        docker = NOT_TRIED if wanted == "podman" else try_docker(tools["docker"].path)
    memory = _fields(root / "proc/meminfo")
    capabilities = int(_fields(root / "proc/self/status").get("CapEff", "0"), 16)
    storage = root / ("var/lib/docker" if docker.state == "works" else "var/lib/containers")
    release = _release(root / "etc/os-release")
    return HostFacts(
        uid=os.geteuid(),
        cap_sys_admin=bool(capabilities >> _CAP_SYS_ADMIN & 1),
        cap_sys_resource=bool(capabilities >> _CAP_SYS_RESOURCE & 1),
        cgroups=_cgroups(root / "sys/fs/cgroup"),
        systemd=(root / "run/systemd/system").is_dir(),  # as sd_booted(3)
        nofile=_limit(resource.RLIMIT_NOFILE),
        nproc=_limit(resource.RLIMIT_NPROC),
        inotify_instances=_whole(root / "proc/sys/fs/inotify/max_user_instances"),
        inotify_watches=_whole(root / "proc/sys/fs/inotify/max_user_watches"),
        lib_modules=(root / "lib/modules").is_dir(),
        overlay="overlay" in _text(root / "proc/filesystems").split(),
        memory_total_mib=_kib(memory, "MemTotal") // 1024,
        memory_available_mib=_kib(memory, "MemAvailable") // 1024,
        cpus=len(os.sched_getaffinity(0)),
        cpu_model=_fields(root / "proc/cpuinfo").get("model name", "unknown"),
        cache=str(cache),
        cache_free_mib=_free_mib(cache),
        cache_filled=_filled(cache),
        storage=str(storage),
        storage_free_mib=_free_mib(storage),
        system=release.get("PRETTY_NAME", "unknown"),
        debian="debian" in [release.get("ID", ""), *release.get("ID_LIKE", "").split()],
        tools=tools,
        docker=docker,
        wanted_engine=wanted,
        go_needed=_go_needed(PROJECT_ROOT / "bundle/go"),
    )


@functools.cache
def _tools(path: str) -> Mapping[str, Tool]:
    """The programs that are there; asked side by side, and once for a process: mending adds none."""
    places = os.pathsep.join([path, *_SBIN, *_PODMAN_HELPERS])
    found = {name: where for name in _PROGRAMS if (where := shutil.which(name, path=places))}
    with ThreadPoolExecutor(max_workers=len(_PROGRAMS)) as pool:
        versions = list(pool.map(_version, found, found.values()))
    return {
        name: Tool(path=where, version=version)
        for (name, where), version in zip(found.items(), versions, strict=True)
    }


def _version(name: str, program: str) -> str:
    ask = _PROGRAMS[name]
    if ask is None:
        return ""
    try:
        said = run([program, *ask], timeout=_VERSION_S, env={"GOTOOLCHAIN": "local"})
    except HarnessError:
        return ""
    first = re.search(r"\d+(\.\d+)+", said.stdout)
    return first[0] if first else ""


def _cgroups(mount: Path) -> Literal["v1", "hybrid", "v2"]:
    if (mount / "cgroup.controllers").exists():
        return "v2"
    return "hybrid" if (mount / "unified/cgroup.controllers").exists() else "v1"


def _limit(which: int) -> Limit:
    soft, hard = resource.getrlimit(which)
    return Limit(soft=_finite(soft), hard=_finite(hard))


def _finite(limit: int) -> int:
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit


def _free_mib(path: Path) -> int:
    """Free space where ``path`` is, or would be made."""
    for there in (path, *path.parents):
        with suppress(OSError):  # not there, or in a folder that is closed to us
            return shutil.disk_usage(there).free // 2**20
    return 0


def _filled(cache: Path) -> bool:
    """Whether something was built here before (the folder of our own settings does not count)."""
    try:
        return any(entry.is_dir() and entry.name != "engine" for entry in cache.iterdir())
    except OSError:
        return False


def _go_needed(recipes: Path) -> str:
    """The newest ``go`` line of the recipes' go.mod files; empty without recipes."""
    lines = [re.search(r"^go (\S+)$", _text(file), re.MULTILINE) for file in recipes.glob("*/go.mod")]
    return max((line[1] for line in lines if line), key=number, default="")


def _fields(path: Path) -> dict[str, str]:
    """``name: value`` lines; the first of a name wins (/proc/cpuinfo repeats them for each processor)."""
    fields: dict[str, str] = {}
    for line in _text(path).splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return fields


def _release(path: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in _text(path).splitlines())
    return {name: value.strip("\"'") for name, _, value in pairs}


def _kib(fields: Mapping[str, str], name: str) -> int:
    return int(fields.get(name, "0").split()[0])


def _whole(path: Path) -> int:
    return int(_text(path).strip() or "0")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
