"""A host made of values, programs that only write down how they were called, and the set-up script."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from meshproof.engine.host import UNLIMITED, HostFacts, Limit, Tool
from meshproof.engine.trial import Trial
from meshproof.paths import PROJECT_ROOT

ORDINARY = HostFacts(
    uid=0,
    cap_sys_admin=True,
    cap_sys_resource=True,
    cgroups="v2",
    systemd=True,
    nofile=Limit(soft=1_048_576, hard=1_048_576),
    nproc=Limit(soft=UNLIMITED, hard=UNLIMITED),
    inotify_instances=1024,
    inotify_watches=524_288,
    lib_modules=True,
    overlay=True,
    memory_total_mib=16_384,
    memory_available_mib=12_288,
    cpus=4,
    cpu_model="Model 1",
    cache="/cache",
    cache_free_mib=100_000,
    cache_filled=False,
    storage="/var/lib/containers",
    storage_free_mib=100_000,
    system="Debian GNU/Linux 12 (bookworm)",
    debian=True,
    tools={
        name: Tool(path=f"/usr/bin/{name}", version=version)
        for name, version in {
            "podman": "4.3.1",
            "runc": "1.1.5",
            "crun": "1.8.1",
            "conmon": "",
            "netavark": "",
            "aardvark-dns": "",
            "iptables": "1.8.9",
            "mmdebstrap": "1.3.5",
            "go": "1.26.8",
        }.items()
    },
    docker=Trial(state="absent"),
    wanted_engine=None,
    go_needed="1.26.0",
)

HostFactory = Callable[..., HostFacts]
ProgramFactory = Callable[..., Path]


@pytest.fixture
def host() -> HostFactory:
    """An ordinary Debian host with podman and no Docker; ``without`` names programs it lacks."""

    def make(
        *, without: tuple[str, ...] = (), tools: Mapping[str, str] | None = None, **changes: Any
    ) -> HostFacts:
        there = {name: tool for name, tool in ORDINARY.tools.items() if name not in without}
        there |= {name: Tool(path=f"/usr/bin/{name}", version=each) for name, each in (tools or {}).items()}
        return replace(ORDINARY, tools=there, **changes)

    return make


@pytest.fixture
def program(tmp_path: Path) -> ProgramFactory:
    """Make a program that appends its arguments to ``calls`` beside it and then runs ``body`` (sh)."""

    def make(name: str, body: str = ":") -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "$@" >> {path.parent}/calls\n{body}\n')
        path.chmod(0o755)
        return path

    return make


LIST = """\
# a comment
podman  # engine: runs nodes
mmdebstrap # file systems: the node's
uidmap # user: newuidmap
python3-venv # python: venv

"""
PYPROJECT = '[build-system]\nrequires = []\n[project]\nname = "x"\n[tool.other]\na = 1\n'


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, at work in a folder of its own."""
    spec = importlib.util.spec_from_file_location("setup_script", PROJECT_ROOT / "requirements/setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements").mkdir()
    for name, text in {"debian.txt": LIST, "run.txt": "a==1\n", "dev.txt": "a==1\nb==2\n"}.items():
        (tmp_path / "requirements" / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.setattr(module, "HERE", tmp_path / "requirements")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module.shutil, "which", lambda name: f"/usr/bin/{name}")
    return module
