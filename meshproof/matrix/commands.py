"""``meshproof matrix``: combinations of versions, judged one after another, and what came of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from meshproof.catalogue import load_profiles, statements
from meshproof.history.store import HISTORY_FILE, read_history
from meshproof.matrix.attempts import Night, read_night, write_night
from meshproof.matrix.compatibility import compatibility
from meshproof.matrix.discover import discover, with_versions
from meshproof.matrix.night import TABLE, run_night, write_tables
from meshproof.matrix.overlay import OVERLAYS, locked_versions, needs
from meshproof.matrix.pins import write_pins
from meshproof.matrix.plan import Attempt, Planned, estimate_s, plan_night
from meshproof.matrix.run import Ground, build_cell, judge_cell
from meshproof.matrix.table import render_markdown, render_table_page, sentence
from meshproof.model.errors import BadInputError, MeshproofError
from meshproof.model.json_text import json_text
from meshproof.model.matrix import CellRow, Matrix, parse_matrix
from meshproof.paths import PROJECT_ROOT, cache_root
from meshproof.report.store import DEFAULT_ROOT, write_chosen
from meshproof.report.terminal import MAX_WIDTH
from meshproof.report.visible import one_line

__all__ = ["MATRIX", "app", "load_matrix"]

app: Final = typer.Typer(
    no_args_is_help=True,
    help="Combinations of mesh, proxy, Kubernetes and CoreDNS: which hold, and which to judge next.\n\n"
    "`matrix.toml` has the cells, `matrix/<part>-<version>/` the recipes for what the lock does not have.",
)

MATRIX: Final = PROJECT_ROOT / "matrix.toml"
_RUNS: Final = PROJECT_ROOT / "reports" / "matrix"

_Matrix = Annotated[Path, typer.Option("--matrix", metavar="FILE", help="the cells")]
_Runs = Annotated[Path, typer.Option("--reports", help="where the runs of the matrix are kept")]


def load_matrix(path: Path = MATRIX) -> Matrix:
    """The matrix in a file. Raises BadInputError naming the row."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            where=str(path), problem=f"cannot be read: {error}", remedy="name another with --matrix"
        ) from error
    return parse_matrix(text, where=path.name, locked=locked_versions(), profiles=list(load_profiles()))


@app.command("list")
def list_cells(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    matrix: _Matrix = MATRIX,
    reports: _Runs = _RUNS,
) -> None:
    """Show the cells in a night's order: versions, last result, what is missing."""
    cells, night, locked = load_matrix(matrix).cell, read_night(reports), locked_versions()
    planned = plan_night(cells, night.attempts)
    rows = [_as_values(each, night, locked) for each in planned]
    if as_json:
        typer.echo(json_text({"locked": locked, "cells": rows}))
        return
    typer.echo(f"the lock: {_told(locked)}")
    width = max((len(each.cell.name) for each in planned), default=0)
    for each, row in zip(planned, rows, strict=True):
        typer.echo(
            f"  {each.cell.name:<{width}}  {_told(row['others']) or 'as locked'}; {_last(row['last'])}"
        )
        for missing in row["needs"]:
            typer.echo(f"  {'':<{width}}  needs: {missing}")


@app.command()
def build(
    name: Annotated[str, typer.Argument(metavar="CELL", help="of matrix.toml")], *, matrix: _Matrix = MATRIX
) -> None:
    """Build the bundle of a cell, as `run` would, and leave it there: for a machine without network later."""
    ground = Ground(cache=cache_root(), root=_RUNS, common=())
    environment = build_cell(load_matrix(matrix).called(name), ground)
    typer.echo(f"{name}: built; `meshproof matrix run {name}` uses it, and gives it back")
    for variable, value in environment.items():
        typer.echo(f"export {variable}={value}")


@app.command()
def run(  # noqa: PLR0913  # each is an option of the command line
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[CELL]...", help="of matrix.toml; default: all")
    ] = None,
    *,
    budget: Annotated[float | None, typer.Option(metavar="MINUTES", min=1, help="the night's time")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on with the night that was interrupted")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would be judged, and touch nothing")
    ] = False,
    select: Annotated[
        str | None, typer.Option("-m", metavar="MARKS", help="a part of the checks, as pytest's -m")
    ] = None,
    keep_bundles: Annotated[
        bool, typer.Option("--keep-bundles", help="do not give back the bundles that cells needed")
    ] = False,
    cluster_name: Annotated[str, typer.Option(help="name of the kind cluster")] = "meshproof-matrix",
    matrix: _Matrix = MATRIX,
    reports: _Runs = _RUNS,
) -> None:
    """Judge the cells, each with a bundle of its own versions, under its profiles of the mesh.

    New cells come first, then those whose last run changed, then the oldest result. With --budget cells are
    judged that still fit into what is left of it. Cells whose recipes are missing are left out and named.
    After each cell the compatibility table beside the reports is written anew.

    Exit code 0: every requirement holds in every cell, or is a known deviation; 1: one failed; 6: something
    could not be judged, or not be built; 2: interrupted (`--resume`); 4: bad input.
    """
    known = load_matrix(matrix)
    chosen = [known.called(name) for name in dict.fromkeys(names)] if names else known.cell
    night, budget_s = read_night(reports), None if budget is None else budget * 60
    ready = _ready(chosen, named=bool(names))
    if resume and not night.began:
        raise BadInputError(where="--resume", problem="no night was begun", remedy="start without --resume")
    planned = plan_night(ready, night.attempts, since=night.began if resume else "")
    _announce(planned, ready, night)
    if dry_run:
        return
    if not resume:
        night = msgspec.structs.replace(night, began=datetime.now(UTC).isoformat(timespec="seconds"))
        write_night(reports, night)
    common = [f"--cluster-name={cluster_name}", "--expectations"]
    common += ["-m", select] if select else []
    ground = Ground(cache=cache_root(), root=reports, common=common, keep_bundles=keep_bundles)
    status = run_night(
        planned,
        night,
        reports,
        judge=partial(judge_cell, ground=ground),
        done=partial(write_tables, reports, statements()),
        say=lambda line: typer.echo(line, err=True),
        budget_s=budget_s,
    )
    typer.echo(reports / TABLE)
    raise typer.Exit(status)


@app.command()
def table(
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="write Markdown; else it is printed")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="write a page, too")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the cells as JSON")] = False,
    mesh_profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="only runs of this profile of the mesh")
    ] = None,
    reports: Annotated[
        Path, typer.Option("--reports", help="the folder that holds history.sqlite")
    ] = DEFAULT_ROOT,
) -> None:
    """Write the compatibility table from the runs in the history: versions by areas, what changed first.

    A cell is the newest run of those versions that judged the mesh as it is, and no mere selection. Every
    requirement that failed or could not be judged is listed with whose doing it is and what its check said.
    `docs/compatibility.md` is written by `meshproof matrix table --output docs/compatibility.md`.
    """
    runs = read_history(reports / HISTORY_FILE, mesh_profile=mesh_profile)
    cells = compatibility(runs)
    said = statements()
    if html:
        write_chosen(html, render_table_page(cells, said))
    if output:
        write_chosen(output, render_markdown(cells, said))
    for path in filter(None, (output, html)):
        typer.echo(path)
    if as_json:
        typer.echo(json_text({"cells": cells}))
    elif output or html:
        typer.echo(sentence(cells))
    else:
        typer.echo(render_markdown(cells, said))


@app.command("discover")
def discover_versions(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what there is, and write nothing")] = False,
    matrix: _Matrix = MATRIX,
) -> None:
    """Ask the package registries for versions that lock and matrix do not have, and add cells for them.

    Of each minor line from the lock's on the newest release counts. A new cell has the lock's versions in all
    other parts; it is pinned, and so ready to be judged first, where `matrix/<part>-v<major>/` has what the
    versions of its line share. Registries are asked through `go` and `pip`; one that lists nothing is named.
    """
    known, locked = load_matrix(matrix), locked_versions()
    found = discover(cache_root(), known, locked)
    for name, why in found.not_asked.items():
        typer.echo(f"{name}: cannot be listed: {one_line(why, MAX_WIDTH)}", err=True)
    for part, versions in found.versions.items():
        typer.echo(f"{part}: new: {', '.join(versions)}")
    if not found.versions:
        typer.echo("nothing new")
    elif not dry_run:
        today, taken = f"{datetime.now(UTC):%Y-%m-%d}", [each.name for each in known.cell]
        write_chosen(matrix, with_versions(matrix.read_text("utf-8"), found.versions, today, taken=taken))
        load_matrix(matrix)
        for part, versions in found.versions.items():
            for version in versions:
                typer.echo(f"pinning {part} {version} ...", err=True)
                typer.echo(f"{part} {version}: {_pinned(part, version)}")


def _pinned(part: str, version: str) -> str:
    """Pin a version that is new; what came of it, in words."""
    try:
        overlay = write_pins(part, version, cache_root())
    except MeshproofError as error:
        return f"not pinned: {one_line(str(error), MAX_WIDTH)}"
    return f"pinned in {OVERLAYS.name}/{overlay.name}" if overlay else "recipes are to be written by hand"


def _announce(planned: Sequence[Planned], ready: Sequence[CellRow], night: Night) -> None:
    for each in planned:
        minutes = estimate_s(each.cell, night.attempts) / 60
        typer.echo(f"{each.cell.name}: {each.reason.value}, about {minutes:.0f} min")
    names = {each.cell.name for each in planned}
    for cell in ready:
        if cell.name not in names:
            typer.echo(f"{cell.name}: left out, it was judged this night")


def _ready(cells: Sequence[CellRow], *, named: bool) -> list[CellRow]:
    """Those whose bundle can be built; one that was asked for by its name is refused where it cannot."""
    locked, ready = locked_versions(), []
    for cell in cells:
        missing = needs(cell, locked)
        if not missing:
            ready.append(cell)
        elif named:
            remedy = "see docs/guide/nightly.md for what goes there"
            raise BadInputError(where=cell.name, problem="; ".join(missing), remedy=remedy)
        else:
            typer.echo(f"{cell.name}: left out: {'; '.join(missing)}")
    return ready


def _as_values(planned: Planned, night: Night, locked: Mapping[str, str]) -> dict[str, Any]:
    cell = planned.cell
    return {
        "name": cell.name,
        "versions": cell.versions(locked),
        "others": cell.others(locked),
        "profiles": cell.profiles,
        "needs": needs(cell, locked),
        "reason": planned.reason,
        "last": night.attempts.get(cell.name),
    }


def _last(attempt: Attempt | None) -> str:
    if attempt is None:
        return "new"
    moved = ", changed" if attempt.changed else ""
    note = f": {attempt.note}" if attempt.note else ""
    return f"{attempt.started[:10]}: exit code {attempt.exit_code}{moved}{note}"


def _told(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{part} {version}" for part, version in versions.items())
