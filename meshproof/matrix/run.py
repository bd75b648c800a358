"""One cell judged: a bundle built beside the usual one, its profiles run, the disk given back."""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from meshproof.bundle.manifest import MANIFEST, read_manifest
from meshproof.catalogue import load_profiles
from meshproof.engine.alone import alone
from meshproof.engine.find import find_engine
from meshproof.engine.host import read_host
from meshproof.engine.process import run as run_command
from meshproof.history.changes import earlier_of, what_changed
from meshproof.history.store import HISTORY_FILE, read_history
from meshproof.matrix.overlay import chart_values, laid_over, locked_versions
from meshproof.matrix.plan import Attempt
from meshproof.model.errors import ExitCode, HarnessError, MeshproofError
from meshproof.model.matrix import CellRow
from meshproof.paths import PROJECT_ROOT
from meshproof.report.records import LATEST
from meshproof.report.visible import one_line
from meshproof.sessions import plan, run_sessions

__all__ = ["Ground", "build_cell", "judge_cell"]

_BUILD_S: Final = (
    3600.0  # the slowest program alone takes 5 minutes on 2 cores; a busy machine takes many times that
)
_GRACE_S: Final = 60.0  # what an interrupted build may take to end its compilers
_NOTE_WIDTH: Final = 300
_SHARED: Final = ("go", "tools")  # Go's caches and toolchain: the same for every bundle
_BUILD: Final = "from meshproof.cli import main; main()"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What all cells of a night share: ``cache`` is the usual one, ``root`` holds the runs of the matrix."""

    cache: Path
    root: Path
    common: Sequence[str]
    keep_bundles: bool = False

    def folder(self, cell: CellRow) -> Path:
        """The cache of a cell that has a bundle of its own."""
        return self.cache / "matrix" / cell.name


def judge_cell(cell: CellRow, ground: Ground) -> Attempt:
    """Build what the cell needs, run its profiles, and tell what came of it.

    What cannot be built is an attempt that could not be judged, and says why. Raises KeyboardInterrupt.
    """
    started, clock = _now(), time.monotonic()
    locked = locked_versions()
    own = bool(cell.others(locked))
    before = _newest_run(ground.root)
    try:
        environment = build_cell(cell, ground)
        # A session with a cache of its own would not know of a run in the usual one.
        usual = alone(ground.cache, where=f"cell {cell.name}") if own else nullcontext()
        with usual, _environment(environment):
            known = load_profiles()
            steps = plan([known[name] for name in cell.profiles], keep_last=False)
            files = chart_values(cell, ground.folder(cell) / "values", locked)
            values = [f"--mesh-values={path}" for path in files]
            status = run_sessions(ground.root, steps, [*ground.common, *values])
    except MeshproofError as error:
        note = one_line(str(error), _NOTE_WIDTH)
        seconds = round(time.monotonic() - clock, 1)
        return Attempt(started=started, seconds=seconds, exit_code=ExitCode.INCONCLUSIVE, note=note)
    finally:
        if own and not ground.keep_bundles:
            _forget(ground.folder(cell), ground.cache)
    if status == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    made = _newest_run(ground.root)
    run = made if made != before else ""
    seconds = round(time.monotonic() - clock, 1)
    return Attempt(
        started=started, seconds=seconds, exit_code=status, run=run, changed=_changed(ground.root, run)
    )


def build_cell(cell: CellRow, ground: Ground) -> Mapping[str, str]:
    """Build the bundle of a cell, and return the environment in which it is the bundle.

    Steps that are built already are taken from the usual cache, so that only what differs is made. Raises
    BadInputError where recipes are missing, HarnessError where a step fails.
    """
    locked = locked_versions()
    environment: dict[str, str] = {}
    if cell.others(locked):
        folder = ground.folder(cell)
        _seed(folder, ground.cache)
        lock = laid_over(cell, folder / "recipes", locked)
        environment = {"MESHPROOF_CACHE": str(folder), "MESHPROOF_RECIPES": str(lock.parent)}
    built = run_command(
        [sys.executable, "-c", _BUILD, "bundle", "build"],
        timeout=_BUILD_S,
        env=environment,
        cwd=PROJECT_ROOT,
        show=True,
        grace_s=_GRACE_S,
        check=False,
    )
    if built.returncode:
        raise HarnessError(
            where=f"cell {cell.name}",
            problem="its bundle could not be built, for the reason that stands above",
            remedy=f"see `meshproof matrix build {cell.name}`",
        )
    return environment


def _seed(folder: Path, cache: Path) -> None:
    """A cache that has every finished step of the usual one, as links, and shares Go's own caches."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _SHARED:
        link = folder / name
        if (cache / name).is_dir() and not link.exists():
            link.symlink_to(cache / name, target_is_directory=True)
    steps = folder / "steps"
    for step in (cache / "steps").glob("[!.]*"):
        if not (steps / step.name).exists():
            shutil.copytree(step, steps / step.name, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def _forget(folder: Path, cache: Path) -> None:
    """Give back a cell's bundle, and its node image in the engine; failing to does not stop the night."""
    with suppress(MeshproofError, OSError):
        engine = find_engine(read_host(cache), cache)
        for bundle in (folder / "bundle").glob(f"*/{MANIFEST}"):
            engine.run("image", "rm", read_manifest(bundle.parent).node_image, check=False)
    shutil.rmtree(folder, ignore_errors=True)  # links to the shared caches go, what they lead to stays


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """This process's environment with ``values``, for the sessions that it starts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _newest_run(root: Path) -> str:
    latest = root / LATEST
    return latest.resolve().name if latest.is_symlink() else ""


def _changed(root: Path, run: str) -> bool:
    """Whether a requirement is in another state than in the last run of the same versions."""
    with suppress(MeshproofError):
        runs = read_history(root / HISTORY_FILE)
        made = next((each for each in runs if each.id == run), None)
        alike = [each for each in runs if made and each.versions == made.versions]
        earlier = earlier_of(alike, made) if made else None
        return bool(made and earlier and what_changed(earlier, made).changes)
    return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
