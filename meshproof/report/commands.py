"""``meshproof report``: look at the runs on disk again. Reads; writes nothing but the page."""

from pathlib import Path
from typing import Annotated, Final

import typer

from meshproof.model.errors import BadInputError
from meshproof.model.run import Run
from meshproof.report.headline import STATE_WORDS, counts
from meshproof.report.html import write_page
from meshproof.report.markdown import run_markdown
from meshproof.report.records import LATEST, RunRecord, find_run, list_runs, read_run
from meshproof.report.store import DEFAULT_ROOT
from meshproof.report.terminal import MAX_WIDTH, summary_lines
from meshproof.report.visible import one_line

__all__ = ["app"]

app: Final = typer.Typer(help="Look at the runs that were recorded.", no_args_is_help=True)

_RunName = Annotated[
    str, typer.Argument(metavar="[RUN]", help="latest, the id of a run, or the path of its folder")
]
_Reports = Annotated[Path, typer.Option("--reports", help="the folder that holds runs/ and latest")]


@app.command()
def show(run: _RunName = LATEST, reports: _Reports = DEFAULT_ROOT) -> None:
    """Print the summary of a run."""
    path = find_run(run, reports)
    for line in summary_lines(read_run(path), path.parent):
        typer.echo(line)


@app.command()
def markdown(run: _RunName = LATEST, reports: _Reports = DEFAULT_ROOT) -> None:
    """Print a run as Markdown, for the summary of a CI job."""
    typer.echo(run_markdown(read_run(find_run(run, reports))), nl=False)


@app.command()
def html(run: _RunName = LATEST, reports: _Reports = DEFAULT_ROOT) -> None:
    """Render the page of a run again from its report.json."""
    path = find_run(run, reports)
    try:
        page = write_page(path.parent, read_run(path))
    except OSError as error:
        raise BadInputError(
            where=str(path.parent),
            problem=f"cannot be written to ({error.strerror or error})",
            remedy="copy the report to a writable folder and give its path",
        ) from error
    typer.echo(page)


@app.command("list")
def list_all(reports: _Reports = DEFAULT_ROOT) -> None:
    """The runs, newest first: id, when, how far it came, and the counts."""
    records = list_runs(reports)
    for record in records:
        typer.echo(one_line(_row(record), MAX_WIDTH))
    if not records:
        typer.echo("no runs yet: `pytest suites/` makes one")


def _row(record: RunRecord) -> str:
    if record.run is None:
        return f"{record.folder.name} unreadable: {record.problem}"
    info = record.run.run
    return f"{record.folder.name} {info.started} {info.state.value}: {_counted(record.run)}"


def _counted(run: Run) -> str:
    """Only what there is: zeros would hide it."""
    some = (f"{number} {STATE_WORDS[state].label}" for state, number in counts(run).items() if number)
    return ", ".join(some) or "nothing was judged"
