"""Versions that the lock does not have, asked of the package registries through their own clients."""

import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from meshproof.bundle.golang import Go, find_go
from meshproof.bundle.lock import load_lock
from meshproof.engine.process import CommandFailedError, run
from meshproof.matrix.overlay import COMPONENTS
from meshproof.matrix.pins import WHEELS
from meshproof.model.matrix import PARTS, Matrix

__all__ = ["Discovered", "discover", "new_versions", "with_versions"]

_ASK_S: Final = 120.0  # a list of versions is one small answer
_RELEASE: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")  # no release candidates, no pseudo-versions


class Discovered(msgspec.Struct, frozen=True, kw_only=True):
    """New versions by part; what could not be asked, with the registry's words."""

    versions: dict[str, list[str]]
    not_asked: dict[str, str]


def discover(cache: Path, matrix: Matrix, locked: Mapping[str, str]) -> Discovered:
    """Ask for the versions of every part. A registry that has no list is told, and ends nothing."""
    go, modules = find_go(cache), {each.name: each.module for each in load_lock().component}
    versions: dict[str, list[str]] = {}
    not_asked: dict[str, str] = {}
    for part in PARTS:
        asked = [
            (modules[COMPONENTS[part]], _of_module),
            *([(WHEELS[part], _of_wheel)] if part in WHEELS else []),
        ]
        found: list[str] = []
        for name, ask in asked:
            try:
                found += ask(name, go, cache)
            except CommandFailedError as error:
                not_asked[name] = _last_line(error)
        if new := new_versions(found, locked[part], matrix.known(part, locked)):
            versions[part] = new
    return Discovered(versions=versions, not_asked=not_asked)


def new_versions(found: Iterable[str], locked: str, known: Sequence[str]) -> list[str]:
    """The newest release of each minor line from the lock's on, without what is ``known``; oldest first.

    A line whose newest release is the lock's, or known, has nothing new.
    """
    newest: dict[tuple[int, int], tuple[int, int, int]] = {}
    for text in found:
        if matched := _RELEASE.fullmatch(text):
            version = (int(matched[1]), int(matched[2]), int(matched[3]))
            line = version[:2]
            newest[line] = max(version, newest.get(line, version))
    floor = _RELEASE.fullmatch(locked)
    least = (int(floor[1]), int(floor[2]), int(floor[3])) if floor else (0, 0, 0)
    named = [
        f"v{major}.{minor}.{patch}"
        for major, minor, patch in sorted(newest.values())
        if (major, minor, patch) > least
    ]
    return [each for each in named if each not in known]


def with_versions(text: str, found: Mapping[str, Sequence[str]], day: str, *, taken: Sequence[str]) -> str:
    """The matrix ``text`` with a row and a cell for each version; ``taken`` are the names that cells have."""
    rows = []
    for part, versions in found.items():
        for version in versions:
            rows.append(f'\n[[version]]\npart = "{part}"\nversion = "{version}"\nfound = "{day}"\n')
            name = f"{COMPONENTS[part]}-{version.removeprefix('v')}"
            if name not in taken:
                rows.append(f'\n[[cell]]\nname = "{name}"\n{part} = "{version}"\n')
    return text.rstrip("\n") + "\n" + "".join(rows)


def _of_module(module: str, go: Go, cache: Path) -> list[str]:
    """What the module proxy lists; it may list nothing of a module that it has."""
    with tempfile.TemporaryDirectory(prefix="meshproof-discover-") as folder:
        said = run(
            [go.program, "list", "-m", "-versions", module],
            timeout=_ASK_S,
            env={**go.env(cache), "GOFLAGS": "-mod=mod -modcacherw"},
            cwd=Path(folder),
        ).stdout
    return said.split()[1:]


def _of_wheel(name: str, _go: Go, _cache: Path) -> list[str]:
    said = run([sys.executable, "-m", "pip", "index", "versions", name], timeout=_ASK_S).stdout
    listed = re.search(r"^Available versions: (.*)$", said, re.MULTILINE)
    return [f"v{each.strip()}" for each in listed[1].split(",")] if listed else []


def _last_line(error: CommandFailedError) -> str:
    said = (error.completed.stderr or error.completed.stdout).strip().splitlines()
    return said[-1].strip() if said else f"exit status {error.completed.returncode}"
