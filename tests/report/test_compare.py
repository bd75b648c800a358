"""`meshproof baseline save` and `meshproof compare`: from files to an exit code."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from meshproof.cli import app
from meshproof.model.baseline import parse_baseline
from meshproof.model.errors import BadInputError
from meshproof.model.run import Environment, Run, RunInfo
from meshproof.report.store import RunStore
from tests.judge.baselines import around
from tests.report.runs import RUN_ID, a_detail, a_run, an_environment, an_overhead

LATER = "20261123-200501-77aa"


def measured(centre_ms: float, *, reach_ms: float = 0.1, rounds: int = 20, **changed: Any) -> Run:
    """A run that measured such differences at p50 and p90."""
    differences = around(centre_ms, reach_ms, rounds)
    rows = [an_overhead(q, centre_ms, round_differences_ms=differences, rounds=rounds) for q in (50, 90)]
    return a_run(**{"overhead": rows, "overhead_detail": [a_detail()], **changed})


def record(reports: Path, run_id: str, run: Run) -> None:
    info = RunInfo(id=run_id, started="2026-11-22T20:05:01Z")
    with RunStore.create(reports, run_id=run_id) as store:
        store.write(msgspec.structs.replace(run, run=info))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder of reports with one run, which cost 0.9 ms."""
    record(tmp_path, RUN_ID, measured(0.9))
    return tmp_path


def call(reports: Path, *arguments: str | Path) -> Result:
    """Run the command, its errors as they are."""
    words = [*map(str, arguments), "--reports", str(reports)]
    return CliRunner().invoke(app, words, catch_exceptions=False)


@pytest.fixture
def saved(reports: Path) -> Path:
    """The baseline of that run."""
    path = reports / "baselines" / "main.json"
    call(reports, "baseline", "save", "--output", path)
    return path


def test_saved_baseline_holds_the_run_and_says_what_it_can_tell(reports: Path) -> None:
    path = reports / "baselines" / "main.json"

    said = call(reports, "baseline", "save", RUN_ID, "--output", path).output.splitlines()

    assert parse_baseline(path.read_bytes(), where="x").run == RUN_ID
    assert said[0] == str(path)
    assert said[1].startswith("an equal run would be judged: pass: the mesh costs what it did")


def test_baseline_is_not_written_over_unless_told_to(reports: Path, saved: Path) -> None:
    before = saved.read_bytes()
    record(reports, LATER, measured(1.4))

    with pytest.raises(BadInputError, match="is there already; give another name, or --replace"):
        call(reports, "baseline", "save", "--output", saved)
    assert saved.read_bytes() == before

    call(reports, "baseline", "save", "--output", saved, "--replace")
    assert parse_baseline(saved.read_bytes(), where="x").run == LATER


@pytest.mark.parametrize(
    ("run", "said"),
    [
        pytest.param(
            measured(0.9, rounds=5), "the baseline has 5 valid rounds, 10 are needed", id="few rounds"
        ),
        pytest.param(
            measured(0.9, environment=Environment()), "not recorded: cpu, cpus, kernel", id="no environment"
        ),
        pytest.param(
            a_run(environment=an_environment()), "expected an overhead measurement", id="no overhead"
        ),
        pytest.param(
            measured(0.9, overhead_detail=[]), r"measurements\[0\].load: got {}", id="no load profile"
        ),
    ],
)
def test_run_that_is_no_baseline_is_not_saved(reports: Path, run: Run, said: str) -> None:
    record(reports, LATER, run)
    path = reports / "baselines" / "main.json"

    with pytest.raises(BadInputError, match=said):
        call(reports, "baseline", "save", "--output", path)
    assert not path.exists()


def test_folder_that_cannot_be_written_to_is_refused(reports: Path) -> None:
    (reports / "file").write_text("")

    with pytest.raises(BadInputError, match="cannot be written to"):
        call(reports, "baseline", "save", "--output", reports / "file" / "main.json")


@pytest.mark.parametrize(
    ("now_ms", "arguments", "answer", "code"),
    [
        pytest.param(0.92, [], "pass", 0, id="pass"),
        pytest.param(1.4, [], "regressed", 1, id="regressed"),
        pytest.param(0.4, [], "improved", 0, id="improved"),
        pytest.param(1.4, ["--threshold-ms", "0.6"], "pass", 0, id="threshold"),
    ],
)
def test_answer_comes_with_its_sentence_and_exit_code(
    reports: Path, saved: Path, now_ms: float, arguments: list[str], answer: str, code: int
) -> None:
    record(reports, LATER, measured(now_ms))

    result = call(reports, "compare", saved, *arguments)

    assert result.exit_code == code
    lines = result.output.splitlines()
    assert lines[0].startswith(f"{answer}: the mesh costs")
    assert lines[1] == "  profile standard, measured by locust; 20 rounds in the baseline, 20 in the run"
    assert lines[2].startswith(f"  p50   +0.90 -> {now_ms:+.2f} ms, change {now_ms - 0.9:+.2f} [")
    assert "shown, not judged" in lines[3]


def test_other_environment_is_inconclusive_unless_allowed(reports: Path, saved: Path) -> None:
    other = msgspec.structs.replace(an_environment(), kubernetes="v1.33.0")
    record(reports, LATER, measured(1.4, environment=other))

    refused = call(reports, "compare", saved)
    allowed = call(reports, "compare", saved, "--allow-other-environment")

    assert refused.exit_code == 6
    assert "kubernetes was v1.32.1, is v1.33.0" in refused.output
    assert "  differs: kubernetes: v1.32.1 in the baseline, v1.33.0 in the run" in refused.output
    assert allowed.exit_code == 1
    assert "the environment is not the baseline's" in allowed.output


def test_json_is_for_machines(reports: Path, saved: Path) -> None:
    record(reports, LATER, measured(1.4))

    result = call(reports, "compare", saved, "--json")

    told = json.loads(result.output)
    assert result.exit_code == 1
    assert (told["answer"], told["baseline"]) == ("regressed", str(saved))
    assert told["run"].endswith("latest/report.json")
    assert told["comparisons"][0]["changes"][0]["change_ms"] == pytest.approx(0.5)


@pytest.mark.parametrize("run", ["latest", LATER, "runs/{}", "runs/{}/report.json"])
@pytest.mark.parametrize("baseline", ["main", RUN_ID, "baselines/main.json", "runs/" + RUN_ID])
def test_baseline_and_run_are_named_in_every_usual_way(
    reports: Path, saved: Path, baseline: str, run: str
) -> None:
    assert saved.exists()
    record(reports, LATER, measured(1.4))
    names = [str(reports / each.format(LATER)) if "/" in each else each for each in (baseline, run)]

    assert call(reports, "compare", *names).exit_code == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param(
            "mian", "BASELINE: got 'mian', expected a baseline or a run; did you mean 'main'?", id="name"
        ),
        pytest.param("/no/such.json", "/no/such.json: cannot be read", id="path"),
        pytest.param("/", "/report.json: cannot be read", id="folder"),
    ],
)
def test_baseline_that_is_not_there_is_refused(reports: Path, saved: Path, name: str, said: str) -> None:
    assert saved.exists()

    with pytest.raises(BadInputError) as refused:
        call(reports, "compare", name)

    assert said in str(refused.value)


def test_where_nothing_was_saved_the_way_to_save_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="save one with `meshproof baseline save`"):
        call(tmp_path, "compare", "main")


def test_damaged_baseline_is_refused(reports: Path, saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-200])

    with pytest.raises(BadInputError, match=r"main\.json: got text that is no whole JSON"):
        call(reports, "compare", saved)
