"""The end of a child that leads a process group: of the whole group, asked first and killed then."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Final

from meshproof.engine.waiting import Look, WaitTimedOutError, eventually

__all__ = ["GRACE_S", "end_group"]

GRACE_S: Final = 10.0  # from SIGTERM to SIGKILL; podman wants a few seconds to let go of its locks


def end_group(process: subprocess.Popen[str], grace_s: float = GRACE_S) -> None:
    """End the child and what it started; a second Ctrl-C meanwhile cuts the grace short."""
    try:
        if not _signal_group(process, signal.SIGTERM):
            return
        eventually(lambda: _gone(process), what=f"process group {process.pid}", within=grace_s, every=0.02)
    except WaitTimedOutError:
        _signal_group(process, signal.SIGKILL)
        process.wait(GRACE_S)
    except BaseException:
        _signal_group(process, signal.SIGKILL)
        raise


def _signal_group(process: subprocess.Popen[str], sig: int) -> bool:
    """Signal every process of the group; False when none is left."""
    try:
        os.killpg(process.pid, sig)
    except ProcessLookupError:
        return False
    return True


def _gone(process: subprocess.Popen[str]) -> Look[None]:
    """Look whether the whole group ended: what the child started may take longer than the child."""
    reaped = process.poll() is not None
    running = any(_runs_in(stat, process.pid) for stat in Path("/proc").glob("[0-9]*/stat"))
    return Look(met=reaped and not running, value=None, seen="still running")


def _runs_in(stat: Path, group: int) -> bool:
    """Tell from its proc(5) stat whether a process is of ``group``, and more than a zombie."""
    try:
        state, _parent, its_group = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):  # it ended meanwhile
        return False
    return int(its_group) == group and state not in {"Z", "X"}
