"""What a bundle needs for versions that the lock does not have: recipes laid over those of ``bundle/``.

An overlay is a folder ``matrix/<part>-<version>/``: files that take the place of ``bundle/``'s own, in
``rows.toml`` the rows of ``images.toml`` that do, and in ``values.yaml`` what the mesh's chart is told. What
the versions of a line have in common is in ``matrix/<part>-v<major>/``, which lies below; in these two files
``{version}`` stands for the version, ``{number}`` for it without the v, ``{minor}`` for its second number.
"""

import re
import shutil
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from meshproof.bundle.lock import LOCK_PATH, Lock, load_lock
from meshproof.model.errors import BadInputError
from meshproof.model.matrix import CellRow
from meshproof.paths import PROJECT_ROOT

__all__ = [
    "COMPONENTS",
    "OVERLAYS",
    "ROWS",
    "VALUES",
    "chart_values",
    "laid_over",
    "locked_versions",
    "needs",
    "overlay_of",
    "with_rows",
]

OVERLAYS: Final = PROJECT_ROOT / "matrix"
ROWS: Final = "rows.toml"
VALUES: Final = "values.yaml"
COMPONENTS: Final = {
    "mesh": "traefik-mesh",
    "proxy": "traefik",
    "kubernetes": "kubernetes",
    "coredns": "coredns",
}
_NAMED_BY: Final = {"image": "role"}  # what tells two rows of a table apart; `name` in all others
_BEGINS: Final = re.compile(r"^\[\[(\w+)\]\]", re.MULTILINE)


def locked_versions(lock: Lock | None = None) -> dict[str, str]:
    """The lock's version of each part."""
    found = (lock or load_lock()).versions()
    return {part: found[component] for part, component in COMPONENTS.items()}


def overlay_of(part: str, version: str, overlays: Path = OVERLAYS) -> Path:
    """Where the recipes of this version are, or would be."""
    return overlays / f"{part}-{version}"


def _layers(part: str, version: str, overlays: Path = OVERLAYS) -> list[Path]:
    """The folders of a version, the lowest first; none where it has none of its own."""
    own = overlay_of(part, version, overlays)
    line = overlay_of(part, version.partition(".")[0], overlays)
    return [each for each in (line, own) if each.is_dir()] if own.is_dir() else []


def needs(cell: CellRow, locked: Mapping[str, str], overlays: Path = OVERLAYS) -> list[str]:
    """What is missing before the bundle of a cell can be built: one sentence each; empty when nothing is."""
    return [
        f"{part} {version} has no recipes: {overlay_of(part, version, overlays).name}/{ROWS}"
        for part, version in cell.others(locked).items()
        if not any((each / ROWS).is_file() for each in _layers(part, version, overlays))
    ]


def laid_over(
    cell: CellRow,
    target: Path,
    locked: Mapping[str, str],
    *,
    base: Path = LOCK_PATH.parent,
    overlays: Path = OVERLAYS,
) -> Path:
    """Make ``target`` the recipes of a cell, and return its lock, checked.

    Raises BadInputError where recipes are missing, or do not fit one another.
    """
    if missing := needs(cell, locked, overlays):
        raise BadInputError(
            where=cell.name, problem="; ".join(missing), remedy="docs/guide/nightly.md tells what goes there"
        )
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(base, target, symlinks=True)
    lock = target / LOCK_PATH.name
    for part, version in cell.others(locked).items():
        for layer in _layers(part, version, overlays):
            shutil.copytree(
                layer, target, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(ROWS, VALUES)
            )
            rows = _filled(layer / ROWS, version)
            lock.write_text(with_rows(lock.read_text("utf-8"), rows), "utf-8")
    _check(load_lock(lock), cell, locked)
    return lock


def with_rows(text: str, rows: str) -> str:
    """The lock ``text`` with each of ``rows`` in the place of the row of its name, or at the end."""
    added = {_called(block): block for block in _blocks(rows)[1]}
    head, blocks = _blocks(text)
    kept = [added.pop(_called(block), block) for block in blocks]
    return "\n".join(part.rstrip("\n") + "\n" for part in (head, *kept, *added.values()))


def chart_values(
    cell: CellRow, target: Path, locked: Mapping[str, str], overlays: Path = OVERLAYS
) -> list[Path]:
    """The files of values that the mesh of a cell is installed with, written into the folder ``target``."""
    found = []
    for part, version in cell.others(locked).items():
        for layer in _layers(part, version, overlays):
            if text := _filled(layer / VALUES, version):
                found.append(target / f"{layer.name}.yaml")
                target.mkdir(parents=True, exist_ok=True)
                found[-1].write_text(text, "utf-8")
    return found


def _filled(path: Path, version: str) -> str:
    """The text of a file for this version; empty where there is none."""
    text = path.read_text("utf-8") if path.is_file() else ""
    number = version.removeprefix("v")
    minor = number.split(".")[1]
    return text.replace("{version}", version).replace("{number}", number).replace("{minor}", minor)


def _blocks(text: str) -> tuple[str, list[str]]:
    """What stands before the first table, and every table with its sub-tables and the comments after it."""
    starts = [each.start() for each in _BEGINS.finditer(text)]
    if not starts:
        return text, []
    ends = [*starts[1:], len(text)]
    return text[: starts[0]], [text[begin:end] for begin, end in zip(starts, ends, strict=True)]


def _called(block: str) -> tuple[str, str]:
    kind, (row,) = next(iter(tomllib.loads(block).items()))
    return kind, row[_NAMED_BY.get(kind, "name")]


def _check(lock: Lock, cell: CellRow, locked: Mapping[str, str]) -> None:
    """The image of each part must carry the version that the cell is to be judged by: a pod's tag is read."""
    roles: Mapping[str, Iterable[str]] = {
        "mesh": ["mesh-controller"],
        "proxy": ["mesh-proxy"],
        "kubernetes": ["kube-apiserver", "kube-proxy", "node"],
        "coredns": ["coredns"],
    }
    for part, version in cell.others(locked).items():
        for role in roles[part]:
            reference = next(each.reference for each in lock.image if each.role == role)
            if reference.rpartition(":")[2] != version:
                raise BadInputError(
                    where=f"{overlay_of(part, version).name}/{ROWS}",
                    problem=f"leaves the image of role {role} at {reference}, expected the tag {version}",
                    remedy="add its [[image]] row",
                )
