"""The command line teaches, and tells an error of ours in its own words."""

import sys

import pytest
import typer
from typer.testing import CliRunner

from meshproof import __version__, cli
from meshproof.model.errors import BadInputError, ExitCode, HarnessError, MeshproofError

WIDE = {"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"}


@pytest.mark.parametrize(
    ("arguments", "taught"),
    [
        pytest.param(["--help"], ["meshproof doctor", "meshproof bundle build", "pytest suites/"], id="all"),
        pytest.param(
            ["bundle", "--help"], ["build", "verify", "list", "clean", "MESHPROOF_CACHE"], id="bundle"
        ),
        pytest.param(["bundle", "build", "--help"], ["--repair", "Exit code 0", "20 minutes"], id="build"),
        pytest.param(["bundle", "verify", "--help"], ["Exit code 0: whole"], id="verify"),
        pytest.param(
            ["doctor", "--help"], ["Exit code 0: usable", "MESHPROOF_ENGINE", "--no-fix"], id="doctor"
        ),
        pytest.param(["report", "--help"], ["show", "html", "list"], id="report"),
        pytest.param(["history", "--help"], ["--requirement", "--html", "changes", "rebuild"], id="history"),
        pytest.param(["matrix", "--help"], ["list", "run", "discover", "table", "matrix.toml"], id="matrix"),
        pytest.param(["matrix", "run", "--help"], ["--budget", "--resume", "Exit code 0"], id="matrix-run"),
        pytest.param(["compare", "--help"], ["--threshold-ms", "--json", "6: inconclusive"], id="compare"),
        pytest.param(["baseline", "save", "--help"], ["--output", "--replace", "latest"], id="baseline"),
        pytest.param(["report", "show", "--help"], ["latest", "--reports"], id="show"),
    ],
)
def test_help_teaches(arguments: list[str], taught: list[str]) -> None:
    result = CliRunner().invoke(cli.app, arguments, env=WIDE)

    assert result.exit_code == 0
    assert [each for each in taught if each not in result.output] == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="all"),
        pytest.param(["bundle"], id="bundle"),
        pytest.param(["report"], id="report"),
    ],
)
def test_no_command_shows_the_help(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli.app, arguments, env=WIDE)

    assert "Usage: meshproof" in result.output


def test_version_is_told() -> None:
    result = CliRunner().invoke(cli.app, ["--version"])

    assert (result.exit_code, result.output) == (0, f"meshproof {__version__}\n")


def test_unknown_command_ends_with_2() -> None:
    result = CliRunner().invoke(cli.app, ["bundel"], env=WIDE)

    assert result.exit_code == 2
    assert "bundel" in result.output


def ends(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """How the process ends when a command raises ``error``."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(str(ended.value.code))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(BadInputError(where="x", problem="y", remedy="z"), 4, id="bad-input"),
        pytest.param(HarnessError(where="x", problem="y", remedy="z"), 6, id="harness"),
    ],
)
def test_error_of_ours_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: MeshproofError, code: int
) -> None:
    ended = ends(monkeypatch, error)

    assert ended == code
    assert capsys.readouterr() == ("", f"{error}\n")


def test_interrupt_ends_what_runs_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(cli, "terminate_all", lambda: calls.append("ended"))
    interrupted = typer.Typer()

    @interrupted.command()
    def command() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    monkeypatch.setattr(sys, "argv", ["meshproof"])
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert (ended.value.code, calls) == (2, ["ended"])
    assert capsys.readouterr().err.endswith("interrupted; what was finished is kept\n")


def test_session_that_was_interrupted_ends_the_command_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = typer.Typer()

    @ending.command()
    def command() -> None:
        raise typer.Exit(ExitCode.INTERRUPTED)

    monkeypatch.setattr(cli, "app", ending)
    monkeypatch.setattr(sys, "argv", ["meshproof"])
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == ExitCode.INTERRUPTED


def test_wrong_command_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["meshproof", "bundel"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 4


def test_wrong_run_is_refused_through_the_whole_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["meshproof", "report", "show", "/no/such/report.json"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 4
    assert capsys.readouterr().err.startswith("BAD-INPUT: /no/such/report.json: cannot be read")
