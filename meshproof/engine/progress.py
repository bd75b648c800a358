"""Progress on anything that takes more than two seconds: live on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["Steps", "span"]

_HEARTBEAT_S: Final = (
    30.0  # a plain line at least this often while a step runs: a log that stands still looks hung
)


class Steps:
    """The steps of a long job; thread-safe, because some of them run side by side.

    With a terminal as ``console`` each running step is a live line (name, elapsed, estimate); without one,
    and with ``say``, each start and end is one plain line, and a heartbeat in between.
    """

    def __init__(self, *, console: Console | None = None, say: Callable[[str], None] | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live: Progress | None = None
        if say is None and self._console.is_terminal:
            self._live = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                TextColumn("{task.fields[estimate]}", style="dim"),
                console=self._console,
                transient=True,
            )
        self._say = say or (lambda line: self._console.print(line, highlight=False, markup=False))
        self._began = time.monotonic()
        self._running: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        else:
            threading.Thread(target=self._heartbeat, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._live:
            self._live.stop()

    @contextmanager
    def step(self, name: str, *, estimate_s: float | None = None) -> Iterator[None]:
        """Show ``name`` while the block runs; ``estimate_s`` is what it took where it was measured."""
        estimate = f"about {span(estimate_s)}" if estimate_s else ""
        task = self._live.add_task(name, total=None, estimate=estimate) if self._live else None
        if not self._live:
            self._line(f"{name} ..." + (f" ({estimate})" if estimate else ""))
        started = time.monotonic()
        with self._lock:
            self._running[name] = started
        outcome = "failed after"
        try:
            yield
            outcome = "done in"
        finally:
            with self._lock:
                self._running.pop(name, None)
            if self._live and task is not None:
                self._live.remove_task(task)
            self._line(f"{name}: {outcome} {span(time.monotonic() - started)}")

    def note(self, text: str) -> None:
        """One plain line between the steps."""
        self._line(text)

    def _line(self, text: str) -> None:
        if not self._stop.is_set():
            self._say(f"[{span(time.monotonic() - self._began):>8}] {text}")

    def _heartbeat(self) -> None:
        while not self._stop.wait(_HEARTBEAT_S):
            with self._lock:
                still = [
                    f"{name} ({span(time.monotonic() - since)})" for name, since in self._running.items()
                ]
            if still:
                self._line(f"still running: {', '.join(still)}")


def span(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
