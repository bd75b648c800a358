"""What of a bundle was read whole and found good, so that the next session need not read it again.

The files of a bundle are 1.5 GB, which takes seconds to read, and a run over all profiles has nine sessions.
As git does with its index, a file counts as the one that was read while its inode, size and times are the
same. The change time (``st_ctime``) is among them, which no program sets: whoever writes to a file, moves
another in its place or brings the bundle from elsewhere changes it. What a disk loses by itself changes no
time: that is why the word holds for a day only, and ``meshproof bundle verify`` never asks for it.
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from meshproof.bundle.manifest import Manifest
from meshproof.bundle.store import write_atomically

__all__ = ["note_verified", "times_of", "was_verified"]

_HOLDS_S: Final = 86400.0
_SETTLED_S: Final = 1.0  # a file that changed just before it was read may change again in the same tick

_Times = dict[str, tuple[int, int, int, int]]  # by blob: inode, size, modified and changed in ns


class _Verified(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``digest`` is the manifest's."""

    at_unix: float
    digest: str
    files: _Times


def times_of(root: Path, manifest: Manifest) -> _Times:
    """What a later look compares; a blob that is not there is left out."""
    paths = [blob.path for blob in manifest.blobs if (root / blob.path).is_file()]
    found = {path: (root / path).stat() for path in paths}
    return {
        path: (each.st_ino, each.st_size, each.st_mtime_ns, each.st_ctime_ns) for path, each in found.items()
    }


def note_verified(root: Path, manifest: Manifest, times: _Times) -> None:
    """Keep that every blob was read and is good; ``times`` are from before the reading.

    Not kept, and no error, where a file has only just changed or the folder cannot be written to.
    """
    now = time.time()
    if any(changed > (now - _SETTLED_S) * 1e9 for *_, changed in times.values()):
        return
    with suppress(OSError):
        noted = _Verified(at_unix=now, digest=manifest.digest(), files=times)
        write_atomically(_record(root), msgspec.json.encode(noted))


def was_verified(root: Path, manifest: Manifest) -> bool:
    """Whether every blob is still the one that was read and found good, within the last day."""
    try:
        noted = msgspec.json.decode(_record(root).read_bytes(), type=_Verified)
    except (OSError, msgspec.MsgspecError):
        return False
    recent = 0 <= time.time() - noted.at_unix < _HOLDS_S
    return recent and noted.digest == manifest.digest() and noted.files == times_of(root, manifest)


def _record(root: Path) -> Path:
    return root / "verified.json"
