"""What is recorded stays valid on disk, whatever happens to the process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from meshproof.model.errors import BadInputError, HarnessError
from meshproof.model.run import RunState
from meshproof.model.verdict import VerdictState
from meshproof.paths import PROJECT_ROOT
from meshproof.report.records import LATEST, REPORT_FILE, read_run
from meshproof.report.store import RunStore, atomic_write, new_run_id
from tests.report.runs import RUN_ID, a_realistic_run, a_run, a_verdict, an_overhead

OLDER_ID = "20261121-200501-aaaa"

_RECORD_AND_WAIT = """
import sys
from pathlib import Path
from meshproof.model.run import Run, RunInfo
from meshproof.report.store import RunStore
store = RunStore.create(Path(sys.argv[1]), run_id=sys.argv[2])
store.write(Run(run=RunInfo(id=sys.argv[2], started="2026-11-21T20:05:01Z", note="first words.")))
(store.folder / ".report.json.0000.tmp").write_text("{")
print("recorded", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    """A store in an empty folder of reports."""
    with RunStore.create(tmp_path / "reports", run_id=RUN_ID) as store:
        yield store


@pytest.fixture
def other_process(store: RunStore) -> Iterator[subprocess.Popen[str]]:
    """Another process that has recorded an older run and is still at it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _RECORD_AND_WAIT, str(store.root), OLDER_ID],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "recorded\n"
        yield process
        process.kill()


def test_run_id_is_utc_to_the_second_and_four_digits() -> None:
    now = datetime(2026, 11, 22, 21, 5, 1, tzinfo=timezone(timedelta(hours=1)))

    made = new_run_id(now)

    assert made.startswith("20261122-200501-")
    assert len(made) == len(RUN_ID)


def test_run_ids_of_one_second_differ() -> None:
    now = datetime.now(UTC)

    made = {new_run_id(now) for _ in range(20)}

    assert len(made) > 1


def test_what_is_written_reads_back(store: RunStore) -> None:
    run = a_realistic_run()

    store.write(run)

    assert read_run(store.report) == run


def test_summary_is_counted_from_the_verdicts(store: RunStore) -> None:
    run = a_run(a_verdict(state=VerdictState.FAILED_EXPECTED), summary={"passed": 99})

    store.write(run)

    assert read_run(store.report).summary["failed_expected"] == 1
    assert read_run(store.report).summary["passed"] == 0


def test_latest_points_to_the_run_relatively(store: RunStore) -> None:
    store.write(a_run())
    store.write(a_run())

    assert (store.root / LATEST).readlink() == Path("runs") / RUN_ID


def test_latest_moves_to_the_newer_run(store: RunStore) -> None:
    store.write(a_run())

    with RunStore.create(store.root, run_id="20261123-000000-0000") as newer:
        newer.write(a_run())

    assert (store.root / LATEST).resolve() == newer.folder


def test_a_folder_at_latest_is_left_alone(store: RunStore) -> None:
    (store.root / LATEST).mkdir()

    with pytest.raises(BadInputError, match="move it away"):
        store.write(a_run())

    assert not (store.root / LATEST).is_symlink()


def test_nothing_is_made_beside_a_folder_at_latest(tmp_path: Path) -> None:
    (tmp_path / LATEST).mkdir()

    with pytest.raises(BadInputError, match="latest"):
        RunStore.create(tmp_path, run_id=RUN_ID)

    assert [path.name for path in tmp_path.iterdir()] == [LATEST]


@pytest.mark.parametrize("link", ["reports", "reports/runs"])
def test_a_symbolic_link_as_output_folder_is_refused(tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(elsewhere)

    with pytest.raises(BadInputError, match="symbolic link"):
        RunStore.create(tmp_path / "reports", run_id=RUN_ID)

    assert not list(elsewhere.iterdir())


def test_a_file_as_output_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")

    with pytest.raises(BadInputError, match="is a file"):
        RunStore.create(tmp_path / "reports", run_id=RUN_ID)


def test_a_read_only_output_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)

    with pytest.raises(BadInputError, match="Read-only file system"):
        RunStore.create(tmp_path / "reports", run_id=RUN_ID)


def test_a_run_is_never_recorded_twice(store: RunStore) -> None:
    with pytest.raises(BadInputError, match="there already"):
        RunStore.create(store.root, run_id=RUN_ID)


@pytest.mark.parametrize(
    "run_id", ["", "..", "../up", "a/b", "/etc", "-x", ".hidden", "a b", "a\n", "x" * 65]
)
def test_a_run_id_is_one_plain_name(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(BadInputError, match="run id"):
        RunStore.create(tmp_path, run_id=run_id)


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        atomic_write(path, "new")

    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_content_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    seen: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.read_text()))

    atomic_write(path, "new")

    assert seen == ["old", "new"]  # first the file, then, renamed, its folder


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(a_run(overhead=[an_overhead(difference_ms=float("nan"))]), id="NaN"),
        pytest.param(a_run(a_verdict(statement="\ud800")), id="half a surrogate pair"),
        pytest.param(a_run(a_verdict(duration_s=object())), id="an object"),
    ],
)
def test_what_json_cannot_hold_is_refused_and_the_last_record_kept(store: RunStore, run: object) -> None:
    assert isinstance(run, type(a_run()))
    store.write(a_run())

    with pytest.raises(HarnessError, match="cannot be recorded"):
        store.write(run)

    assert read_run(store.report) == a_run()


def test_a_killed_process_leaves_a_readable_report(
    store: RunStore, other_process: subprocess.Popen[str]
) -> None:
    other_process.send_signal(signal.SIGKILL)
    other_process.wait(10)

    left = read_run(store.folder.with_name(OLDER_ID) / REPORT_FILE)

    assert left.run.state is RunState.RUNNING


def test_a_dead_predecessor_is_marked_interrupted(
    store: RunStore, other_process: subprocess.Popen[str]
) -> None:
    other_process.kill()
    other_process.wait(10)

    marked = store.mark_dead_predecessors()

    folder = store.folder.with_name(OLDER_ID)
    info = read_run(folder / REPORT_FILE).run
    assert marked == [folder]
    assert info.state is RunState.INTERRUPTED
    assert info.note.startswith("first words. The process of this run ended")
    assert not list(folder.glob(".*.tmp"))


def test_a_living_neighbour_is_left_alone(store: RunStore, other_process: subprocess.Popen[str]) -> None:
    assert other_process.poll() is None

    assert store.mark_dead_predecessors() == []


def test_only_reports_that_say_running_are_marked(store: RunStore) -> None:
    runs = store.folder.parent
    for name, text in {"finished": _report(RunState.FINISHED), "broken": '{"run": ', "none": ""}.items():
        (runs / name).mkdir()
        if text:
            (runs / name / REPORT_FILE).write_text(text)
    (runs / "link").symlink_to(runs / "finished")

    assert store.mark_dead_predecessors() == []


def test_its_own_run_is_no_predecessor(store: RunStore) -> None:
    store.write(a_run(state=RunState.RUNNING))

    assert store.mark_dead_predecessors() == []


def _report(state: RunState) -> str:
    return msgspec.json.encode(a_run(state=state)).decode()
