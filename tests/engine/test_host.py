"""The facts as they are read from a root of our own making."""

import resource
import shutil
from pathlib import Path
from typing import Any

import pytest

from meshproof.engine import host as module
from meshproof.engine.host import UNLIMITED, Limit, Tool, number, read_host, wanted_engine
from meshproof.engine.trial import Trial
from meshproof.model.errors import BadInputError


@pytest.fixture(autouse=True)
def _no_real_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    module._tools.cache_clear()
    monkeypatch.delenv("MESHPROOF_ENGINE", raising=False)
    monkeypatch.setattr(module, "_SBIN", ())
    monkeypatch.setattr(module, "_PODMAN_HELPERS", ())
    monkeypatch.setenv("PATH", "/nowhere")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "proc/self/status": "Name:\tx\nCapEff:\t000001fffeffffff\n",
        "proc/meminfo": "MemTotal:       24684000 kB\nMemAvailable:   20480000 kB\n",
        "proc/cpuinfo": "processor : 0\nmodel name : Model 1\n\nprocessor : 1\nmodel name : Model 2\n",
        "proc/filesystems": "nodev\tsysfs\nnodev\toverlay\n\text4\n",
        "proc/sys/fs/inotify/max_user_instances": "128\n",
        "proc/sys/fs/inotify/max_user_watches": "8192\n",
        "etc/os-release": 'PRETTY_NAME="Derived 1"\nID=derived\nID_LIKE="debian other"\n',
    }
    for name, text in files.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "root"


def test_facts_are_read(root: Path, tmp_path: Path) -> None:
    facts = read_host(tmp_path / "not/yet/made", root=root)

    assert (facts.cap_sys_admin, facts.cap_sys_resource) == (True, False)
    assert (facts.memory_total_mib, facts.memory_available_mib) == (24_105, 20_000)
    assert (facts.inotify_instances, facts.inotify_watches) == (128, 8192)
    assert (facts.cpu_model, facts.overlay, facts.lib_modules) == ("Model 1", True, False)
    assert (facts.system, facts.debian, facts.systemd) == ("Derived 1", True, False)
    assert facts.cache_free_mib > 0
    assert (facts.tools, facts.docker) == ({}, Trial(state="absent"))
    assert number(facts.go_needed) >= (1, 24)


def test_what_cannot_be_read_is_nothing_and_not_a_crash(tmp_path: Path) -> None:
    facts = read_host(tmp_path, root=tmp_path / "empty")

    assert (facts.memory_available_mib, facts.inotify_watches, facts.system) == (0, 0, "unknown")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(["cgroup.controllers"], "v2", id="v2"),
        pytest.param(["unified/cgroup.controllers", "memory/tasks"], "hybrid", id="hybrid"),
        pytest.param(["memory/tasks"], "v1", id="v1"),
    ],
)
def test_cgroup_layout(tmp_path: Path, files: list[str], expected: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert module._cgroups(tmp_path) == expected


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        pytest.param([], False, id="empty"),
        pytest.param(["engine"], False, id="our-settings-only"),
        pytest.param(["engine", "go"], True, id="built-before"),
    ],
)
def test_filled_cache(tmp_path: Path, folders: list[str], *, expected: bool) -> None:
    for name in folders:
        (tmp_path / name).mkdir()

    assert module._filled(tmp_path) is expected


def test_cache_that_is_not_there_is_empty_and_measured_where_it_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def usage(path: Path) -> Any:
        asked.append(path)
        if path != tmp_path:
            raise PermissionError
        return type("Usage", (), {"free": 5 * 2**20})

    monkeypatch.setattr(shutil, "disk_usage", usage)

    assert module._free_mib(tmp_path / "a/b") == 5
    assert asked == [tmp_path / "a/b", tmp_path / "a", tmp_path]
    assert module._filled(tmp_path / "a/b") is False


def test_disk_that_nobody_can_measure_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(_path: Path) -> Any:
        raise PermissionError

    monkeypatch.setattr(shutil, "disk_usage", usage)

    assert module._free_mib(Path("/a")) == 0


def test_no_limit_compares_above_every_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1024, resource.RLIM_INFINITY))

    assert module._limit(resource.RLIMIT_NOFILE) == Limit(soft=1024, hard=UNLIMITED)


def test_programs_are_asked_for_their_version(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    podman = program("podman", "echo podman version 4.3.1")
    go = program("go", 'test "$GOTOOLCHAIN" = local && echo go version go1.26.8 linux/amd64')
    broken = program("runc", "exit 1")
    silent = program("crun")
    helper = program("netavark")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(
        module,
        "_PROGRAMS",
        {name: module._PROGRAMS[name] for name in ("podman", "go", "runc", "crun", "netavark")},
    )

    tools = read_host(tmp_path, root=tmp_path).tools

    assert tools == {
        "podman": Tool(path=str(podman), version="4.3.1"),
        "go": Tool(path=str(go), version="1.26.8"),
        "runc": Tool(path=str(broken)),
        "crun": Tool(path=str(silent)),
        "netavark": Tool(path=str(helper)),
    }
    calls = (tmp_path / "bin/calls").read_text().split("\n")
    assert sorted(calls) == ["", "--version", "--version", "--version", "version"]


@pytest.mark.parametrize(
    ("wanted", "state", "storage"),
    [
        pytest.param(None, "works", "var/lib/docker", id="tried"),
        pytest.param("podman", "not-tried", "var/lib/containers", id="podman-asked-for"),
    ],
)
def test_docker_is_tried_unless_podman_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wanted: str | None, state: str, storage: str
) -> None:
    monkeypatch.setattr(module, "_tools", lambda _path: {"docker": Tool(path="/d")})
    monkeypatch.setattr(module, "try_docker", lambda _program: Trial(state="works", words="26"))
    if wanted:
        monkeypatch.setenv("MESHPROOF_ENGINE", wanted)

    facts = read_host(tmp_path, root=tmp_path)

    assert facts.docker.state == state
    assert facts.storage == str(tmp_path / storage)


@pytest.mark.parametrize("value", ["docker", "podman"])
def test_engine_may_be_chosen(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MESHPROOF_ENGINE", value)

    assert wanted_engine() == value


def test_unknown_engine_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHPROOF_ENGINE", "podmann")

    with pytest.raises(
        BadInputError, match=r"got .podmann., expected docker or podman; did you mean .podman.\?"
    ):
        wanted_engine()


@pytest.mark.parametrize(
    ("older", "newer"),
    [("1.9", "1.26"), ("", "1"), ("4.3", "4.3.1")],
    ids=["by-number", "unknown-first", "longer"],
)
def test_versions_compare_as_numbers(older: str, newer: str) -> None:
    assert number(older) < number(newer)
