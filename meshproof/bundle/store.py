"""Finished steps of a build, kept by the hash of what went into them: what makes a build resumable.

A step writes into a folder whose name says that it is unfinished; hashes, fsync and one rename make it count.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from meshproof.bundle.digest import digest_of_files, digest_of_value

__all__ = ["FileStamp", "Output", "StepStore", "fsync_path", "place", "write_atomically"]

_STAMP: Final = "stamp.json"
_UNFINISHED: Final = ".unfinished-"


class FileStamp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file as it was when its step finished; ``size`` in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a finished step left: its folder, and every file in it by relative path."""

    root: Path
    files: Mapping[str, FileStamp]

    def path(self, name: str) -> Path:
        """Where the file ``name`` is."""
        return self.root / name


class StepStore:
    """The folder of finished steps."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, name: str, inputs: Mapping[str, Any]) -> Output | None:
        """The output of this step for these inputs, verified; what is damaged is removed, and then None."""
        root = self._folder(name, inputs)
        if not root.is_dir():
            return None
        try:
            stamped = msgspec.json.decode((root / _STAMP).read_bytes(), type=dict[str, FileStamp])
            found = _stamps(root)
        except (OSError, msgspec.DecodeError):
            stamped, found = {}, None
        if found != stamped:
            shutil.rmtree(root)
            return None
        return Output(root=root, files=stamped)

    def make(self, name: str, inputs: Mapping[str, Any], action: Callable[[Path], None]) -> Output:
        """Let ``action`` fill a fresh folder, and keep it as the output for ``inputs``."""
        root = self._folder(name, inputs)
        # A killed build's programs may still be writing: a folder of this process's own, and theirs removed.
        for left in self._root.glob(f"{_UNFINISHED}{root.name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        unfinished = root.with_name(f"{_UNFINISHED}{root.name}-{os.getpid()}")
        unfinished.mkdir(parents=True)
        try:
            action(unfinished)
            stamps = _stamps(unfinished)
            for file in stamps:
                fsync_path(unfinished / file)
            write_atomically(unfinished / _STAMP, msgspec.json.encode(stamps))
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        unfinished.rename(root)
        fsync_path(self._root)
        return Output(root=root, files=stamps)

    def keep_only(self, outputs: list[Output]) -> None:
        """Remove every other step: those of an older lock, and what an interruption left."""
        kept = {output.root for output in outputs}
        for folder in self._root.iterdir():
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, name: str, inputs: Mapping[str, Any]) -> Path:
        return self._root / f"{name}-{digest_of_value(inputs)[7:23]}"


def _stamps(root: Path) -> dict[str, FileStamp]:
    files = [path for path in root.rglob("*") if path.is_file() and path.name != _STAMP]
    digests = digest_of_files(files)
    return {
        path.relative_to(root).as_posix(): FileStamp(sha256=digests[path], size=path.stat().st_size)
        for path in sorted(files)
    }


def place(source: Path, target: Path) -> None:
    """Put ``source`` at ``target`` without a copy where the file system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    fsync_path(path.parent)


def fsync_path(path: Path) -> None:
    """Bring a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
