"""SHA-256 of files, of many at once, of folders and of values."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

__all__ = ["digest_of_file", "digest_of_files", "digest_of_tree", "digest_of_value"]

_CHUNK: Final = 1 << 22  # 4 MiB: long enough that hashlib, which lets go of the GIL, is what takes the time
_LEFT_OUT: Final = ("_test.go", ".md")


def digest_of_file(path: Path) -> str:
    """``sha256:<hex>`` of a file's bytes."""
    state = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            state.update(buffer[:count])
    return f"sha256:{state.hexdigest()}"


def digest_of_files(paths: Iterable[Path], digest: Callable[[Path], str] = digest_of_file) -> dict[Path, str]:
    """The digests of many files, largest first, in as many threads as there are processors."""
    by_size = sorted(paths, key=lambda path: -path.stat().st_size)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return dict(zip(by_size, pool.map(digest, by_size), strict=True))


def digest_of_tree(root: Path) -> str:
    """One digest of a folder: names, contents, executable bits and the targets of links; or of a single file.

    Tests and pages for people (``_test.go``, ``.md``) are left out: they change nothing that is built.
    """
    if root.is_file():
        return digest_of_file(root)
    entries: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.endswith(_LEFT_OUT):
            continue
        if path.is_symlink():
            entries[name] = f"link:{path.readlink()}"
        elif path.is_file():
            mode = "x" if path.stat().st_mode & 0o100 else "-"
            entries[name] = f"{mode}:{digest_of_file(path)}"
    return digest_of_value(entries)


def digest_of_value(value: Mapping[str, Any]) -> str:
    """The digest of a value's canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
