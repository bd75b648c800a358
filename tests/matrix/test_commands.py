"""`meshproof matrix`: cells listed, planned, refused, judged, discovered."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from meshproof.matrix import commands as module
from meshproof.matrix.attempts import Night, read_night, write_night
from meshproof.matrix.commands import app, load_matrix
from meshproof.matrix.discover import Discovered
from meshproof.matrix.overlay import OVERLAYS, locked_versions
from meshproof.matrix.plan import Attempt
from meshproof.matrix.run import Ground
from meshproof.model.errors import BadInputError, HarnessError
from meshproof.model.matrix import CellRow

TEXT = """
schema_version = 1

[[version]]
part = "proxy"
version = "v2.99.1"

[[cell]]
name = "locked"

[[cell]]
name = "newer-proxy"
proxy = "v2.99.1"
"""


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    """A cell as locked, and one whose recipes are not there."""
    path = tmp_path / "matrix.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def call(tmp_path: Path, matrix: Path) -> Callable[..., Result]:
    """Run the command on that matrix, its errors as they are."""

    def called(command: str, *arguments: str) -> Result:
        where = ["--matrix", str(matrix)] + (
            ["--reports", str(tmp_path / "reports")] if command in {"list", "run"} else []
        )
        return CliRunner().invoke(app, [command, *arguments, *where], catch_exceptions=False)

    return called


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The cells that were judged, with what their sessions were given in common."""
    seen: list[tuple[str, list[str]]] = []

    def judge(cell: CellRow, *, ground: Ground) -> Attempt:
        seen.append((cell.name, list(ground.common)))
        return Attempt(started="2026-11-30T02:00:00+00:00", seconds=60, exit_code=0, run="run-1")

    monkeypatch.setattr(module, "judge_cell", judge)
    return seen


def test_cells_are_listed_with_what_is_missing_and_what_came_of_them(
    call: Callable[..., Result], tmp_path: Path
) -> None:
    attempt = Attempt(started="2026-11-29T02:00:00+00:00", seconds=60, exit_code=1, changed=True, run="run-1")
    write_night(tmp_path / "reports", Night(began="x", attempts={"locked": attempt}))

    lines = call("list").output.splitlines()

    assert lines == [
        "the lock: " + ", ".join(f"{part} {version}" for part, version in locked_versions().items()),
        "  newer-proxy  proxy v2.99.1; new",
        "               needs: proxy v2.99.1 has no recipes: proxy-v2.99.1/rows.toml",
        "  locked       as locked; 2026-11-29: exit code 1, changed",
    ]


def test_cells_as_json(call: Callable[..., Result]) -> None:
    values = json.loads(call("list", "--json").output)

    assert values["locked"] == locked_versions()
    assert [(each["name"], each["reason"], bool(each["needs"])) for each in values["cells"]] == [
        ("locked", "new", False),
        ("newer-proxy", "new", True),
    ]


def test_cell_without_recipes_is_left_out_and_named(
    call: Callable[..., Result], judged: list[tuple[str, list[str]]]
) -> None:
    done = call("run", "-m", "dns")

    assert done.exit_code == 0
    assert "newer-proxy: left out: proxy v2.99.1 has no recipes" in done.output
    assert judged == [("locked", ["--cluster-name=meshproof-matrix", "--expectations", "-m", "dns"])]


def test_cell_without_recipes_is_refused_where_it_was_asked_for(call: Callable[..., Result]) -> None:
    with pytest.raises(BadInputError, match="has no recipes"):
        call("run", "newer-proxy")


def test_unknown_cell_is_refused_with_the_nearest(call: Callable[..., Result]) -> None:
    with pytest.raises(BadInputError, match="did you mean 'newer-proxy'"):
        call("run", "new-proxy")


def test_dry_run_touches_nothing(
    call: Callable[..., Result], judged: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    done = call("run", "--dry-run", "--budget", "90")

    assert "locked: new, about 8 min" in done.output
    assert not judged
    assert not (tmp_path / "reports").exists()


def test_night_can_be_gone_on_with(
    call: Callable[..., Result], judged: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match="start without --resume"):
        call("run", "--resume")
    began = "2026-11-30T00:00:00+00:00"
    attempt = Attempt(started="2026-11-30T01:00:00+00:00", seconds=60, exit_code=0, run="run-1")
    write_night(tmp_path / "reports", Night(began=began, attempts={"locked": attempt}))

    done = call("run", "--resume")

    assert "locked: left out, it was judged this night" in done.output
    assert not judged
    assert read_night(tmp_path / "reports").began == began


def test_discovered_versions_become_cells_that_are_new(
    call: Callable[..., Result], matrix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Discovered(versions={"coredns": ["v1.99.0"]}, not_asked={"some/module": "no list"})
    monkeypatch.setattr(module, "discover", lambda *_args: found)
    monkeypatch.setattr(module, "write_pins", lambda part, version, _cache: OVERLAYS / f"{part}-{version}")

    assert "coredns: new: v1.99.0" in call("discover", "--dry-run").output
    assert matrix.read_text() == TEXT

    told = call("discover").output

    assert "some/module: cannot be listed: no list" in told
    assert "coredns v1.99.0: pinned in matrix/coredns-v1.99.0" in told
    assert [each.name for each in load_matrix(matrix).cell] == ["locked", "newer-proxy", "coredns-1.99.0"]
    assert "coredns-1.99.0  coredns v1.99.0; new" in call("list").output


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(None, "recipes are to be written by hand", id="no-line"),
        pytest.param(HarnessError(where="go", problem="not had", remedy="x"), "not pinned: ", id="refused"),
    ],
)
def test_version_that_cannot_be_pinned_is_a_cell_all_the_same(
    call: Callable[..., Result],
    matrix: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: HarnessError | None,
    said: str,
) -> None:
    def write_pins(*_args: object) -> None:
        if answer is not None:
            raise answer

    found = Discovered(versions={"kubernetes": ["v1.99.0"]}, not_asked={})
    monkeypatch.setattr(module, "discover", lambda *_args: found)
    monkeypatch.setattr(module, "write_pins", write_pins)

    assert f"kubernetes v1.99.0: {said}" in call("discover").output
    assert load_matrix(matrix).cell[-1].kubernetes == "v1.99.0"


def test_nothing_new_is_said(call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "discover", lambda *_args: Discovered(versions={}, not_asked={}))

    assert call("discover").output == "nothing new\n"


def test_matrix_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="name another with --matrix"):
        load_matrix(tmp_path / "no.toml")
