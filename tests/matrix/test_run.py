"""A cell is judged with a bundle of its own, which is given back; a night of cells keeps its time."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import filelock
import pytest

from meshproof.engine.process import Completed
from meshproof.history.store import HISTORY_FILE, keep, read_history
from meshproof.matrix import run as module
from meshproof.matrix.attempts import Night, read_night, write_night
from meshproof.matrix.night import run_night, write_tables
from meshproof.matrix.plan import Attempt, Planned, Reason
from meshproof.matrix.run import Ground, judge_cell
from meshproof.model.errors import BadInputError, ExitCode, HarnessError
from meshproof.model.matrix import CellRow
from meshproof.model.verdict import VerdictState
from meshproof.report.store import RunStore
from tests.history.past_runs import a_past_run, a_past_verdict
from tests.report.runs import a_run, a_verdict

CELL = CellRow(name="newer-proxy", proxy="v2.99.1")
LOCKED = CellRow(name="locked")


class Stage:
    """Stands for the build and the sessions: what each was told, and the environment of that moment."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ground = Ground(cache=tmp_path / "cache", root=tmp_path / "reports", common=["-q"])
        self.built: list[Mapping[str, str]] = []
        self.sessions: list[tuple[list[str], str | None]] = []
        self.status = 0
        self.state = VerdictState.PASSED
        self.build_fails = False
        (self.ground.cache / "steps" / "go-kind-1").mkdir(parents=True)
        (self.ground.cache / "steps" / "go-kind-1" / "kind").write_text("a program")
        (self.ground.cache / "go" / "build").mkdir(parents=True)
        monkeypatch.delenv("MESHPROOF_CACHE", raising=False)
        monkeypatch.setattr(module, "run_command", self._build)
        monkeypatch.setattr(module, "run_sessions", self._judge)
        monkeypatch.setattr(module, "laid_over", self._laid_over)
        monkeypatch.setattr(module, "find_engine", self._no_engine)

    def _build(self, argv: Sequence[object], *, env: Mapping[str, str], **_options: object) -> Completed:
        self.built.append(env)
        code = int(self.build_fails)
        return Completed(argv=(str(argv[0]),), returncode=code, stdout="", stderr="", seconds=1)

    def _judge(self, root: Path, _steps: object, common: Sequence[str]) -> int:
        self.sessions.append((list(common), os.environ.get("MESHPROOF_CACHE")))
        with RunStore.create(root, run_id=f"run-{len(self.sessions)}") as store:
            store.write(a_run(a_verdict()))
        day = len(self.sessions)
        keep(root / HISTORY_FILE, a_past_run(day, a_past_verdict("TM-DNS-001", self.state), id=f"run-{day}"))
        return self.status

    @staticmethod
    def _laid_over(_cell: object, target: Path, _locked: object) -> Path:
        return target / "images.toml"

    @staticmethod
    def _no_engine(*_args: object) -> None:
        raise HarnessError(where="engine", problem="none here", remedy="none")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_cell_is_judged_from_a_cache_of_its_own_which_is_given_back(stage: Stage) -> None:
    folder = stage.ground.folder(CELL)

    attempt = judge_cell(CELL, stage.ground)

    assert stage.built == [{"MESHPROOF_CACHE": str(folder), "MESHPROOF_RECIPES": str(folder / "recipes")}]
    assert stage.sessions[0][1] == str(folder)
    assert "MESHPROOF_CACHE" not in os.environ
    assert (attempt.exit_code, attempt.run, attempt.changed) == (0, "run-1", False)
    assert not folder.exists()
    assert (stage.ground.cache / "steps" / "go-kind-1" / "kind").read_text() == "a program"
    assert (stage.ground.cache / "go" / "build").is_dir()


def test_finished_steps_are_taken_over_and_go_keeps_one_cache(stage: Stage) -> None:
    ground = Ground(cache=stage.ground.cache, root=stage.ground.root, common=(), keep_bundles=True)

    judge_cell(CELL, ground)

    kept = ground.folder(CELL)
    assert (kept / "steps" / "go-kind-1" / "kind").samefile(ground.cache / "steps" / "go-kind-1" / "kind")
    assert (kept / "go").resolve() == ground.cache / "go"


def test_cell_as_locked_is_judged_with_the_usual_bundle(stage: Stage) -> None:
    judge_cell(LOCKED, stage.ground)

    assert stage.built == [{}]
    assert stage.sessions[0][1] is None
    assert not (stage.ground.cache / "matrix").exists()


def test_cell_that_cannot_be_built_is_told_and_stops_no_night(stage: Stage) -> None:
    stage.build_fails = True

    attempt = judge_cell(CELL, stage.ground)

    assert (attempt.exit_code, attempt.run) == (ExitCode.INCONCLUSIVE, "")
    assert "its bundle could not be built" in attempt.note
    assert not stage.sessions
    assert not stage.ground.folder(CELL).exists()


def test_run_that_is_under_way_is_not_disturbed(stage: Stage) -> None:
    with filelock.FileLock(stage.ground.cache / "run.lock"):
        attempt = judge_cell(CELL, stage.ground)

    assert "another run is under way" in attempt.note
    assert not stage.sessions


def test_change_against_the_last_run_of_the_same_versions_is_noticed(stage: Stage) -> None:
    assert not judge_cell(CELL, stage.ground).changed
    assert not judge_cell(CELL, stage.ground).changed
    stage.state, stage.status = VerdictState.FAILED, 1

    assert judge_cell(CELL, stage.ground).changed


def test_interruption_ends_the_night_and_gives_back_the_bundle(stage: Stage) -> None:
    stage.status = ExitCode.INTERRUPTED

    with pytest.raises(KeyboardInterrupt):
        judge_cell(CELL, stage.ground)

    assert not stage.ground.folder(CELL).exists()


def planned(*names: str) -> list[Planned]:
    """Cells of these names in their turn."""
    return [Planned(cell=CellRow(name=name), reason=Reason.NEW) for name in names]


def night_of(
    root: Path,
    judge: Callable[[CellRow], Attempt],
    cells: list[Planned],
    *,
    known: dict[str, Attempt] | None = None,
    budget_s: float | None = None,
) -> tuple[int, list[str]]:
    """The exit code of a night, and what it said; ``known`` is what came of cells before it."""
    said: list[str] = []
    night = Night(began="2026-11-30", attempts=known or {})
    status = run_night(cells, night, root, judge=judge, done=lambda: None, say=said.append, budget_s=budget_s)
    return status, said


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param([0, 0], 0, id="all-hold"),
        pytest.param([6, 1], 1, id="one-failed"),
        pytest.param([0, 6], 6, id="one-unclear"),
        pytest.param([0, 4], 6, id="one-refused"),
        pytest.param([], 0, id="nothing-to-do"),
    ],
)
def test_night_ends_with_the_worst_and_records_each(tmp_path: Path, codes: list[int], expected: int) -> None:
    names = [f"cell-{place}" for place in range(len(codes))]
    left = iter(codes)

    status, _ = night_of(
        tmp_path, lambda _cell: Attempt(started="now", seconds=1, exit_code=next(left)), planned(*names)
    )

    assert status == expected
    assert list(read_night(tmp_path).attempts) == names


def test_interrupted_night_keeps_what_was_judged(tmp_path: Path) -> None:
    def judge(cell: CellRow) -> Attempt:
        if cell.name == "b":
            raise KeyboardInterrupt
        return Attempt(started="now", seconds=1, exit_code=0)

    status, said = night_of(tmp_path, judge, planned("a", "b", "c"))

    assert status == ExitCode.INTERRUPTED
    assert list(read_night(tmp_path).attempts) == ["a"]
    assert "--resume" in said[-1]


def test_cell_that_would_not_end_in_time_is_left_to_the_next_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((0.0, 0.0, 3000.0, 3000.0))  # began; before each of three cells
    monkeypatch.setattr("meshproof.matrix.night.time.monotonic", lambda: next(clock))
    took = {"a": 3000.0, "b": 1200.0, "c": 300.0}

    def judge(cell: CellRow) -> Attempt:
        return Attempt(started="now", seconds=took[cell.name], exit_code=0, run="run-1")

    known = {name: judge(CellRow(name=name)) for name in took}
    status, said = night_of(tmp_path, judge, planned(*took), known=known, budget_s=3600)

    assert status == 0
    assert any("cell a" in line for line in said)
    assert any("cell 3 of 3: c" in line for line in said)
    assert any("cell b: left to the next night" in line for line in said)


def test_broken_record_of_the_cells_is_refused(tmp_path: Path) -> None:
    write_night(tmp_path, Night(began="now"))
    (tmp_path / "cells.json").write_text("{")

    with pytest.raises(BadInputError, match="every cell counts as new then"):
        read_night(tmp_path)


def test_table_is_written_beside_the_runs(tmp_path: Path) -> None:
    write_tables(tmp_path, {})
    assert list(tmp_path.iterdir()) == []

    keep(tmp_path / HISTORY_FILE, a_past_run(1))
    write_tables(tmp_path, {})

    assert read_history(tmp_path / HISTORY_FILE)
    assert (tmp_path / "compatibility.md").read_text("utf-8").startswith("# Compatibility")
    assert (tmp_path / "compatibility.html").exists()
