"""A step counts when it is finished, and only as long as its files are what they were."""

import errno
import os
from pathlib import Path

import pytest

from meshproof.bundle.store import StepStore, place, write_atomically

INPUTS = {"argv": ["make"]}


def write(name: str, text: str) -> "Writer":
    return Writer(name, text)


class Writer:
    """An action that writes one file and counts its calls."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text, self.calls = name, text, 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / self.name).parent.mkdir(parents=True, exist_ok=True)
        (folder / self.name).write_text(self.text, encoding="utf-8")


@pytest.fixture
def store(tmp_path: Path) -> StepStore:
    return StepStore(tmp_path / "steps")


def test_a_finished_step_is_found_by_its_inputs(store: StepStore) -> None:
    made = store.make("go", INPUTS, write("bin/kind", "binary"))

    assert store.find("go", INPUTS) == made
    assert store.find("go", {"argv": ["other"]}) is None
    assert made.path("bin/kind").read_text(encoding="utf-8") == "binary"
    assert made.files["bin/kind"].size == 6


def test_a_step_that_failed_leaves_nothing(store: StepStore, tmp_path: Path) -> None:
    def full(folder: Path) -> None:
        (folder / "half").write_text("ha", encoding="utf-8")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        store.make("go", INPUTS, full)

    assert store.find("go", INPUTS) is None
    assert list((tmp_path / "steps").iterdir()) == []


def test_what_a_killed_build_left_is_not_taken(store: StepStore, tmp_path: Path) -> None:
    root = store.make("go", INPUTS, write("kind", "binary")).root
    root.rename(tmp_path / "steps" / f".unfinished-{root.name}-1")
    writer = write("kind", "whole")

    assert store.find("go", INPUTS) is None
    store.make("go", INPUTS, writer)

    assert writer.calls == 1
    assert [path.name for path in (tmp_path / "steps").iterdir()] == [root.name]


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "add", "stamp"])
def test_a_damaged_step_is_removed(store: StepStore, damage: str) -> None:
    root = store.make("go", INPUTS, write("kind", "binary")).root
    match damage:
        case "flip":
            (root / "kind").write_text("binarz", encoding="utf-8")
        case "truncate":
            (root / "kind").write_text("bin", encoding="utf-8")
        case "remove":
            (root / "kind").unlink()
        case "add":
            (root / "more").write_text("", encoding="utf-8")
        case _:
            (root / "stamp.json").write_text("{", encoding="utf-8")

    assert store.find("go", INPUTS) is None
    assert not root.exists()


def test_steps_of_an_older_lock_are_removed(store: StepStore, tmp_path: Path) -> None:
    store.make("go", {"version": 1}, write("kind", "old"))
    new = store.make("go", {"version": 2}, write("kind", "new"))

    store.keep_only([new])

    assert list((tmp_path / "steps").iterdir()) == [new.root]


def test_placing_needs_no_second_copy(tmp_path: Path) -> None:
    (tmp_path / "blob").write_text("x", encoding="utf-8")

    place(tmp_path / "blob", tmp_path / "a/b/blob")

    assert (tmp_path / "a/b/blob").samefile(tmp_path / "blob")


def test_placing_copies_where_links_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise OSError(errno.EXDEV, "another device")

    (tmp_path / "blob").write_text("x", encoding="utf-8")
    monkeypatch.setattr(os, "link", refuse)

    place(tmp_path / "blob", tmp_path / "copy")

    assert (tmp_path / "copy").read_text(encoding="utf-8") == "x"


def test_writing_replaces_whole(tmp_path: Path) -> None:
    target = tmp_path / "manifest.json"
    target.write_text("old", encoding="utf-8")

    write_atomically(target, b"new")

    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]
