"""One run at a time on a machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from meshproof.model.errors import BadInputError

__all__ = ["RUN_LOCK", "alone"]

RUN_LOCK: Final = "run.lock"  # in the cache


@contextmanager
def alone(cache: Path, *, where: str) -> Iterator[None]:
    """Hold the cache's lock of runs. Raises BadInputError naming ``where`` while another run has it."""
    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / RUN_LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise BadInputError(
            where=where,
            problem="another run is under way on this machine",
            remedy="wait until it has ended: two would share the cores and spoil each other's figures",
        ) from error
    try:
        yield
    finally:
        lock.release()
