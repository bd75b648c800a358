"""Runs are found by their names, and what cannot be read says why."""

from pathlib import Path

import pytest

from meshproof.model.errors import BadInputError
from meshproof.model.run import run_to_json
from meshproof.report.records import find_run, list_runs, read_run
from tests.report.runs import RUN_ID, a_run


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Two runs, the newer one is damaged, and no ``latest``."""
    for name, text in {
        RUN_ID: run_to_json(a_run()),
        "20261123-000000-ffff": '{"schema_version": "1"',
    }.items():
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "is no report", id="empty"),
        pytest.param(run_to_json(a_run())[:-30], "is no report", id="truncated"),
        pytest.param("<html></html>", "is no report", id="HTML"),
        pytest.param("[]", "is no report", id="a list"),
        pytest.param('{"schema_version": "1"}', "run", id="a field missing"),
        pytest.param('{"schema_version": "2"}', "got '2', expected '1'", id="another version"),
        pytest.param('{"schema_version": "1", "run": "\xff"}', "is no report", id="not UTF-8"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(BadInputError, match=said):
        read_run(path)


def test_a_missing_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        read_run(tmp_path / "report.json")


def test_a_run_is_found_by_its_id(reports: Path) -> None:
    assert find_run(RUN_ID, reports) == reports / "runs" / RUN_ID / "report.json"


def test_latest_follows_the_link(reports: Path) -> None:
    (reports / "latest").symlink_to(Path("runs") / RUN_ID)

    assert find_run("latest", reports) == reports / "latest" / "report.json"


def test_latest_without_the_link_is_the_newest(reports: Path) -> None:
    assert find_run("latest", reports).parent.name == "20261123-000000-ffff"


@pytest.mark.parametrize("name", ["/some/run", "/some/run/report.json"])
def test_a_run_is_found_by_its_path(reports: Path, name: str) -> None:
    assert find_run(name, reports) == Path("/some/run/report.json")


def test_an_unknown_run_is_refused_with_the_nearest(reports: Path) -> None:
    with pytest.raises(BadInputError, match=f"did you mean '{RUN_ID}'"):
        find_run(RUN_ID[:-1], reports)


def test_no_run_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no run"):
        find_run("latest", tmp_path)


def test_runs_are_listed_newest_first_the_damaged_one_with_its_problem(reports: Path) -> None:
    newest, oldest = list_runs(reports)

    assert newest.run is None
    assert "is no report" in newest.problem
    assert oldest.run == a_run()
