"""A night of cells, one after another, within its time; each is recorded when it ends."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from meshproof.history.store import HISTORY_FILE, read_history
from meshproof.matrix.attempts import Night, write_night
from meshproof.matrix.compatibility import compatibility
from meshproof.matrix.plan import Attempt, Planned, estimate_s
from meshproof.matrix.table import render_markdown, render_table_page
from meshproof.model.errors import ExitCode
from meshproof.model.matrix import CellRow
from meshproof.report.store import write_chosen

__all__ = ["TABLE", "TABLE_PAGE", "run_night", "write_tables"]

TABLE: Final = "compatibility.md"
TABLE_PAGE: Final = "compatibility.html"


def run_night(
    planned: Sequence[Planned],
    night: Night,
    root: Path,
    *,
    judge: Callable[[CellRow], Attempt],
    done: Callable[[], None],
    say: Callable[[str], None],
    budget_s: float | None = None,
) -> ExitCode:
    """Judge the planned cells; the worst of their exit codes, or that of an interruption.

    A cell that would not end within the budget any more, by what cells took until then, is left to the next
    night; the first is judged however long it takes. What was judged is in ``root`` whatever happens then;
    ``done`` is called after each.
    """
    began = time.monotonic()
    codes: list[int] = []
    for number, each in enumerate(planned, start=1):
        cell, left = each.cell, None if budget_s is None else budget_s - (time.monotonic() - began)
        takes_s = estimate_s(cell, night.attempts)
        if codes and left is not None and takes_s > left:
            say(f"cell {cell.name}: left to the next night, it takes about {takes_s / 60:.0f} min")
            continue
        say(f"\n##### cell {number} of {len(planned)}: {cell.name} ({each.reason.value})")
        try:
            attempt = judge(cell)
        except KeyboardInterrupt:
            say(f"interrupted in cell {cell.name}; `meshproof matrix run --resume` goes on with it")
            return ExitCode.INTERRUPTED
        night = night.with_attempt(cell.name, attempt)
        write_night(root, night)
        codes.append(attempt.exit_code)
        told = (f"exit code {attempt.exit_code}", "changed" if attempt.changed else "", attempt.note)
        say(f"cell {cell.name}: {', '.join(filter(None, told))}")
        done()
    return _worst(codes)


def write_tables(root: Path, statements: dict[str, str]) -> None:
    """The compatibility table from the history in ``root``, in both forms beside it."""
    if not (root / HISTORY_FILE).exists():  # no cell came as far as a session
        return
    cells = compatibility(read_history(root / HISTORY_FILE))
    write_chosen(root / TABLE, render_markdown(cells, statements))
    write_chosen(root / TABLE_PAGE, render_table_page(cells, statements))


def _worst(codes: Sequence[int]) -> ExitCode:
    """A failure outweighs what could not be judged; what was refused (4) was not judged either."""
    if ExitCode.FAILED in codes:
        return ExitCode.FAILED
    return ExitCode.INCONCLUSIVE if any(codes) else ExitCode.PASSED
