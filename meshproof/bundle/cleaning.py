"""Gives the disk back: everything of ours in the cache, and our nodes and images in the engine."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from meshproof.engine.container import LABEL, Engine
from meshproof.model.errors import BadInputError, HarnessError
from meshproof.paths import cache_root

__all__ = ["clean"]

# By name, never the cache's root as a whole: MESHPROOF_CACHE may be anybody's folder.
_OURS: Final = ("bundle", "engine", "go", "log", "steps", "tools")
_LOCKS: Final = ("build.lock", "run.lock")
_NODE_LABEL: Final = "io.x-k8s.kind.cluster"  # kind's, on every node's container; its value is the cluster
_REMOVE_S: Final = 300.0


def clean(engine: Engine | None, cache: Path | None = None) -> int:
    """Remove kept nodes, the engine's images of ours, the bundle, the steps and Go's caches.

    Returns the bytes given back; the engine's layers are not counted. Images that another container uses
    stay, and so do the two empty lock files: whoever waits for one holds the file itself, not its name.
    Raises BadInputError, with nothing changed, while a build or a run is at work in this cache; HarnessError
    when the engine cannot list or remove nodes, after the cache was emptied all the same.
    """
    cache = cache or cache_root()
    if not cache.is_dir():
        _remove_from(engine)
        return 0
    with _nobody_at_work(cache):
        try:
            _remove_from(engine)  # podman reads its settings from the cache: before they go
        except HarnessError:  # a full disk can stop the engine
            _empty(cache)
            raise
        return _empty(cache)


@contextmanager
def _nobody_at_work(cache: Path) -> Iterator[None]:
    with ExitStack() as held:
        for name in _LOCKS:
            lock = FileLock(cache / name)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise BadInputError(
                    where=lock.lock_file,
                    problem="a build or a run is at work in this cache",
                    remedy="wait for it or end it, then clean again",
                ) from None
            held.callback(lock.release)
        yield


def _remove_from(engine: Engine | None) -> None:
    """Remove nodes that were kept, which hold their image, then our images."""
    if engine is None:
        return
    for node in engine.containers(label=_NODE_LABEL):
        if LABEL in node.labels:
            engine.remove(node)
    listed = engine.run("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={LABEL}", check=False)
    for image in dict.fromkeys(listed.stdout.split()):
        engine.run("image", "rm", image, check=False, timeout=_REMOVE_S)


def _empty(cache: Path) -> int:
    freed: dict[int, int] = {}  # bytes by inode: bundles and steps share their files
    for name in _OURS:
        _remove(cache / name, freed)
    return sum(freed.values())


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
