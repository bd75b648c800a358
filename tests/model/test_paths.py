"""Where the cache is."""

from pathlib import Path

import pytest

from meshproof.paths import PROJECT_ROOT, cache_root, recipes_root


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"MESHPROOF_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b", id="chosen"),
        pytest.param({"MESHPROOF_CACHE": "~/b"}, "/home/u/b", id="chosen-in-the-home"),
        pytest.param({"XDG_CACHE_HOME": "/x"}, "/x/meshproof", id="xdg"),
        pytest.param({"MESHPROOF_CACHE": "", "XDG_CACHE_HOME": ""}, "/home/u/.cache/meshproof", id="empty"),
        pytest.param({}, "/home/u/.cache/meshproof", id="default"),
    ],
)
def test_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("MESHPROOF_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in {"HOME": "/home/u", **environment}.items():
        monkeypatch.setenv(name, value)

    assert cache_root() == Path(expected)


def test_relative_cache_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MESHPROOF_CACHE", "cache")

    assert cache_root() == tmp_path / "cache"


def test_recipes_are_the_checkouts_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MESHPROOF_RECIPES", raising=False)
    assert recipes_root() == PROJECT_ROOT / "bundle"

    monkeypatch.setenv("MESHPROOF_RECIPES", "/recipes")
    assert recipes_root() == Path("/recipes")


def test_project_root_is_the_checkout() -> None:
    assert (PROJECT_ROOT / "pyproject.toml").is_file()
