"""The record of every run, ``history.sqlite`` beside ``runs/``: one transaction a run.

It holds nothing that the runs' ``report.json`` files do not: it can be deleted, and made again from them.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from meshproof.model.errors import BadInputError, MeshproofError
from meshproof.model.history import PastRun, Versions, past_of
from meshproof.model.run import Run, RunState
from meshproof.report.records import REPORT_FILE, RUNS_FOLDER, read_run

__all__ = ["HISTORY_FILE", "Rebuilt", "keep", "read_history", "rebuild", "remember"]

HISTORY_FILE: Final = "history.sqlite"
SCHEMA_VERSION: Final = 1
_WAIT_S: Final = 5.0  # another run's transaction takes milliseconds
_REBUILD: Final = "`meshproof history rebuild` makes it anew from the reports"

_SCHEMA: Final = (
    """CREATE TABLE runs (
        id TEXT PRIMARY KEY, started TEXT NOT NULL, finished TEXT, state TEXT NOT NULL, exit_code INTEGER,
        note TEXT NOT NULL, mesh TEXT NOT NULL, proxy TEXT NOT NULL, kubernetes TEXT NOT NULL,
        coredns TEXT NOT NULL, mesh_profile TEXT NOT NULL, mutants INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE verdicts (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, place INTEGER NOT NULL,
        requirement TEXT NOT NULL, area TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL,
        said TEXT NOT NULL, finding TEXT, convergence_s REAL, PRIMARY KEY (run, place)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE figures (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, place INTEGER NOT NULL, profile TEXT NOT NULL,
        instrument TEXT NOT NULL, percentile REAL NOT NULL, difference_ms REAL NOT NULL, low_ms REAL NOT NULL,
        high_ms REAL NOT NULL, confidence REAL NOT NULL, noise_floor_ms REAL NOT NULL, validity TEXT NOT NULL,
        PRIMARY KEY (run, place)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX runs_by_time ON runs (started)",
)
_INSERT_RUN: Final = "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_VERDICT: Final = "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_FIGURE: Final = "INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_CHOOSE: Final = (
    "SELECT * FROM runs WHERE ?1 IS NULL OR mesh_profile = ?1 ORDER BY started DESC, id DESC LIMIT ?2"
)


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild came to: runs taken up, reports that could not be, where a broken file went."""

    runs: int
    left_out: dict[str, str]
    aside: Path | None = None


def remember(root: Path, run: Run) -> str:
    """Keep ``run`` in the history of ``root``; a sentence for the user where that was not possible, else ''.

    A run is never to fail for its history.
    """
    path = root / HISTORY_FILE
    try:
        keep(path, past_of(run))
    except MeshproofError as error:
        return f"this run is not in the history: {error.where}: {error.problem}; {error.remedy}"
    return ""


def keep(path: Path, run: PastRun) -> None:
    """Write ``run`` in place of what is there under its id, whole or not at all. Raises BadInputError."""
    with _told(path), closing(_connect(path)) as base:
        base.execute(
            "PRAGMA journal_mode = WAL"
        )  # where the file system cannot, SQLite stays with what it can
        base.execute("PRAGMA foreign_keys = ON")
        base.execute("BEGIN IMMEDIATE")
        try:
            _prepare(base, path)
            _write(base, run)
        except BaseException:
            base.execute("ROLLBACK")
            raise
        base.execute("COMMIT")


def read_history(path: Path, *, last: int | None = None, mesh_profile: str | None = None) -> list[PastRun]:
    """The runs, oldest first; at most the ``last``, only of ``mesh_profile`` where they are given.

    Raises BadInputError where there is no history, or none that can be read.
    """
    if not path.is_file():
        raise BadInputError(
            where=str(path), problem="no history yet", remedy=f"every run adds to it; {_REBUILD}"
        )
    with _told(path), closing(_connect(path, reading=True)) as base:
        base.execute("BEGIN")
        _refuse_what_is_not_ours(base, path)
        rows = base.execute(_CHOOSE, (mesh_profile, -1 if last is None else last)).fetchall()
        return [_read(base, row) for row in reversed(rows)]


def rebuild(root: Path) -> Rebuilt:
    """Take up every report below ``root``; a history that is broken is moved aside first.

    Runs whose reports are gone stay where the history is whole. Raises BadInputError where it cannot be
    written.
    """
    path = root / HISTORY_FILE
    aside = _set_aside(path) if path.exists() and not _is_whole(path) else None
    left_out: dict[str, str] = {}
    taken = 0
    for report in sorted((root / RUNS_FOLDER).glob(f"*/{REPORT_FILE}")):
        try:
            run = read_run(report)
        except BadInputError as error:
            left_out[report.parent.name] = error.problem
            continue
        if run.run.state is RunState.RUNNING:
            left_out[report.parent.name] = "has not ended"
            continue
        keep(path, past_of(run))
        taken += 1
    return Rebuilt(runs=taken, left_out=left_out, aside=aside)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What SQLite and the disk say, as an error of ours that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        locked = "locked" in str(error) or "busy" in str(error)
        remedy = (
            f"when nothing else uses it, {_REBUILD}" if locked else f"see that it can be written; {_REBUILD}"
        )
        raise BadInputError(where=str(path), problem=str(error), remedy=remedy) from error
    except (sqlite3.Error, msgspec.ValidationError) as error:
        raise BadInputError(where=str(path), problem=f"is broken: {error}", remedy=_REBUILD) from error
    except OSError as error:
        problem = f"cannot be used ({error.strerror or error})"
        raise BadInputError(where=str(path), problem=problem, remedy="see that it can be written") from error


def _connect(path: Path, *, reading: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode: transactions are begun and ended by name."""
    options = "mode=rwc"
    if reading:  # where no file can be made beside it, there is no writer either
        options = "mode=rw" if os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"
    base = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}", uri=True, timeout=_WAIT_S, isolation_level=None
    )
    base.row_factory = sqlite3.Row
    return base


def _prepare(base: sqlite3.Connection, path: Path) -> None:
    """Make the tables in a new file; refuse one that is not ours."""
    empty = base.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if empty:
        for statement in _SCHEMA:
            base.execute(statement)
        base.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    _refuse_what_is_not_ours(base, path)


def _refuse_what_is_not_ours(base: sqlite3.Connection, path: Path) -> None:
    version = base.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise BadInputError(
            where=str(path),
            problem=f"has schema version {version}, expected {SCHEMA_VERSION}",
            remedy=f"read it with the meshproof that wrote it, or: {_REBUILD}",
        )


def _write(base: sqlite3.Connection, run: PastRun) -> None:
    base.execute("DELETE FROM runs WHERE id = ?", (run.id,))
    versions = run.versions
    about = (run.id, run.started, run.finished, run.state.value, run.exit_code, run.note)
    tested = (versions.mesh, versions.proxy, versions.kubernetes, versions.coredns)
    base.execute(_INSERT_RUN, (*about, *tested, run.mesh_profile, run.mutants))
    for place, verdict in enumerate(run.verdicts):
        judged = (verdict.requirement, verdict.area, verdict.subject.value, verdict.state.value)
        said = (verdict.said, verdict.finding, verdict.convergence_s)
        base.execute(_INSERT_VERDICT, (run.id, place, *judged, *said))
    for place, figure in enumerate(run.figures):
        of = (figure.profile, figure.instrument, figure.percentile)
        told = (figure.difference_ms, *figure.interval_ms, figure.confidence, figure.noise_floor_ms)
        base.execute(_INSERT_FIGURE, (run.id, place, *of, *told, figure.validity))


def _read(base: sqlite3.Connection, row: sqlite3.Row) -> PastRun:
    fields = _columns(row)
    fields["versions"] = {name: fields[name] for name in Versions.__struct_fields__}
    own = (row["id"],)
    fields["verdicts"] = [
        _columns(each) for each in base.execute("SELECT * FROM verdicts WHERE run = ? ORDER BY place", own)
    ]
    fields["figures"] = [
        {**_columns(each), "interval_ms": (each["low_ms"], each["high_ms"])}
        for each in base.execute("SELECT * FROM figures WHERE run = ? ORDER BY place", own)
    ]
    return msgspec.convert(fields, PastRun)


def _columns(row: sqlite3.Row) -> dict[str, Any]:
    """The row by column; what is no field of the value made from it is left there and ignored."""
    return dict(zip(row.keys(), row, strict=True))


def _is_whole(path: Path) -> bool:
    """False for a file that is broken or not ours. Raises BadInputError where that cannot be told."""
    with _told(path):
        try:
            with closing(_connect(path, reading=True)) as base:
                _refuse_what_is_not_ours(base, path)
                return bool(base.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        except sqlite3.OperationalError:
            raise
        except (sqlite3.DatabaseError, BadInputError):
            return False


def _set_aside(path: Path) -> Path:
    """Move a file away with its log: an old log beside a new file would be played into it."""
    kept = path.with_name(f"{path.name}.broken-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    with _told(path):
        for end in ("-wal", "-shm", ""):
            part = path.with_name(path.name + end)
            if part.exists():
                part.rename(kept.with_name(kept.name + end))
    return kept
