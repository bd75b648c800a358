"""``meshproof bundle`` builds, verifies, lists and cleans."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from meshproof.bundle import BundleDamagedError, BundleMissingError, build, commands, opened
from meshproof.engine.container import Engine
from meshproof.engine.find import NoEngineError
from meshproof.model.errors import BadInputError
from tests.bundle.stand_ins import Tools


@pytest.fixture
def call(lock: Path, cache: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command line on the test's lock, cache and engine."""
    for function in (opened.open_bundle, build.build_bundle, build.present_bundle):
        defaults: dict[str, Any] = function.__kwdefaults__ or {}
        monkeypatch.setitem(defaults, "lock", lock)
    monkeypatch.setattr(commands, "prepare_host", lambda *_args, **_options: engine)
    monkeypatch.setattr(commands, "read_host", lambda _cache: None)
    monkeypatch.setattr(commands, "find_engine", lambda _facts, _cache: engine)
    assert not cache.exists()

    def run(*args: str) -> Result:
        return CliRunner().invoke(commands.app, args, terminal_width=120)

    return run


def test_build_tells_what_came_of_it(call: Any) -> None:
    first, second = call("build"), call("build")

    assert first.exit_code == second.exit_code == 0
    assert "2 images, verified, sha256:" in first.output
    assert "go-kubernetes" in first.output
    assert "go-kubernetes" not in second.output


def test_build_refuses_damage_and_repairs_when_told(call: Any, cache: Path) -> None:
    call("build")
    next(cache.glob("bundle/*/bin/helm")).write_bytes(b"other")

    assert isinstance(call("build").exception, BundleDamagedError)
    assert isinstance(call("verify").exception, BundleDamagedError)
    assert call("build", "--repair").exit_code == 0
    assert call("verify").exit_code == 0


def test_a_failed_build_ends_what_still_runs(
    call: Any, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []
    monkeypatch.setattr(commands, "terminate_all", lambda: ended.append(True))
    tools.fail("go", "build")

    assert call("build").exit_code != 0
    assert ended == [True]


def test_list_shows_every_image(call: Any) -> None:
    call("build")

    shown = call("list").output

    assert "meshproof.dev/echo:0.1.0" in shown
    assert "kubernetes v1.34.4" in shown


def test_verify_without_a_bundle_says_how_to_make_one(call: Any) -> None:
    assert isinstance(call("verify").exception, BundleMissingError)


def test_clean_gives_it_all_back(call: Any, cache: Path, tools: Tools) -> None:
    call("build")

    cleaned = call("clean")

    assert "GB given back" in cleaned.output
    assert "no engine" not in cleaned.output
    assert [path.name for path in cache.iterdir() if not path.name.endswith(".lock")] == []
    assert tools.images == {}


def test_clean_works_without_an_engine(call: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("build")

    def none(*_args: object, **_options: object) -> Engine:
        raise NoEngineError(where="container engine", problem="nothing is here", remedy="none")

    monkeypatch.setattr(commands, "find_engine", none)

    cleaned = call("clean")

    assert cleaned.exit_code == 0
    assert "nodes and images stay, no engine to ask: container engine: nothing is here" in cleaned.output
    assert not (cache / "bundle").exists()


def test_clean_reaches_the_engine_on_a_host_that_is_fit_for_nothing_else(
    call: Any, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is why somebody cleans: the preflight, which refuses it, must not be asked."""

    def refuse(*_args: object, **_options: object) -> Engine:
        raise BadInputError(where="this host", problem="the disk is full", remedy="free it")

    call("build")
    monkeypatch.setattr(commands, "prepare_host", refuse)

    assert call("clean").exit_code == 0
    assert tools.images == {}


def test_help_of_build_names_the_mirror_of_other_systems(call: Any) -> None:
    assert "MESHPROOF_DEBIAN_MIRROR" in call("build", "--help").output


@pytest.mark.parametrize("command", ["build", "verify", "list", "clean"])
def test_help_teaches(call: Any, command: str) -> None:
    shown = call(command, "--help")

    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) > 6
