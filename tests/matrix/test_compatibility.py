"""Which versions hold together: by the newest whole run of each combination, what changed first."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshproof.history.store import HISTORY_FILE, keep
from meshproof.matrix.commands import app
from meshproof.matrix.compatibility import compatibility, whole_runs
from meshproof.matrix.table import render_markdown, render_table_page, sentence
from meshproof.model.errors import BadInputError
from meshproof.model.history import PastRun, Versions
from meshproof.model.requirement import Subject
from meshproof.model.verdict import VerdictState
from tests.history.past_runs import VERSIONS, a_past_figure, a_past_run, a_past_verdict
from tests.report.runs import HOSTILE

P, F, K = VerdictState.PASSED, VerdictState.FAILED, VerdictState.FAILED_EXPECTED
N, S, Q = VerdictState.NOT_SUPPORTED, VerdictState.SKIPPED, VerdictState.INCONCLUSIVE
NAMES = ("TM-DNS-001", "TM-DNS-002", "TM-SMI-001", "TM-SMI-002")
STATEMENTS = {"TM-DNS-002": "A name MUST | resolve <at once>."}


def proxy(version: str) -> Versions:
    """The usual versions under another proxy."""
    return Versions(mesh=VERSIONS.mesh, proxy=f"Traefik {version}", kubernetes="v1.34.4", coredns="v1.12.1")


def night(day: int, *states: VerdictState, version: str = "v2.11.14", **changed: object) -> PastRun:
    """A run of four requirements under this proxy."""
    return a_past_run(day, *map(a_past_verdict, NAMES, states), versions=proxy(version), **changed)


def test_cell_is_the_newest_run_of_its_versions() -> None:
    cells = compatibility(
        [night(1, F, F, F, F), night(2, P, K, P, N), night(3, P, P, P, F, version="v2.11.9")]
    )

    assert [(cell.versions.proxy, cell.run[6:8]) for cell in cells] == [
        ("Traefik v2.11.14", "02"),
        ("Traefik v2.11.9", "03"),
    ]
    assert [(each.area, each.counts, each.worst) for each in cells[0].areas] == [
        ("dns", {P: 1, K: 1}, K),
        ("smi", {P: 1, N: 1}, N),
    ]


def test_selection_does_not_stand_for_the_whole() -> None:
    runs = [night(1, P, P, P, P), night(2, F, S, S, S)]

    assert whole_runs(runs) == runs[:1]
    assert not compatibility(runs)[0].troubles


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"mutants": 2}, id="the-mesh-was-broken"),
        pytest.param({"versions": Versions(mesh="traefik-mesh v1.4.8")}, id="versions-not-read"),
    ],
)
def test_run_that_says_nothing_of_these_versions_is_left_out(changed: dict[str, object]) -> None:
    assert compatibility([a_past_run(1, **changed)]) == []


def test_cell_is_compared_with_its_run_before() -> None:
    runs = [night(1, P, P, P, P), night(2, P, P, P, P, version="v2.11.20"), night(3, P, F, P, P)]

    cell = next(each for each in compatibility(runs) if each.versions == proxy("v2.11.14"))

    assert cell.since is not None
    assert cell.since.before == runs[0].id
    assert [each.requirement for each in cell.since.changes] == ["TM-DNS-002"]
    assert cell.against is None


def test_new_cell_is_compared_with_another() -> None:
    cell = compatibility([night(1, P, P, P, P), night(2, P, P, P, F, version="v2.11.20")])[0]

    assert cell.against == proxy("v2.11.14")
    assert cell.since is not None
    assert [each.after for each in cell.since.changes] == [F]
    assert compatibility([night(1, P, P, P, P)])[0].since is None


def test_new_cell_is_compared_with_the_nearest_of_those_that_hold() -> None:
    runs = [
        night(1, P, P, P, P),
        night(2, P, F, P, P, version="v2.11.15"),
        night(3, P, P, P, P, version="v2.11.20"),
    ]

    newest = next(each for each in compatibility(runs) if each.versions == proxy("v2.11.20"))

    assert newest.against == proxy("v2.11.14")


def test_what_is_worse_stands_first_by_name() -> None:
    cells = compatibility([night(1, P, P, P, P), broken()])
    told, page = render_markdown(cells, STATEMENTS), render_table_page(cells, STATEMENTS)

    line = f"{proxy('v2.11.20').told()}: worse in TM-DNS-002"
    assert told.index(line) < told.index("## What changed")
    assert page.index("<strong>worse</strong> in <code>TM-DNS-002</code>") < page.index(
        '<section id="changes"'
    )


def broken(day: int = 2) -> PastRun:
    """A run with a failure whose words mean harm, under a newer proxy."""
    said = a_past_verdict("TM-DNS-002", F, said=f"got `502` | {HOSTILE}\nsecond line", subject=Subject.DNS)
    known = a_past_verdict("TM-SMI-001", K, finding="docs/findings.md#one")
    versions = proxy("v2.11.20")
    rest = (a_past_verdict("TM-DNS-001"), a_past_verdict("TM-SMI-002", Q))
    return a_past_run(day, rest[0], said, known, rest[1], versions=versions, figures=[a_past_figure()])


def test_markdown_tells_what_changed_before_the_matrix_and_every_red_cell_after() -> None:
    told = render_markdown(compatibility([night(1, P, P, P, P), broken()]), STATEMENTS)

    headings = re.findall(r"^## (.*)$", told, re.MULTILINE)
    assert headings == [
        "What changed",
        "Versions by areas",
        "What failed or could not be judged",
        "Known deviations",
    ]
    assert "2 combinations: 1 with failures, 1 without." in told
    assert (
        "✕ failed: **TM-DNS-002** A name MUST \\| resolve \\<at once\\>. Subject: dns. It said: `got '502' | "
        in told
    )
    assert "? inconclusive: **TM-SMI-002**" in told
    assert "[TM-SMI-001](findings.md#one)" in told


def test_words_of_others_break_no_markdown() -> None:
    told = render_markdown(compatibility([broken(1)]), STATEMENTS)

    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "\x1b" not in told
    for line in told.splitlines():
        assert "<script" not in re.sub(r"`[^`]*`", "", line)


def test_page_tells_the_same_and_runs_nothing() -> None:
    page = render_table_page(compatibility([night(1, P, P, P, P), broken()]), STATEMENTS)

    places = [page.index(f'<section id="{name}"') for name in ("changes", "versions", "troubles")]
    assert places == sorted(places)
    assert "<script" not in page
    assert "New: against traefik-mesh v1.4.8, Traefik v2.11.14" in page
    assert "+0.90 ms [+0.80, +1.00]" in page


def test_area_that_a_cell_did_not_judge_is_said() -> None:
    only_dns = a_past_run(1, a_past_verdict("TM-DNS-001"), versions=proxy("v2.11.9"))
    cells = compatibility([only_dns, night(2, P, P, P, P)])

    assert "not judged |" in render_markdown(cells, {})
    assert "not judged" in render_table_page(cells, {})


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        pytest.param([], "No combination was judged yet", id="none"),
        pytest.param([night(1, P, P, P, P)], "1 combination: nothing failed", id="all-well"),
        pytest.param([night(1, Q, P, P, P)], "1 combination: 1 not wholly judged", id="unclear"),
        pytest.param([night(1, K, P, P, P)], "1 combination: nothing failed", id="known"),
    ],
)
def test_sentence(runs: list[PastRun], said: str) -> None:
    assert sentence(compatibility(runs)) == said
    assert said in render_table_page(compatibility(runs), {})


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder of reports with two combinations."""
    for run in (night(1, P, P, P, P), broken()):
        keep(tmp_path / HISTORY_FILE, run)
    return tmp_path


def test_command_writes_both_forms(reports: Path, tmp_path: Path) -> None:
    paths = (tmp_path / "compatibility.md", tmp_path / "compatibility.html")
    arguments = ["table", "--output", str(paths[0]), "--html", str(paths[1]), "--reports", str(reports)]

    done = CliRunner().invoke(app, arguments, catch_exceptions=False)

    assert done.exit_code == 0
    assert done.output.endswith("2 combinations: 1 with failures, 1 without\n")
    assert paths[0].read_text("utf-8").startswith("# Compatibility")
    assert paths[1].read_text("utf-8").startswith("<!doctype html>")


def test_command_prints_markdown_or_json(reports: Path) -> None:
    printed = CliRunner().invoke(app, ["table", "--reports", str(reports)])
    as_json = CliRunner().invoke(app, ["table", "--json", "--reports", str(reports)])

    assert printed.output.startswith("# Compatibility")
    assert [cell["versions"]["proxy"] for cell in json.loads(as_json.output)["cells"]] == [
        "Traefik v2.11.20",
        "Traefik v2.11.14",
    ]


def test_file_that_cannot_be_written_is_refused(reports: Path) -> None:
    with pytest.raises(BadInputError, match="choose another file"):
        CliRunner().invoke(
            app,
            ["table", "-o", str(reports / "no" / "x.md"), "--reports", str(reports)],
            catch_exceptions=False,
        )
