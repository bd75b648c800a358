"""Gives the disk back: everything of ours in the cache, and our images in the engine."""

import os
import shutil
import stat
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from meshproof.engine.container import LABEL, Engine
from meshproof.model.errors import BadInputError
from meshproof.paths import cache_root

__all__ = ["clean"]

# By name, never the cache's root as a whole: MESHPROOF_CACHE may be anybody's folder.
_OURS: Final = ("bundle", "engine", "go", "log", "steps", "tools")
_LOCKS: Final = ("build.lock", "run.lock")
_REMOVE_S: Final = 300.0


def clean(engine: Engine | None, cache: Path | None = None) -> int:
    """Remove the bundle, the steps, Go's caches and the engine's images of ours; return the bytes given back.

    Images that a container still uses stay. The engine's layers are not counted. Raises BadInputError while
    a build or a run is at work in this cache.
    """
    cache = cache or cache_root()
    if engine is not None:
        _remove_images(engine)
    if not cache.is_dir():
        return 0
    freed: dict[int, int] = {}  # bytes by inode: bundles and steps share their files
    locks = [FileLock(cache / name) for name in _LOCKS]
    try:
        for lock in locks:
            lock.acquire(timeout=0)
        for name in _OURS:
            _remove(cache / name, freed)
    except Timeout as taken:
        raise BadInputError(
            where=taken.lock_file,
            problem="a build or a run is at work in this cache",
            remedy="wait for it or end it, then clean again",
        ) from None
    finally:
        for lock in locks:
            lock.release()
    for name in _LOCKS:
        (cache / name).unlink(missing_ok=True)
    if not any(cache.iterdir()):
        cache.rmdir()
    return sum(freed.values())


def _remove_images(engine: Engine) -> None:
    listed = engine.run("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={LABEL}", check=False)
    for image in dict.fromkeys(listed.stdout.split()):
        engine.run("image", "rm", image, check=False, timeout=_REMOVE_S)


def _remove(root: Path, freed: dict[int, int]) -> None:
    """Remove a folder, parts of which may be read-only, and note the bytes of every file in it."""
    for folder, _, files in os.walk(root):
        mode = os.lstat(folder).st_mode
        if not mode & stat.S_IWUSR:
            Path(folder).chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
        for file in files:
            found = os.lstat(os.path.join(folder, file))  # noqa: PTH118  # 300,000 files: no Path for each
            freed[found.st_ino] = found.st_blocks * 512
    if root.exists():
        shutil.rmtree(root)
