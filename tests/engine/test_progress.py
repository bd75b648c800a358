"""Progress: plain lines with a time, and live lines on a terminal."""

import io
import threading

import pytest
from rich.console import Console

from meshproof.engine import progress
from meshproof.engine.progress import Steps


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_start_and_end_are_plain_lines(clock: Clock) -> None:
    said: list[str] = []

    with Steps(say=said.append) as steps:
        with steps.step("build echo", estimate_s=75):
            clock.now = 61.5
        steps.note("all built")

    assert said == [
        "[   0.0 s] build echo ... (about 1 min 15 s)",
        "[1 min 01 s] build echo: done in 1 min 01 s",
        "[1 min 01 s] all built",
    ]


@pytest.mark.usefixtures("clock")
def test_failure_is_said_and_passes_through() -> None:
    said: list[str] = []

    with Steps(say=said.append) as steps, pytest.raises(LookupError), steps.step("build"):
        raise LookupError

    assert said[-1] == "[   0.0 s] build: failed after 0.0 s"


def test_heartbeat_names_what_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_HEARTBEAT_S", 0.01)
    said: list[str] = []
    beat = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if "still running: build (" in line:
            beat.set()

    with Steps(say=say) as steps, steps.step("build"):
        assert beat.wait(5)


def test_no_line_after_the_end() -> None:
    said: list[str] = []

    with Steps(say=said.append) as steps:
        pass
    steps.note("late")

    assert said == []


def test_without_a_terminal_the_console_gets_plain_lines() -> None:
    out = io.StringIO()

    with Steps(console=Console(file=out, width=80)) as steps, steps.step("[red]x[/] build"):
        pass

    assert "[red]x[/] build ..." in out.getvalue()
    assert "[red]x[/] build: done in" in out.getvalue()


def test_terminal_shows_live_lines_and_keeps_what_ended() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, _environ={"TERM": "xterm"})

    with Steps(console=console) as steps, steps.step("build", estimate_s=5):
        pass

    assert "build: done in" in out.getvalue()
