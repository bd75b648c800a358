"""Baselines on disk: found by a name or a path, read, written; a run's report will do as one, too."""

from pathlib import Path
from typing import Final

import msgspec

from meshproof.model.baseline import Baseline, baseline_of, baseline_to_json, checked, parse_baseline
from meshproof.model.errors import BadInputError, nearest
from meshproof.report.records import LATEST, find_run, list_runs, read_run
from meshproof.report.store import atomic_write

__all__ = ["BASELINES_FOLDER", "find_baseline", "read_measured", "write_baseline"]

BASELINES_FOLDER: Final = "baselines"
_RUN_REMEDY: Final = "name a run that measured it: `pytest suites/overhead` makes one"


class _Kind(msgspec.Struct):
    schema_version: str = ""


def find_baseline(name: str, reports: Path) -> Path:
    """The file of a baseline: a name in ``reports``/baselines, or a run as ``find_run`` takes it.

    Raises BadInputError with the nearest name when there is none.
    """
    if "/" in name or name.endswith(".json") or name == LATEST:
        return find_run(name, reports)
    folder = reports / BASELINES_FOLDER
    saved = sorted(path.stem for path in folder.glob("*.json"))
    runs = [record.folder.name for record in list_runs(reports)]
    if name in saved:
        return folder / f"{name}.json"
    if name in runs:
        return find_run(name, reports)
    remedy = nearest(name, saved + runs) if saved or runs else "save one with `meshproof baseline save`"
    raise BadInputError(
        where="BASELINE", problem=f"got {name!r}, expected a baseline or a run", remedy=remedy
    )


def read_measured(path: Path) -> Baseline:
    """What a baseline or a run's ``report.json`` holds; at least one measurement.

    Raises BadInputError naming the file and the field: missing, truncated, of another version, out of bounds.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BadInputError(
            where=str(path),
            problem=f"cannot be read ({error.strerror or error})",
            remedy="name a baseline, a run's folder or its report.json",
        ) from error
    if _is_report(text):
        found = checked(baseline_of(read_run(path)), where=str(path))
    else:
        found = parse_baseline(text, where=str(path))
    if not found.measurements:
        problem = "got none, expected an overhead measurement"
        raise BadInputError(where=f"{path}/measurements", problem=problem, remedy=_RUN_REMEDY)
    return found


def write_baseline(baseline: Baseline, path: Path, *, replace: bool) -> None:
    """Write a baseline, its folder too. Raises BadInputError when it is there, or cannot be written."""
    if path.exists() and not replace:
        raise BadInputError(
            where=str(path), problem="is there already", remedy="give another name, or --replace"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, baseline_to_json(baseline))
    except OSError as error:
        problem = f"cannot be written to ({error.strerror or error})"
        raise BadInputError(
            where=str(path), problem=problem, remedy="choose a file in a writable folder"
        ) from error


def _is_report(text: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(text, type=_Kind).schema_version)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
