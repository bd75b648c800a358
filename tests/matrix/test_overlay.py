"""What a bundle needs for another version: recipes laid over the project's own, refused if they misfit."""

import tomllib
from pathlib import Path

import pytest

from meshproof.bundle.lock import LOCK_PATH, load_lock, lock_key
from meshproof.matrix.overlay import OVERLAYS, chart_values, laid_over, locked_versions, needs, with_rows
from meshproof.model.errors import BadInputError
from meshproof.model.matrix import CellRow

LOCKED = locked_versions()
CELL = CellRow(name="newer-proxy", proxy="v2.99.1")
ROWS = """
[[component]]
name = "traefik"
folder = "go/traefik"
module = "github.com/traefik/traefik/v2"
version = "v2.99.1"

[[image]]
reference = "docker.io/library/traefik:v2.99.1"
role = "mesh-proxy"
source = "built"
recipe = "images/traefik"
programs = ["traefik"]
"""


@pytest.fixture
def overlays(tmp_path: Path) -> Path:
    """Recipes for a proxy that nobody has published."""
    folder = tmp_path / "matrix" / "proxy-v2.99.1"
    (folder / "go" / "traefik").mkdir(parents=True)
    (folder / "rows.toml").write_text(ROWS)
    (folder / "values.yaml").write_text("proxy: {image: {tag: v2.99.1}}\n")
    pins = (LOCK_PATH.parent / "go" / "traefik" / "go.mod").read_text().replace(LOCKED["proxy"], "v2.99.1")
    (folder / "go" / "traefik" / "go.mod").write_text(pins)
    return tmp_path / "matrix"


def test_cell_as_locked_needs_nothing(overlays: Path) -> None:
    assert needs(CellRow(name="locked"), LOCKED, overlays) == []
    assert needs(CELL, LOCKED, overlays) == []


def test_missing_recipes_are_named(overlays: Path) -> None:
    cell = CellRow(name="a", coredns="v1.99.0", proxy="v2.99.1")

    assert needs(cell, LOCKED, overlays) == ["coredns v1.99.0 has no recipes: coredns-v1.99.0/rows.toml"]
    with pytest.raises(BadInputError, match="has no recipes"):
        laid_over(cell, overlays / "out", LOCKED, overlays=overlays)


def test_lock_of_a_cell_has_its_versions_and_all_else_of_the_usual(overlays: Path, tmp_path: Path) -> None:
    lock = load_lock(laid_over(CELL, tmp_path / "recipes", LOCKED, overlays=overlays))

    usual = load_lock()
    assert locked_versions(lock) == {**LOCKED, "proxy": "v2.99.1"}
    assert [each.role for each in lock.image] == [each.role for each in usual.image]
    others = [each for each in lock.image if each.role != "mesh-proxy"]
    assert others == [each for each in usual.image if each.role != "mesh-proxy"]
    assert not (tmp_path / "recipes" / "rows.toml").exists()
    assert not (tmp_path / "recipes" / "values.yaml").exists()


def test_cell_has_a_bundle_of_its_own_and_the_same_one_again(overlays: Path, tmp_path: Path) -> None:
    first = lock_key(laid_over(CELL, tmp_path / "one", LOCKED, overlays=overlays))
    again = lock_key(laid_over(CELL, tmp_path / "two", LOCKED, overlays=overlays))

    assert first == again != lock_key()


def test_what_was_laid_before_is_gone(overlays: Path, tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "left.txt").write_text("of another cell")

    laid_over(CELL, tmp_path / "recipes", LOCKED, overlays=overlays)

    assert not (tmp_path / "recipes" / "left.txt").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("traefik:v2.99.1", "traefik:v2.99.2", "expected the tag v2.99.1", id="image-of-another"),
        pytest.param(
            'version = "v2.99.1"',
            'version = "v2.99.2"',
            "expected what go.mod requires",
            id="pins-of-another",
        ),
        pytest.param(
            'recipe = "images/traefik"', 'recipe = "images/traffic"', "is not there", id="no-containerfile"
        ),
    ],
)
def test_recipes_that_do_not_fit_are_refused(
    overlays: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    rows = overlays / "proxy-v2.99.1" / "rows.toml"
    rows.write_text(rows.read_text().replace(old, new))

    with pytest.raises(BadInputError, match=said):
        laid_over(CELL, tmp_path / "recipes", LOCKED, overlays=overlays)


def test_mesh_is_installed_with_the_values_of_the_version(overlays: Path, tmp_path: Path) -> None:
    (found,) = chart_values(CELL, tmp_path / "values", LOCKED, overlays)

    assert found.read_text() == "proxy: {image: {tag: v2.99.1}}\n"
    assert chart_values(CellRow(name="locked"), tmp_path / "values", LOCKED, overlays) == []


def test_versions_of_a_line_share_what_their_own_folder_does_not_say(overlays: Path, tmp_path: Path) -> None:
    line, own = overlays / "proxy-v2", overlays / "proxy-v2.99.1"
    line.mkdir()
    (line / "rows.toml").write_text(ROWS.replace("v2.99.1", "{version}"))
    (line / "values.yaml").write_text("proxy: {image: {tag: '{version}'}}\n")
    (own / "rows.toml").unlink()
    (own / "values.yaml").write_text("proxy: {logLevel: DEBUG}\n")

    files = chart_values(CELL, tmp_path / "values", LOCKED, overlays)

    assert needs(CELL, LOCKED, overlays) == []
    assert [each.read_text() for each in files] == [
        "proxy: {image: {tag: 'v2.99.1'}}\n",
        "proxy: {logLevel: DEBUG}\n",
    ]


def test_line_alone_is_no_recipe_for_a_version(overlays: Path) -> None:
    (overlays / "coredns-v1").mkdir()
    (overlays / "coredns-v1" / "rows.toml").write_text("")

    cell = CellRow(name="a", coredns="v1.99.0")
    assert needs(cell, LOCKED, overlays) == ["coredns v1.99.0 has no recipes: coredns-v1.99.0/rows.toml"]


def test_row_takes_the_place_of_its_namesake_and_another_comes_last() -> None:
    text = (
        '# head\nv = 1\n\n[[image]]\nrole = "a"\nn = 1\n[image.x]\ny = 1\n\n# of b\n'
        '[[image]]\nrole = "b"\n\n[[program]]\nname = "a"\n'
    )

    made = tomllib.loads(with_rows(text, '[[image]]\nrole = "a"\nn = 2\n\n[[python]]\nname = "p"\n'))

    assert made == {
        "v": 1,
        "image": [{"role": "a", "n": 2}, {"role": "b"}],
        "program": [{"name": "a"}],
        "python": [{"name": "p"}],
    }


def test_no_row_changes_nothing() -> None:
    text = LOCK_PATH.read_text("utf-8")

    assert tomllib.loads(with_rows(text, "")) == tomllib.loads(text)


@pytest.mark.parametrize(
    "folder", [pytest.param(each, id=each.name) for each in sorted(OVERLAYS.glob("*-v*.*")) if each.is_dir()]
)
def test_every_overlay_of_the_project_fits(folder: Path, tmp_path: Path) -> None:
    part, _, version = folder.name.partition("-")
    cell = CellRow(name="one", **{part: version})  # type: ignore[arg-type]

    lock = load_lock(laid_over(cell, tmp_path / "recipes", LOCKED))

    assert {each.reference.rpartition(":")[2] for each in lock.image} >= {version}
