"""``meshproof compare --live`` and ``attribution``: which session they start, and how they end."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from meshproof import compare_command as module
from meshproof.cli import app
from meshproof.model.errors import BadInputError


class Sessions:
    """Stands for pytest: notes what it is told, and ends with a status."""

    def __init__(self, status: int = 0) -> None:
        self.seen: list[str] = []
        self._status = status

    def __call__(self, *arguments: str) -> int:
        self.seen = list(arguments)
        return self._status


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Sessions:
    made = Sessions()
    monkeypatch.setattr(module, "run_suites", made)
    return made


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def test_two_settings_become_a_session_of_their_check(
    sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    call("compare", "--live", "default", "b.yaml", "--budget=7.5", "--threshold-ms=0.1", "--reports=out")

    assert sessions.seen == [
        "suites/overhead/test_settings.py",
        "--live=default",
        f"--live={tmp_path}/b.yaml",
        "--threshold-ms=0.1",
        "--overhead-profile=live",
        "--budget=7.5",
        "--cluster-name=meshproof",
        f"--report-dir={tmp_path}/out",
    ]


def test_load_profile_may_be_a_file(
    sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    call("attribution", "--load=mine.toml", "--keep-cluster", "--cluster-name=other")

    assert f"--overhead-profile={tmp_path}/mine.toml" in sessions.seen
    assert sessions.seen[-1] == "--keep-cluster"
    assert "--cluster-name=other" in sessions.seen


def test_one_setting_is_not_enough(sessions: Sessions) -> None:
    with pytest.raises(
        BadInputError, match="got one setting, expected two; give two values files, or default"
    ):
        call("compare", "--live", "default")

    assert sessions.seen == []


@pytest.mark.parametrize("option", ["--json", "--allow-other-environment"])
def test_what_is_for_recorded_runs_is_refused(sessions: Sessions, option: str) -> None:
    with pytest.raises(BadInputError, match="which are for runs that are recorded"):
        call("compare", "--live", "default", "default", option)

    assert sessions.seen == []


def test_threshold_that_is_none_is_refused_before_anything_starts(sessions: Sessions) -> None:
    with pytest.raises(BadInputError, match="--threshold-ms"):
        call("compare", "--live", "default", "default", "--threshold-ms=0")

    assert sessions.seen == []


@pytest.mark.parametrize("status", [0, 1, 2, 4, 6])
@pytest.mark.parametrize("words", [("compare", "--live", "default", "default"), ("attribution",)])
def test_exit_code_is_the_sessions(
    status: int, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "run_suites", Sessions(status))

    assert call(*words).exit_code == status


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        pytest.param([], ["--attribution=all"], id="all"),
        pytest.param(["metrics", "retry"], ["--attribution=metrics", "--attribution=retry"], id="some"),
    ],
)
def test_attribution_is_of_what_is_named(sessions: Sessions, words: list[str], parts: list[str]) -> None:
    call("attribution", *words)

    assert sessions.seen[0] == "suites/overhead/test_attribution.py"
    assert [each for each in sessions.seen if each.startswith("--attribution")] == parts
