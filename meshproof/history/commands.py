"""``meshproof history``: every run that was made, over time."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from meshproof.catalogue import statements
from meshproof.history.changes import earlier_of, what_changed
from meshproof.history.listing import (
    change_lines,
    requirement_as_values,
    requirement_lines,
    run_as_values,
    run_lines,
)
from meshproof.history.page import render_history
from meshproof.history.store import HISTORY_FILE, read_history
from meshproof.history.store import rebuild as rebuild_history
from meshproof.model.errors import BadInputError, nearest
from meshproof.model.history import PastRun
from meshproof.model.json_text import json_text
from meshproof.report.store import DEFAULT_ROOT, write_chosen
from meshproof.report.terminal import MAX_WIDTH
from meshproof.report.visible import one_line

__all__ = ["app"]

app: Final = typer.Typer(
    invoke_without_command=True,
    help="The runs that were made, over time: verdicts, convergence, overhead; what changed.",
)

_Reports = Annotated[Path, typer.Option("--reports", help="the folder that holds runs/ and history.sqlite")]
_Json = Annotated[bool, typer.Option("--json", help="print JSON")]
_LAST: Final = 30


@app.callback()
def history(
    context: typer.Context,
    *,
    requirement: Annotated[
        str | None, typer.Option(metavar="ID", help="one requirement's verdicts and convergence over time")
    ] = None,
    mesh_profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="only runs of this profile of the mesh")
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="at most so many runs")] = _LAST,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write a page with what changed and the trends drawn")
    ] = None,
    as_json: _Json = False,
    reports: _Reports = DEFAULT_ROOT,
) -> None:
    """List the runs, newest first, under the versions that they tested.

    A row: id (its start, UTC), profile of the mesh, requirements that failed (✕), could not be judged (?),
    are known deviations (≠), passed (✓); the overhead at the median with its interval, of the load profile
    standard where it was measured.
    """
    if context.invoked_subcommand:
        return
    runs = read_history(reports / HISTORY_FILE, last=last, mesh_profile=mesh_profile)
    if requirement and requirement not in (known := _requirements(runs)):
        raise BadInputError(
            where="--requirement",
            problem=f"{requirement}: in none of these runs",
            remedy=nearest(requirement, known),
        )
    if html:
        write_chosen(html, render_history(runs, statements()))
        typer.echo(html)
    elif as_json:
        values: Any = requirement_as_values(runs, requirement) if requirement else map(run_as_values, runs)
        told = {"requirement": requirement, "verdicts": values} if requirement else {"runs": [*values]}
        typer.echo(json_text(told))
    else:
        if requirement:
            typer.echo(one_line(f"{requirement}: {statements().get(requirement, '')}", MAX_WIDTH))
        for line in requirement_lines(runs, requirement) if requirement else run_lines(runs):
            typer.echo(line)


@app.command()
def changes(
    before: Annotated[str | None, typer.Argument(metavar="[BEFORE]", help="id of the earlier run")] = None,
    after: Annotated[str | None, typer.Argument(metavar="[AFTER]", help="id of the later run")] = None,
    *,
    as_json: _Json = False,
    reports: _Reports = DEFAULT_ROOT,
) -> None:
    """Tell what changed between two runs: requirements in another state, the worst first.

    Without AFTER it is the newest run that judged something; without BEFORE the last one before it under the
    same profile. Exit code 0 whatever changed: it is the run itself that says whether the mesh is right.
    """
    runs = read_history(reports / HISTORY_FILE)
    judged = [each for each in runs if each.judged()]
    if not judged:
        raise BadInputError(
            where=str(reports), problem="no run judged anything", remedy="make one: `pytest suites/`"
        )
    later = _run_called(runs, after) if after else judged[-1]
    earlier = _run_called(runs, before) if before else earlier_of(runs, later)
    if earlier is None:
        raise BadInputError(
            where=later.id,
            problem=f"no earlier run under profile {later.mesh_profile!r}",
            remedy="name the run to compare it with",
        )
    found = what_changed(earlier, later)
    if as_json:
        typer.echo(json_text(found))
        return
    typer.echo(f"from {earlier.id} to {later.id}:")
    for line in change_lines(found, statements()):
        typer.echo(line)


@app.command()
def rebuild(*, reports: _Reports = DEFAULT_ROOT) -> None:
    """Take up every report.json that is there; a history that is broken is moved aside first.

    The history holds nothing that the reports do not: it may be deleted. Runs whose reports are gone stay in
    it as long as it is whole.
    """
    came = rebuild_history(reports)
    if came.aside:
        typer.echo(f"the history was broken, it is kept as {came.aside}")
    for name, why in came.left_out.items():
        typer.echo(one_line(f"left out: {name}: {why}", MAX_WIDTH))
    typer.echo(f"{reports / HISTORY_FILE}: {came.runs} runs taken up")


def _requirements(runs: list[PastRun]) -> list[str]:
    return sorted({each.requirement for run in runs for each in run.verdicts})


def _run_called(runs: list[PastRun], name: str) -> PastRun:
    for run in runs:
        if run.id == name:
            return run
    known = [each.id for each in runs]
    raise BadInputError(where="RUN", problem=f"got {name!r}, no such run", remedy=nearest(name, known))
