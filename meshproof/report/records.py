"""Reading the runs on disk: one by its name, or all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from meshproof.model.errors import BadInputError, nearest
from meshproof.model.run import SCHEMA_VERSION, Run, run_from_json

__all__ = [
    "LATEST",
    "PAGE_FILE",
    "REPORT_FILE",
    "RUNS_FOLDER",
    "RunRecord",
    "find_run",
    "list_runs",
    "read_run",
]

RUNS_FOLDER: Final = "runs"
LATEST: Final = "latest"
REPORT_FILE: Final = "report.json"
PAGE_FILE: Final = "report.html"


class _Version(msgspec.Struct):
    schema_version: str


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One folder of runs/: its run, or the problem that keeps it from being read."""

    folder: Path
    run: Run | None = None
    problem: str = ""


def read_run(path: Path) -> Run:
    """The run in a ``report.json``.

    Raises BadInputError naming the file and the field: missing, truncated, of another schema version.
    """
    try:
        text = path.read_bytes()
        version = msgspec.json.decode(text, type=_Version).schema_version
        if version != SCHEMA_VERSION:
            raise BadInputError(
                where=f"{path}/schema_version",
                problem=f"got {version!r}, expected {SCHEMA_VERSION!r}",
                remedy="read it with the version of meshproof that wrote it",
            )
        return run_from_json(text)
    except OSError as error:
        raise BadInputError(
            where=str(path),
            problem=f"cannot be read ({error.strerror or error})",
            remedy="see `meshproof report list`",
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInputError(
            where=str(path), problem=f"is no report: {error}", remedy="see `meshproof report list` for others"
        ) from error


def find_run(name: str, root: Path) -> Path:
    """The ``report.json`` of a run given as ``latest``, an id, or the path of a folder or of the file itself.

    Raises BadInputError with the nearest id when there is none of that name.
    """
    if "/" in name or name.endswith(".json"):
        path = Path(name)
        return path if path.name.endswith(".json") else path / REPORT_FILE
    known = [record.folder.name for record in list_runs(root)]
    if not known:
        raise BadInputError(
            where=str(root / RUNS_FOLDER), problem="holds no run", remedy="make one with `pytest suites/`"
        )
    if name == LATEST:
        linked = root / LATEST / REPORT_FILE
        return linked if linked.is_file() else root / RUNS_FOLDER / known[0] / REPORT_FILE
    if name not in known:
        raise BadInputError(where="RUN", problem=f"got {name!r}, no such run", remedy=nearest(name, known))
    return root / RUNS_FOLDER / name / REPORT_FILE


def list_runs(root: Path) -> list[RunRecord]:
    """Every folder of ``root/runs`` that has a report, newest first; unreadable ones with their problem."""
    reports = sorted((root / RUNS_FOLDER).glob(f"*/{REPORT_FILE}"), reverse=True)
    return [_record(report) for report in reports]


def _record(report: Path) -> RunRecord:
    try:
        return RunRecord(folder=report.parent, run=read_run(report))
    except BadInputError as error:
        return RunRecord(folder=report.parent, problem=error.problem)
