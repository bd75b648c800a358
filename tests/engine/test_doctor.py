"""What ``meshproof doctor`` prints, and how it ends."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from meshproof.engine import doctor as module
from meshproof.engine.finding import MakeFolder
from meshproof.engine.mend import Attempt
from meshproof.model.errors import BadInputError

app = typer.Typer()
app.command()(module.doctor)


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command on the given readings of a host; mends are only written down."""

    def examine(*arguments: str, readings: list[Any]) -> Any:
        monkeypatch.setattr(module, "read_host", lambda _cache: readings.pop(0))
        monkeypatch.setattr(
            module,
            "mend_host",
            lambda findings: [Attempt(mend=each.mendable) for each in findings if each.mendable],
        )
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "160"})

    return examine


def test_usable_host_ends_with_0(doctor: Any, host: Any) -> None:
    result = doctor(readings=[host()])

    assert result.exit_code == 0
    assert "podman 4.3.1" in result.output
    assert "0 problem(s), 0 warning(s)" in result.output


def test_problem_ends_with_4_and_its_remedy(doctor: Any, host: Any) -> None:
    result = doctor(readings=[host(without=("mmdebstrap",))])

    assert result.exit_code == 4
    assert "MMDEBSTRAP" in result.output
    assert "1 problem(s), 0 warning(s)" in result.output


def test_run_alone_needs_no_mmdebstrap(doctor: Any, host: Any) -> None:
    result = doctor("--for", "run", readings=[host(without=("mmdebstrap",))])

    assert result.exit_code == 0


def test_mends_are_said(doctor: Any, host: Any) -> None:
    result = doctor(readings=[host(lib_modules=False), host()])

    assert result.exit_code == 0
    assert "mended: made /lib/modules" in result.output


def test_no_fix_mends_nothing(doctor: Any, host: Any) -> None:
    result = doctor("--no-fix", readings=[host(lib_modules=False)])

    assert result.exit_code == 4
    assert "mended" not in result.output


def test_json_is_one_object(doctor: Any, host: Any) -> None:
    result = doctor("--json", "--no-fix", readings=[host(lib_modules=False, system="[bold]<x>")])

    told = json.loads(result.output)
    assert told["usable"] is False
    assert told["host"]["system"] == "[bold]<x>"
    modules = next(each for each in told["findings"] if each["code"] == "LIB-MODULES")
    assert modules["mendable"] == str(MakeFolder(path="/lib/modules"))
    assert modules["remedy"] == "mkdir /lib/modules"


def test_markup_in_names_is_shown_and_not_obeyed(doctor: Any, host: Any) -> None:
    result = doctor(readings=[host(cpu_model="[/] x [red]")])

    assert "[/] x [red]" in result.output


def test_unknown_engine_ends_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_cache: object) -> None:
        raise BadInputError(where="environment/MESHPROOF_ENGINE", problem="got 'x'", remedy="use podman")

    monkeypatch.setattr(module, "read_host", refuse)

    result = CliRunner().invoke(app, [])

    assert result.exit_code == 4
    assert "BAD-INPUT: environment/MESHPROOF_ENGINE" in result.output


def test_help_teaches() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "160", "NO_COLOR": "1"})

    assert result.exit_code == 0
    assert "Exit code 0: usable" in result.output
    assert "MESHPROOF_CACHE" in result.output
