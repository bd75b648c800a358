"""That a bundle was read whole and found good, so that the next session need not read it again.

The files of a bundle are 1.5 GB, which takes seconds to read, and a run over all profiles has nine sessions.
As git does with its index, a file counts as the one that was read while its device, inode, size and times are
the same. The change time (``st_ctime``) is among them, which no program sets: whoever writes to a file, moves
another in its place or copies the bundle changes it. What a disk loses by itself changes no time: that is why
the word holds for a day only, and ``meshproof bundle verify`` never asks for it.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from meshproof.bundle.manifest import Manifest
from meshproof.bundle.store import write_atomically

__all__ = ["Reading", "begin_reading", "note_verified", "was_verified"]

_HOLDS_S: Final = 86400.0
_SETTLED_S: Final = 1.0  # a file that changed just before it is read may change again in the same tick

_Times = dict[str, tuple[int, int, int, int, int]]  # by blob: device, inode, size, modified and changed in ns


class _Verified(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``digest`` is the manifest's."""

    at_unix: float
    digest: str
    files: _Times


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The files as they were when their reading began."""

    at_unix: float
    files: _Times


def begin_reading(root: Path, manifest: Manifest) -> Reading:
    """Forget what was said before, whatever comes of the reading that begins now."""
    with suppress(OSError):
        _record(root).unlink()
    return Reading(at_unix=time.time(), files=_times_of(root, manifest))


def note_verified(root: Path, manifest: Manifest, reading: Reading) -> None:
    """Keep that every blob was read and is good.

    Not kept, and no error, where a file had only just changed or the folder cannot be written to.
    """
    settled_ns = (reading.at_unix - _SETTLED_S) * 1e9
    if any(changed > settled_ns for *_, changed in reading.files.values()):
        return
    with suppress(OSError):
        noted = _Verified(at_unix=reading.at_unix, digest=manifest.digest(), files=reading.files)
        write_atomically(_record(root), msgspec.json.encode(noted))


def was_verified(root: Path, manifest: Manifest) -> bool:
    """Whether every blob is still the one that was read and found good, within the last day."""
    try:
        noted = msgspec.json.decode(_record(root).read_bytes(), type=_Verified)
    except (OSError, msgspec.MsgspecError):
        return False
    recent = 0 <= time.time() - noted.at_unix < _HOLDS_S
    return recent and noted.digest == manifest.digest() and noted.files == _times_of(root, manifest)


def _times_of(root: Path, manifest: Manifest) -> _Times:
    """What a later look compares; a blob that is not there is left out."""
    found: _Times = {}
    for blob in manifest.blobs:
        with suppress(OSError):
            seen = (root / blob.path).stat()
            found[blob.path] = (
                seen.st_dev,
                seen.st_ino,
                seen.st_size,
                seen.st_mtime_ns,
                seen.st_ctime_ns,
            )
    return found


def _record(root: Path) -> Path:
    return root / "verified.json"
