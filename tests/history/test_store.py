"""The record of every run: whole or not at all, and never in a run's way."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from meshproof.history import store as module
from meshproof.history.store import HISTORY_FILE, keep, read_history, rebuild, remember
from meshproof.model.errors import BadInputError
from meshproof.model.history import past_of
from meshproof.model.run import Run, RunState
from meshproof.model.verdict import VerdictState
from meshproof.report.store import RunStore
from tests.history.past_runs import a_past_figure, a_past_run, a_past_verdict
from tests.report.runs import a_realistic_run, a_run, a_verdict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history is to be."""
    return tmp_path / HISTORY_FILE


def recorded(root: Path, name: str, run: Run) -> Run:
    """Write ``run`` into the runs' store under an id of its own."""
    named = msgspec.structs.replace(run, run=msgspec.structs.replace(run.run, id=name))
    with RunStore.create(root, run_id=name) as store:
        store.write(named)
    return named


def test_run_reads_back_as_it_was_kept(path: Path) -> None:
    kept = past_of(a_realistic_run())

    keep(path, kept)

    assert read_history(path) == [kept]
    assert kept.figures
    assert any(each.convergence_s for each in kept.verdicts)


def test_only_the_words_of_the_state_are_kept() -> None:
    kept = {each.requirement: each for each in past_of(a_realistic_run()).verdicts}

    assert kept["TM-INSTALL-005"].said.startswith("AssertionError: container 'controller'")
    assert kept["TM-INSTALL-001"].said == kept["TM-TRACE-005"].said == ""
    assert kept["TM-DNS-005"].finding == "findings.md#tm-dns-005"


def test_run_kept_again_replaces_itself(path: Path) -> None:
    keep(path, a_past_run(1, a_past_verdict("TM-DNS-001"), a_past_verdict("TM-DNS-002")))

    again = a_past_run(1, a_past_verdict("TM-DNS-001", VerdictState.FAILED))
    keep(path, again)

    assert read_history(path) == [again]


def test_oldest_come_first_and_the_last_can_be_asked_for(path: Path) -> None:
    for day in (3, 1, 2):
        keep(path, a_past_run(day))
    keep(path, a_past_run(4, mesh_profile="acl"))

    def days(**options: int | str | None) -> list[str]:
        return [each.id[6:8] for each in read_history(path, **options)]  # type: ignore[arg-type]

    assert days() == ["01", "02", "03", "04"]
    assert days(last=2) == ["03", "04"]
    assert days(last=2, mesh_profile="plain") == ["02", "03"]


def test_nothing_of_a_run_stays_when_its_writing_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(path, a_past_run(1))
    monkeypatch.setattr(module, "_INSERT_FIGURE", "INSERT INTO figures VALUES (1)")

    with pytest.raises(BadInputError):
        keep(path, a_past_run(2, figures=[a_past_figure()]))

    assert [each.id for each in read_history(path)] == [a_past_run(1).id]


def test_log_is_written_ahead(path: Path) -> None:
    keep(path, a_past_run(1))

    with closing(sqlite3.connect(path)) as base:
        assert base.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_locked_file_is_a_note(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAIT_S", 0.01)
    keep(path, a_past_run(1))

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        note = remember(path.parent, a_realistic_run())

    assert "database is locked" in note
    assert "when nothing else uses it, `meshproof history rebuild`" in note


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            b"this is no database, however long one looks at it" * 40, "is broken", id="no-database"
        ),
        pytest.param(None, "unable to open", id="a-folder"),
    ],
)
def test_broken_file_is_a_note(path: Path, content: bytes | None, said: str) -> None:
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    note = remember(path.parent, a_realistic_run())

    assert said in note
    assert "`meshproof history rebuild`" in note


def test_file_of_another_schema_is_left_as_it_is(path: Path) -> None:
    keep(path, a_past_run(1))
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA user_version = 7")

    note = remember(path.parent, a_realistic_run())

    assert "has schema version 7, expected 1" in note
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_no_history_says_how_to_get_one(path: Path) -> None:
    with pytest.raises(BadInputError, match="no history yet; every run adds to it"):
        read_history(path)


def test_deleted_history_is_made_again_from_the_reports(tmp_path: Path, path: Path) -> None:
    runs = [
        recorded(tmp_path, name, a_run(a_verdict()))
        for name in ("20261101-000000-aaaa", "20261102-000000-bbbb")
    ]
    recorded(tmp_path, "20261103-000000-cccc", a_run(a_verdict(), state=RunState.RUNNING))
    broken = tmp_path / "runs" / "20261104-000000-dddd"
    broken.mkdir()
    (broken / "report.json").write_text("{")

    came = rebuild(tmp_path)

    assert sorted(each.id for each in read_history(path)) == [each.run.id for each in runs]
    assert (came.runs, came.aside) == (2, None)
    assert came.left_out["20261103-000000-cccc"] == "has not ended"
    assert came.left_out["20261104-000000-dddd"].startswith("is no report")


def test_rebuild_keeps_runs_whose_reports_are_gone(tmp_path: Path, path: Path) -> None:
    keep(path, a_past_run(1))
    recorded(tmp_path, "20261102-000000-bbbb", a_run(a_verdict()))

    rebuild(tmp_path)

    assert len(read_history(path)) == 2


def test_rebuild_moves_a_broken_file_aside(tmp_path: Path, path: Path) -> None:
    path.write_bytes(b"no database" * 200)
    recorded(tmp_path, "20261102-000000-bbbb", a_run(a_verdict()))

    came = rebuild(tmp_path)

    assert came.aside is not None
    assert came.aside.read_bytes().startswith(b"no database")
    assert [each.id for each in read_history(path)] == ["20261102-000000-bbbb"]


def test_log_goes_where_its_file_goes(path: Path) -> None:
    path.write_bytes(b"no database")
    path.with_name(f"{HISTORY_FILE}-wal").write_bytes(b"its log")

    aside = module._set_aside(path)

    assert sorted(each.name for each in path.parent.iterdir()) == [aside.name, f"{aside.name}-wal"]


def test_torn_page_is_found_by_a_rebuild(tmp_path: Path, path: Path) -> None:
    for day in range(1, 20):
        keep(path, a_past_run(day, *(a_past_verdict(f"TM-DNS-{place:03}") for place in range(100))))
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xa5" * 4096
    path.write_bytes(content)

    assert rebuild(tmp_path).aside is not None
