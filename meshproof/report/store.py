"""Where a run is recorded: ``reports/runs/<run id>/``, valid on disk at every moment.

A process that records a run holds the lock in its folder; the kernel takes the lock back when the process
ends, however it ends. A report that says ``running`` and whose lock is free belongs to a dead process.
"""

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
from filelock import FileLock, Timeout

from meshproof.model.errors import BadInputError, HarnessError
from meshproof.model.run import Run, RunState, run_from_json, run_to_json
from meshproof.model.verdict import summarise
from meshproof.paths import PROJECT_ROOT
from meshproof.report.records import LATEST, REPORT_FILE, RUNS_FOLDER, read_run

__all__ = ["DEFAULT_ROOT", "LOCK_FILE", "RunStore", "atomic_write", "new_run_id", "write_chosen"]

DEFAULT_ROOT: Final = PROJECT_ROOT / "reports"
LOCK_FILE: Final = ".lock"
_RUN_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")  # one path component, nothing hidden
_DIED: Final = "The process of this run ended before the run did; what it had recorded until then is here."


def new_run_id(now: datetime) -> str:
    """``20261122-200501-3f9c``: UTC to the second, and four random digits for runs of the same second."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def atomic_write(path: Path, text: str) -> None:
    """Write UTF-8 so that a reader, or a crash at any moment, sees the old content or the new one whole.

    The temporary file is in the same folder; both the file and the folder are flushed to the disk.
    Raises OSError (disk full, read-only) with the old content untouched.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_chosen(path: Path, text: str) -> None:
    """Write a file that the user named. Raises BadInputError where that cannot be."""
    try:
        atomic_write(path, text)
    except OSError as error:
        raise _refused(
            path, f"cannot be written ({error.strerror or error})", "choose another file"
        ) from error


@dataclass(frozen=True, kw_only=True)
class RunStore:
    """The folder of one run, locked for as long as the process lives or until ``close``."""

    root: Path
    run_id: str
    _lock: FileLock

    @classmethod
    def create(cls, root: Path = DEFAULT_ROOT, *, run_id: str) -> Self:
        """Make ``root/runs/<run_id>/`` and lock it.

        Raises BadInputError when ``root`` or what is below it is a symbolic link, not a folder or not
        writable, when ``run_id`` is not one path component, or when the run is there already.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise BadInputError(
                where="run id",
                problem=f"got {run_id!r}, expected letters, digits, '-' and '_'",
                remedy="leave it out to have one made",
            )
        root = root.absolute()
        for folder in (root, root / RUNS_FOLDER):
            _refuse_what_is_not_a_folder(folder)
        _refuse_a_latest_that_is_not_a_link(root / LATEST)
        folder = root / RUNS_FOLDER / run_id
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            lock = FileLock(folder / LOCK_FILE)
            lock.acquire(blocking=False)
        except FileExistsError as error:
            raise _refused(folder, "the run is there already", "give this run an id of its own") from error
        except OSError as error:
            problem = f"cannot be written to ({error.strerror or error})"
            raise _refused(folder, problem, "choose a writable folder for the reports") from error
        return cls(root=root, run_id=run_id, _lock=lock)

    @property
    def folder(self) -> Path:
        """The folder of this run; JUnit, Allure results and the page go here too."""
        return self.root / RUNS_FOLDER / self.run_id

    @property
    def report(self) -> Path:
        """``report.json`` of this run."""
        return self.folder / REPORT_FILE

    def write(self, run: Run) -> Path:
        """Record ``run`` as it stands, its summary counted from its verdicts, and let ``latest`` point to it.

        Raises HarnessError, with the last record untouched, when ``run`` holds what JSON cannot (NaN, an
        object, half a surrogate pair); BadInputError when something that is no link stands at ``latest``.
        """
        atomic_write(self.report, _encode(run))
        _point_latest_at(self.root, self.run_id)
        return self.report

    def mark_dead_predecessors(self) -> list[Path]:
        """Mark the reports of runs whose process died as ``interrupted``; their folders, oldest first.

        Runs that another process still records, and files that cannot be read, are left alone.
        """
        others = sorted(path for path in (self.root / RUNS_FOLDER).iterdir() if path.name != self.run_id)
        return [folder for folder in others if _if_abandoned(folder, _mark_interrupted)]

    def close(self) -> None:
        """Give the lock back. The record stays as it was last written."""
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _encode(run: Run) -> str:
    """The text of the report, proven to read back: NaN would become a null that no reader accepts."""
    counted = msgspec.structs.replace(run, summary=summarise(run.verdicts))
    try:
        text = run_to_json(counted)
        run_from_json(text)
    except (TypeError, ValueError) as error:
        raise HarnessError(
            where=f"report of run {run.run.id}",
            problem=f"cannot be recorded: {error}",
            remedy="record numbers that are finite, and facts made of text, numbers, lists and dicts",
        ) from error
    return text


def _refused(path: Path, problem: str, remedy: str) -> BadInputError:
    return BadInputError(where=str(path), problem=problem, remedy=remedy)


def _refuse_what_is_not_a_folder(path: Path) -> None:
    """A link could carry the reports anywhere, and what is deleted by the next clean-up with them."""
    if path.is_symlink():
        raise _refused(path, "is a symbolic link, expected a folder", "give the folder that it points to")
    if path.exists() and not path.is_dir():
        raise _refused(path, "is a file, expected a folder", "choose another folder for the reports")


def _refuse_a_latest_that_is_not_a_link(link: Path) -> None:
    if link.exists() and not link.is_symlink():
        raise _refused(link, "is not a symbolic link of ours", "move it away: the newest run goes there")


def _point_latest_at(root: Path, run_id: str) -> None:
    """Switch ``latest`` in one step; relative, so that the reports can be moved or copied as a whole."""
    link = root / LATEST
    _refuse_a_latest_that_is_not_a_link(link)
    target = Path(RUNS_FOLDER) / run_id
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = root / f".{LATEST}.{secrets.token_hex(4)}.tmp"
    temporary.symlink_to(target, target_is_directory=True)
    temporary.replace(link)
    _sync_folder(root)


def _if_abandoned(folder: Path, act: Callable[[Path], bool]) -> bool:
    """Do ``act`` while holding the lock of ``folder``; False when a living process holds it."""
    if folder.is_symlink() or not (folder / REPORT_FILE).is_file():
        return False
    try:
        with FileLock(folder / LOCK_FILE, blocking=False):
            return act(folder)
    except (Timeout, OSError):
        return False


def _mark_interrupted(folder: Path) -> bool:
    report = folder / REPORT_FILE
    try:
        run = read_run(report)
    except BadInputError:
        return False
    if run.run.state is not RunState.RUNNING:
        return False
    note = " ".join(filter(None, (run.run.note, _DIED)))
    info = msgspec.structs.replace(run.run, state=RunState.INTERRUPTED, note=note)
    atomic_write(report, _encode(msgspec.structs.replace(run, run=info)))
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, not only through a crash of the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
