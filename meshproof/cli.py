"""The command line: ``meshproof bundle``, ``doctor``, ``report``. The suites themselves are run by pytest."""

import signal
import sys
from typing import Annotated, Final

import typer

from meshproof import __version__
from meshproof.bundle.commands import app as bundle
from meshproof.compare_command import attribution, compare
from meshproof.conformance import conformance
from meshproof.engine.doctor import doctor
from meshproof.engine.process import terminate_all
from meshproof.history.commands import app as history
from meshproof.matrix.commands import app as matrix
from meshproof.model.errors import ExitCode, MeshproofError
from meshproof.mutants_command import mutants
from meshproof.report.commands import app as report
from meshproof.report.compare import app as baseline
from meshproof.report.requirements import requirements
from meshproof.report.traffic_metrics import traffic_metrics

__all__ = ["app", "main"]

_TYPER_INTERRUPTED: Final = 130
_TYPER_USAGE: Final = 2  # of a wrong command or option; a command's own 2 is an interruption

app = typer.Typer(
    name="meshproof",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Prove a service mesh on a real Kubernetes cluster without the internet, and measure its cost.\n\n"
    "A first time: `meshproof doctor` (is this machine fit?), `meshproof bundle build` (all that a run"
    " needs), `pytest suites/` (the proof), `meshproof report show` (what came of it).\n\n"
    "`make conformance` does all of that; `meshproof conformance` judges the mesh under all its profiles,"
    " and `meshproof mutants` breaks the mesh to see that the checks notice.",
)
app.add_typer(bundle, name="bundle")
app.add_typer(report, name="report")
app.add_typer(baseline, name="baseline")
app.add_typer(history, name="history")
app.add_typer(matrix, name="matrix")
app.command()(doctor)
app.command()(requirements)
app.command()(conformance)
app.command()(mutants)
app.command()(compare)
app.command()(attribution)
app.command("traffic-metrics")(traffic_metrics)


def _version(value: bool) -> None:  # noqa: FBT001  # the form of typer's callbacks
    if value:
        typer.echo(f"meshproof {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options that come before a command."""
    del version


def main() -> None:
    """Run the command line: an error of ours is told in its own words, without a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except MeshproofError as error:
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == _TYPER_INTERRUPTED:
            terminate_all()
            typer.echo("interrupted; what was finished is kept", err=True)
            sys.exit(ExitCode.INTERRUPTED)
        if ended.code == _TYPER_USAGE and not isinstance(ended.__context__, typer.Exit):
            sys.exit(ExitCode.BAD_INPUT)
        raise
