"""requirements/setup.py: when the virtual environment is made again, and how the script ends."""

import json
import subprocess
import sys
from types import ModuleType

import pytest

from meshproof.paths import PROJECT_ROOT


@pytest.fixture
def pips(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What pip is asked for; the environment is an empty folder with a Python."""
    asked: list[tuple[str, ...]] = []

    def make() -> None:
        asked.append(("venv",))
        (setup.VENV / "bin").mkdir(parents=True, exist_ok=True)
        (setup.VENV / "bin/python").touch()

    monkeypatch.setattr(setup, "make_environment", make)
    monkeypatch.setattr(setup, "pip", lambda *arguments, **_count: asked.append(arguments))
    return asked


def test_environment_is_made_once(setup: ModuleType, pips: list[tuple[str, ...]]) -> None:
    setup.ensure_environment("run")
    setup.ensure_environment("run")

    assert pips == [
        ("venv",),
        ("--require-hashes", "--requirement", str(setup.HERE / "run.txt")),
        ("--no-deps", "--no-build-isolation", "--editable", str(setup.ROOT)),
    ]


def test_environment_of_the_tests_serves_the_suites_too(
    setup: ModuleType, pips: list[tuple[str, ...]]
) -> None:
    setup.ensure_environment("run")
    setup.ensure_environment("test")
    setup.ensure_environment("run")

    assert pips.count(("venv",)) == 1
    assert pips[-2] == ("--require-hashes", "--requirement", str(setup.HERE / "dev.txt"))


@pytest.mark.parametrize(
    ("file", "old", "new", "again"),
    [
        pytest.param("requirements/run.txt", "a==1", "a==2", True, id="pins"),
        pytest.param("pyproject.toml", '"x"', '"y"', True, id="our-metadata"),
        pytest.param("pyproject.toml", "a = 1", "a = 2", False, id="a-tools-settings"),
        pytest.param("requirements/dev.txt", "b==2", "b==3", False, id="other-pins"),
        pytest.param(".venv/meshproof-setup.json", "}", "", True, id="torn-stamp"),
    ],
)
def test_it_is_made_again_only_when_it_has_to(
    setup: ModuleType, pips: list[tuple[str, ...]], file: str, old: str, new: str, *, again: bool
) -> None:
    setup.ensure_environment("run")
    pips.clear()
    path = setup.ROOT / file
    path.write_text(path.read_text().replace(old, new))

    setup.ensure_environment("run")

    assert bool(pips) is again


def test_stamp_of_another_shape_is_no_stamp(setup: ModuleType, pips: list[tuple[str, ...]]) -> None:
    setup.ensure_environment("run")
    (setup.VENV / "meshproof-setup.json").write_text("[]")

    assert setup.stamps() == {}
    assert pips


def test_python_that_was_removed_makes_it_again(setup: ModuleType, pips: list[tuple[str, ...]]) -> None:
    setup.ensure_environment("run")
    (setup.VENV / "bin/python").unlink()

    setup.ensure_environment("run")

    assert pips.count(("venv",)) == 2


def test_interrupted_installation_leaves_no_stamp(
    setup: ModuleType, pips: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.ensure_environment("run")
    (setup.HERE / "run.txt").write_text("a==2\n")

    def interrupted(*_arguments: str, count: int) -> None:
        raise KeyboardInterrupt(count)

    monkeypatch.setattr(setup, "pip", interrupted)

    with pytest.raises(KeyboardInterrupt):
        setup.ensure_environment("run")
    assert setup.stamps() == {}
    assert pips


@pytest.mark.parametrize("arguments", [[], ["runn"], ["run", "test"]], ids=["none", "unknown", "two"])
def test_wrong_arguments_end_with_4(
    setup: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert setup.main(arguments) == 4
    assert "expected one of: run, test" in capsys.readouterr().err


def test_old_python_ends_with_4_and_the_remedy(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 2))

    assert setup.main(["run"]) == 4
    assert "make PYTHON=" in capsys.readouterr().err


@pytest.mark.usefixtures("pips")
def test_each_purpose_gets_its_packages_and_its_environment(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    purposes: list[str] = []
    monkeypatch.setattr(setup, "ensure_packages", purposes.append)

    assert setup.main(["test"]) == 0
    assert purposes == ["test"]
    assert json.loads((setup.VENV / "meshproof-setup.json").read_text()).keys() == {"python", "run", "test"}


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        pytest.param(KeyboardInterrupt(), 2, "interrupted", id="ctrl-c"),
        pytest.param(
            subprocess.TimeoutExpired(["dpkg"], 30), 4, "dpkg: still not done after 30 s", id="hung"
        ),
    ],
)
def test_how_it_ends(
    setup: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    code: int,
    words: str,
) -> None:
    def end(_purpose: str) -> None:
        raise raised

    monkeypatch.setattr(setup, "ensure_packages", lambda _purpose: None)
    monkeypatch.setattr(setup, "ensure_environment", end)

    assert setup.main(["test"]) == code
    assert words in capsys.readouterr().err


def test_pip_that_fails_shows_its_last_words(setup: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    (setup.VENV / "bin").mkdir(parents=True)
    python = setup.VENV / "bin/python"
    python.write_text(
        "#!/bin/sh\nfor n in $(seq 40); do echo Collecting p$n; done\necho no matching\nexit 1\n"
    )
    python.chmod(0o755)

    with pytest.raises(setup.SetupError, match="pip failed"):
        setup.pip("--requirement", "x", count=40)

    out, err = capfd.readouterr()
    assert out == "setup: 20 of 40 fetched\nsetup: 40 of 40 fetched\n"
    assert err.rstrip().endswith("no matching")


def test_python_without_venv_names_the_package(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.sys, "executable", "/bin/false")

    with pytest.raises(setup.SetupError, match="python3-venv"):
        setup.make_environment()


def test_script_runs_with_nothing_but_the_standard_library() -> None:
    script = PROJECT_ROOT / "requirements/setup.py"

    done = subprocess.run(
        [sys.executable, "-I", "-S", script, "x"], capture_output=True, text=True, check=False, timeout=10
    )

    assert done.returncode == 4
    assert done.stderr.startswith("setup: got ['x'], expected one of: run, test")
