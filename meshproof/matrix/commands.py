"""``meshproof matrix``: combinations of versions, judged one after another, and what came of them."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from meshproof.catalogue import load_catalogue
from meshproof.history.store import HISTORY_FILE, read_history
from meshproof.matrix.compatibility import compatibility
from meshproof.matrix.table import render_markdown, render_table_page, sentence
from meshproof.report.store import DEFAULT_ROOT, write_chosen

__all__ = ["app"]

app: Final = typer.Typer(
    no_args_is_help=True,
    help="Combinations of mesh, proxy, Kubernetes and CoreDNS: which hold, and which to judge next.",
)


@app.callback()
def _matrix() -> None:
    """Without it, a single command would be the whole of ``meshproof matrix``."""


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
    statements = {name: row.statement for name, row in load_catalogue().items()}
    if html:
        write_chosen(html, render_table_page(cells, statements))
    if output:
        write_chosen(output, render_markdown(cells, statements))
    for path in filter(None, (output, html)):
        typer.echo(path)
    if as_json:
        typer.echo(_json({"cells": cells}))
    elif output or html:
        typer.echo(sentence(cells))
    else:
        typer.echo(render_markdown(cells, statements))


def _json(values: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(values), indent=2).decode()
