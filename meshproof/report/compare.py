"""``meshproof baseline``, and what ``meshproof compare`` says of a run that is held against one."""

from pathlib import Path
from typing import Annotated, Final

import typer

from meshproof.judge.regression import Gate, compare, why_unfit
from meshproof.model.comparison import Comparison, answer_exit_code, worst_answer
from meshproof.model.errors import BadInputError, ExitCode
from meshproof.model.json_text import json_text
from meshproof.report.baselines import find_baseline, read_measured, write_baseline
from meshproof.report.comparison import comparison_lines
from meshproof.report.records import LATEST, find_run
from meshproof.report.store import DEFAULT_ROOT

__all__ = ["app", "compare_runs"]

app: Final = typer.Typer(help="Keep what the mesh costs, to judge later runs by.", no_args_is_help=True)

_RunName = Annotated[
    str, typer.Argument(metavar="[RUN]", help="latest, the id of a run, its folder or its report.json")
]
_Reports = Annotated[
    Path, typer.Option("--reports", help="the folder that holds runs/, latest and baselines/")
]


@app.callback()
def _baseline() -> None:
    """Without it, a single command would be the whole of ``meshproof baseline``."""


@app.command()
def save(
    run: _RunName = LATEST,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="the file to write, such as reports/baselines/main.json")
    ],
    replace: Annotated[bool, typer.Option("--replace", help="write over a file that is there")] = False,
    reports: _Reports = DEFAULT_ROOT,
) -> None:
    """Keep the overhead of a run as a baseline: a small file to commit.

    It tells what an equal run would be judged: a machine whose rounds spread too much for the threshold is
    better known now than in the gate.
    """
    path = find_run(run, reports)
    measured = read_measured(path)
    if unfit := why_unfit(measured):
        raise BadInputError(
            where=str(path),
            problem=f"nothing could be judged against it: {unfit}",
            remedy="save a run that measured the overhead with enough rounds, `pytest suites/overhead`",
        )
    write_baseline(measured, output, replace=replace)
    typer.echo(output)
    for each in compare(measured, measured, named=str(output), gate=Gate()):
        typer.echo(f"an equal run would be judged: {each.answer.value}: {each.sentence}")


def compare_runs(baseline: str, run: str, *, gate: Gate, as_json: bool, reports: Path) -> ExitCode:
    """Hold a run against a baseline, print what is said of it, and return the exit code."""
    kept, taken = find_baseline(baseline, reports), find_run(run, reports)
    found = compare(read_measured(kept), read_measured(taken), named=baseline, gate=gate)
    if as_json:
        typer.echo(_as_json(found, baseline, taken))
    else:
        for each in found:
            for line in comparison_lines(each):
                typer.echo(line)
    return answer_exit_code(worst_answer(found))


def _as_json(found: list[Comparison], baseline: str, run: Path) -> str:
    whole = {
        "answer": worst_answer(found),
        "baseline": baseline,
        "run": str(run),
        "comparisons": found,
    }
    return json_text(whole)
