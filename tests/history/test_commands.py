"""`meshproof history`: listed, told by requirement, compared, drawn and made again."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from meshproof.history.commands import app
from meshproof.history.store import HISTORY_FILE, keep
from meshproof.model.errors import BadInputError
from meshproof.model.history import Versions
from meshproof.model.verdict import VerdictState
from meshproof.report.store import RunStore
from tests.history.past_runs import VERSIONS, a_past_figure, a_past_run, a_past_verdict
from tests.report.runs import HOSTILE, RUN_ID, a_realistic_run

P, F, S = VerdictState.PASSED, VerdictState.FAILED, VerdictState.SKIPPED


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Three nights: the proxy moved for the last, and a requirement broke."""
    newer = Versions(mesh=VERSIONS.mesh, proxy="Traefik v2.11.20")
    for run in (
        a_past_run(1, a_past_verdict("TM-DNS-001", convergence_s=1.25), figures=[a_past_figure(0.9)]),
        a_past_run(2, a_past_verdict("TM-DNS-001", S), mesh_profile="acl"),
        a_past_run(3, a_past_verdict("TM-DNS-001", F, said=HOSTILE), versions=newer),
    ):
        keep(tmp_path / HISTORY_FILE, run)
    return tmp_path


def history(reports: Path, *arguments: str) -> Result:
    """Run the command, its errors as they are."""
    command = [*arguments, "--reports", str(reports)]
    return CliRunner().invoke(app, command, catch_exceptions=False)


def test_runs_are_listed_newest_first_under_their_versions(reports: Path) -> None:
    assert history(reports).output.splitlines() == [
        "traefik-mesh v1.4.8, Traefik v2.11.20",
        "  20261103-020000-0003  plain           ✕   1  ?   0  ≠   0  ✓   0",
        "traefik-mesh v1.4.8, Traefik v2.11.14, Kubernetes v1.34.4, CoreDNS v1.12.1",
        "  20261102-020000-0002  acl             ✕   0  ?   0  ≠   0  ✓   0",
        "  20261101-020000-0001  plain           ✕   0  ?   0  ≠   0  ✓   1  +0.90 ms [+0.80, +1.00]",
    ]


def test_only_the_last_or_those_of_a_profile(reports: Path) -> None:
    assert len(history(reports, "--last", "1").output.splitlines()) == 2
    assert "0002" in history(reports, "--mesh-profile", "acl").output


def test_one_requirement_over_time(reports: Path) -> None:
    told = history(reports, "--requirement", "TM-DNS-001").output

    first, *rows = told.splitlines()
    assert first.startswith("TM-DNS-001: ")
    assert "✕ failed" in rows[1]
    assert "\x1b" not in told
    assert rows[3].endswith("✓ passed            1.25 s")


def test_unknown_requirement_is_refused_with_the_nearest(reports: Path) -> None:
    with pytest.raises(BadInputError, match="did you mean 'TM-DNS-001'"):
        history(reports, "--requirement", "TM-DNS-01")


def test_json_of_runs_and_of_a_requirement(reports: Path) -> None:
    runs = json.loads(history(reports, "--json").output)["runs"]
    one = json.loads(history(reports, "--requirement", "TM-DNS-001", "--json").output)

    assert [each["counts"]["failed"] for each in runs] == [0, 0, 1]
    assert runs[0]["overhead"][0]["interval_ms"] == [0.8, 1.0]
    assert "verdicts" not in runs[0]
    assert [(each["state"], each["convergence_s"]) for each in one["verdicts"]] == [
        ("passed", 1.25),
        ("failed", None),
    ]


def test_page_is_written(reports: Path, tmp_path: Path) -> None:
    page = tmp_path / "history.html"

    assert history(reports, "--html", str(page)).output.replace("\n", "") == str(page)
    assert "Traefik v2.11.20" in page.read_text("utf-8")


def test_page_that_cannot_be_written_is_refused(reports: Path) -> None:
    with pytest.raises(BadInputError, match="choose another file"):
        history(reports, "--html", str(reports / "nowhere" / "history.html"))


def test_changes_are_those_of_the_newest_run_to_the_last_of_its_profile(reports: Path) -> None:
    told = history(reports, "changes").output.splitlines()

    assert told[0] == "from 20261101-020000-0001 to 20261103-020000-0003:"
    assert "proxy: Traefik v2.11.14 -> Traefik v2.11.20" in told
    assert any(line.startswith("  ✕ TM-DNS-001: passed -> failed") for line in told)
    assert "\x1b" not in "".join(told)


def test_changes_between_two_runs_of_ones_own_choice(reports: Path) -> None:
    older, newer = "20261103-020000-0003", "20261101-020000-0001"

    assert (
        json.loads(history(reports, "changes", older, newer, "--json").output)["changes"][0]["direction"]
        == "better"
    )
    assert "nothing changed" in history(reports, "changes", older, older).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["20261101-020000-0009"], "did you mean", id="unknown"),
        pytest.param(["20261101-020000-0001", "20261109"], "no such run", id="unknown-later"),
    ],
)
def test_changes_of_an_unknown_run_are_refused(reports: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        history(reports, "changes", *arguments)


def test_first_run_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    keep(tmp_path / HISTORY_FILE, a_past_run(1))

    with pytest.raises(BadInputError, match="no earlier run under profile 'plain'"):
        history(tmp_path, "changes")


def test_rebuild_takes_up_the_reports_and_says_what_it_left_out(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, run_id=RUN_ID) as store:
        store.write(a_realistic_run())
    broken = tmp_path / "runs" / "20260101-000000-0000"
    broken.mkdir()
    (broken / "report.json").write_text("{")
    (tmp_path / HISTORY_FILE).write_text("no database" * 99)

    told = history(tmp_path, "rebuild").output

    assert "the history was broken" in told
    assert "left out: 20260101-000000-0000: is no report" in told
    assert "1 runs taken up" in told
    assert "2 mutants" in history(tmp_path).output or "campaign of" in history(tmp_path).output
