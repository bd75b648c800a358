"""Cleaning gives back what is ours, read-only modules included, and nothing else."""

from pathlib import Path

import pytest
from filelock import FileLock

from meshproof.bundle import clean
from meshproof.engine.container import Engine
from meshproof.model.errors import BadInputError
from tests.bundle.stand_ins import Tools


@pytest.fixture
def filled(cache: Path) -> Path:
    module = cache / "go/mod/example.org@v1.0.0"
    module.mkdir(parents=True)
    (module / "go.mod").write_bytes(b"x" * 10_000)
    (cache / "bundle/key").mkdir(parents=True)
    (cache / "bundle/key/same").hardlink_to(module / "go.mod")
    (module / "go.mod").chmod(0o444)
    module.chmod(0o555)
    return cache


def test_everything_goes_and_the_bytes_are_told(filled: Path) -> None:
    freed = clean(None, filled)

    assert not filled.exists()
    assert 10_000 <= freed <= 16_384


def test_what_is_not_ours_stays(filled: Path) -> None:
    (filled / "thesis.tex").write_text("mine", encoding="utf-8")

    clean(None, filled)

    assert [path.name for path in filled.iterdir()] == ["thesis.tex"]


def test_an_empty_cache_is_nothing_to_clean(cache: Path) -> None:
    assert clean(None, cache) == 0
    assert clean(None) == 0


@pytest.mark.parametrize("name", ["build.lock", "run.lock"])
def test_a_build_or_run_at_work_is_not_disturbed(filled: Path, name: str) -> None:
    with FileLock(filled / name), pytest.raises(BadInputError, match="is at work in this cache"):
        clean(None, filled)

    assert (filled / "bundle/key/same").exists()


def test_our_images_leave_the_engine_without_force(filled: Path, engine: Engine, tools: Tools) -> None:
    tools.images["meshproof.dev/node:1"] = "aa"

    clean(engine, filled)

    assert tools.images == {}
    assert ["image", "rm", "aa"] in tools.calls("podman")
    assert "label=dev.meshproof" in tools.calls("podman")[0]
