"""Cleaning gives back what is ours, read-only modules included, and nothing else."""

from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from meshproof.bundle import clean, cleaning
from meshproof.engine.container import Engine
from meshproof.engine.process import CommandFailedError
from meshproof.model.errors import BadInputError
from tests.bundle.stand_ins import Tools

LOCKS = ["build.lock", "run.lock"]  # they stay: who waits for one holds the file, not its name
NODE = {"dev.meshproof": "image", "io.x-k8s.kind.cluster": "meshproof"}


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

    assert sorted(path.name for path in filled.iterdir()) == LOCKS
    assert 10_000 <= freed <= 16_384


def test_what_is_not_ours_stays(filled: Path) -> None:
    (filled / "thesis.tex").write_text("mine", encoding="utf-8")

    clean(None, filled)

    assert sorted(path.name for path in filled.iterdir()) == [*LOCKS, "thesis.tex"]


def test_an_empty_cache_is_nothing_to_clean(cache: Path) -> None:
    assert clean(None, cache) == 0
    assert clean(None) == 0


@pytest.mark.parametrize("name", LOCKS)
def test_a_build_or_run_at_work_is_not_disturbed(
    filled: Path, engine: Engine, tools: Tools, name: str
) -> None:
    tools.images["meshproof.dev/node:1"] = "aa"
    tools.containers["1"] = NODE

    with FileLock(filled / name), pytest.raises(BadInputError, match="is at work in this cache"):
        clean(engine, filled)

    assert (filled / "bundle/key/same").exists()
    assert tools.called == []


@pytest.mark.parametrize("name", LOCKS)
def test_nobody_starts_to_work_while_it_cleans(
    filled: Path, engine: Engine, tools: Tools, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tried: list[str] = []

    def remove(_root: Path, _freed: object) -> None:
        with pytest.raises(Timeout):
            FileLock(filled / name).acquire(timeout=0)
        tried.append(name)

    monkeypatch.setattr(cleaning, "_remove", remove)
    tools.containers["1"] = NODE

    clean(engine, filled)

    assert tried
    FileLock(filled / name).acquire(timeout=0).lock.release()


def test_our_images_leave_the_engine_without_force(filled: Path, engine: Engine, tools: Tools) -> None:
    tools.images["meshproof.dev/node:1"] = "aa"

    clean(engine, filled)

    assert tools.images == {}
    assert ["image", "rm", "aa"] in tools.calls("podman")
    assert next(call for call in tools.calls("podman") if call[:2] == ["image", "ls"])[-1] == (
        "label=dev.meshproof"
    )


def test_kept_nodes_of_ours_go_before_their_image(filled: Path, engine: Engine, tools: Tools) -> None:
    """`make clean` removes what is known of a kept cluster: nobody would find its nodes afterwards."""
    foreign = {"io.x-k8s.kind.cluster": "mine"}
    tools.containers |= {"1": NODE, "2": foreign, "3": {"dev.meshproof": "image"}}
    tools.images["meshproof.dev/node:1"] = "aa"

    clean(engine, filled)

    assert sorted(tools.containers) == ["2", "3"]
    calls = tools.calls("podman")
    assert calls.index(["rm", "--force", "--volumes", "1"]) < calls.index(["image", "rm", "aa"])


def test_images_go_where_the_cache_is_gone_already(cache: Path, engine: Engine, tools: Tools) -> None:
    tools.images["meshproof.dev/node:1"] = "aa"

    assert clean(engine, cache) == 0

    assert tools.images == {}
    assert not cache.exists()


def test_engine_that_fails_is_told_after_the_disk_was_given_back(
    filled: Path, engine: Engine, tools: Tools
) -> None:
    tools.fail("podman", "ps", "no space left on device")

    with pytest.raises(CommandFailedError, match="no space left"):
        clean(engine, filled)

    assert not (filled / "bundle").exists()
