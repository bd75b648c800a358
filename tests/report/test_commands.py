"""`meshproof report`: runs on disk, looked at again."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from meshproof.model.errors import BadInputError
from meshproof.report.commands import app
from meshproof.report.store import RunStore
from tests.report.runs import RUN_ID, a_realistic_run


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder of reports with one run."""
    with RunStore.create(tmp_path, run_id=RUN_ID) as store:
        store.write(a_realistic_run())
    return tmp_path


def report(*arguments: str | Path) -> Result:
    """Run the command, its errors as they are."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def test_show_prints_the_summary_of_the_latest(reports: Path) -> None:
    shown = report("show", "--reports", reports)

    assert shown.exit_code == 0
    assert shown.output.startswith("traefik-mesh v1.4.8")
    assert len(shown.output.splitlines()) <= 25


def test_show_refuses_an_unknown_run(reports: Path) -> None:
    with pytest.raises(BadInputError, match="no such run"):
        report("show", "nothing-like-it", "--reports", reports)


def test_html_renders_the_page_and_says_where(reports: Path) -> None:
    rendered = report("html", RUN_ID, "--reports", reports)

    page = reports / "runs" / RUN_ID / "report.html"
    assert rendered.output.replace("\n", "") == str(page)
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_html_refuses_a_folder_that_cannot_be_written(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("meshproof.report.commands.write_page", read_only)

    with pytest.raises(BadInputError, match="Read-only"):
        report("html", "--reports", reports)


def test_list_tells_every_run(reports: Path) -> None:
    broken = reports / "runs" / "20260101-000000-0000"
    broken.mkdir()
    (broken / "report.json").write_text("{")

    newest, oldest = report("list", "--reports", reports).output.splitlines()

    assert newest.startswith(f"{RUN_ID} 2026-11-22T20:05:01Z finished: 2 failed, 1 inconclusive")
    assert oldest.startswith("20260101-000000-0000 unreadable: is no report")


def test_list_of_no_runs_says_how_to_make_one(tmp_path: Path) -> None:
    assert "pytest suites/" in report("list", "--reports", tmp_path).output
