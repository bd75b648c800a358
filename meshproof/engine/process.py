"""The one door to subprocesses: argument lists only, always bounded, errors that carry what was said.

Every child leads a process group of its own, so that Ctrl-C reaches meshproof alone, which then ends the
child's whole group: nothing that was started here outlives the call that started it.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meshproof.engine.process_group import GRACE_S, end_group
from meshproof.model.errors import HarnessError

__all__ = ["CommandFailedError", "CommandTimedOutError", "Completed", "run", "running", "terminate_all"]

_TAIL_CHARS: Final = 4_000  # of each stream in an error's text: the end of a log names the cause

_live: set[subprocess.Popen[str]] = set()
_live_lock = threading.Lock()
_ending = threading.Event()  # set by terminate_all: from then on nothing is started


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A command that ended: its argv, both streams as text, exit status, wall time in seconds."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float


class CommandFailedError(HarnessError):
    """A command ended with a status other than 0; the text carries the end of both streams."""

    code = "COMMAND-FAILED"

    def __init__(self, completed: Completed) -> None:
        self.completed = completed
        super().__init__(
            where=completed.argv[0],
            problem=f"exit status {completed.returncode} from: {_one_line(completed.argv)}",
            remedy="its own words are below",
            evidence=_streams(completed.stdout, completed.stderr),
        )


class CommandTimedOutError(HarnessError):
    """A command was still running at its time limit and was ended."""

    code = "COMMAND-TIMED-OUT"

    def __init__(self, argv: Sequence[str], timeout: float, stdout: str, stderr: str) -> None:
        super().__init__(
            where=argv[0],
            problem=f"still running after {timeout:g} s: {_one_line(argv)}",
            remedy="what it said until then is below",
            evidence=_streams(stdout, stderr),
        )


def run(  # noqa: PLR0913  # one door: what a caller may ask of a command is named here
    argv: Sequence[str | Path],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    log: Path | None = None,
    show: bool = False,
    grace_s: float = GRACE_S,
    check: bool = True,
) -> Completed:
    """Run ``argv`` to its end, at most ``timeout`` seconds.

    ``env`` is laid over this process's environment. With ``log`` both streams are appended to that file as
    they come (and ``stdout`` of the result is what this call appended); with ``show`` they are this process's
    own. ``grace_s`` is what the command has from SIGTERM to SIGKILL. Raises CommandFailedError
    (unless ``check`` is off), CommandTimedOutError, and HarnessError when the program is not there, or when
    ``terminate_all`` has ended everything.
    """
    command = tuple(str(part) for part in argv)
    started = time.monotonic()
    with _opened(log, show=show) as output:
        process = _start(command, env=env, cwd=cwd, piped=stdin is not None, output=output)
        stdout, stderr = _finish(
            process, command, stdin=stdin, timeout=timeout, output=output, grace_s=grace_s
        )
    completed = Completed(
        argv=command,
        returncode=process.returncode,
        stdout=(stdout or "") if log is None else output.logged(),
        stderr=stderr or "",
        seconds=time.monotonic() - started,
    )
    if check and completed.returncode != 0:
        raise CommandFailedError(completed)
    return completed


@contextmanager
def running(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    grace_s: float = GRACE_S,
) -> Iterator[Callable[[], None]]:
    """Keep ``argv`` running beside this process until the block ends; both streams are appended to ``log``.

    Gives a function that raises CommandFailedError once the command has ended by itself, whatever its status:
    to be called while waiting for it to be of use. However the block ends, the command's whole group does, at
    most ``grace_s`` later.
    """
    command, started = tuple(str(part) for part in argv), time.monotonic()
    with _opened(log) as output:
        process = _start(command, env=env, cwd=cwd, piped=False, output=output)

        def alive() -> None:
            if (returncode := process.poll()) is not None:
                said, seconds = output.logged(), time.monotonic() - started
                raise CommandFailedError(
                    Completed(argv=command, returncode=returncode, stdout=said, stderr="", seconds=seconds)
                )

        try:
            yield alive
        finally:
            end_group(process, grace_s)
            with _live_lock:
                _live.discard(process)


def terminate_all() -> None:
    """End every command that is still running (those of other threads, on the way out); refuse new ones."""
    _ending.set()
    with _live_lock:  # what was being started is in the set by now
        running = list(_live)
    for process in running:
        end_group(process)


@dataclass(frozen=True, kw_only=True)
class _Output:
    """Where a command's streams go: two pipes, the end of a log that began at ``start`` bytes, or ours."""

    stdout: int | None = subprocess.PIPE
    stderr: int | None = subprocess.PIPE
    log: Path | None = None
    start: int = 0

    def logged(self) -> str:
        """What the command appended to its log; empty without one."""
        if self.log is None:
            return ""
        with self.log.open("rb") as stream:
            stream.seek(self.start)
            return stream.read().decode(errors="replace")


@contextmanager
def _opened(log: Path | None, *, show: bool = False) -> Iterator[_Output]:
    if log is None:
        yield _Output(stdout=None, stderr=None) if show else _Output()
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        yield _Output(stdout=stream.fileno(), stderr=subprocess.STDOUT, log=log, start=stream.tell())


def _start(
    command: tuple[str, ...],
    *,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    piped: bool,
    output: _Output,
) -> subprocess.Popen[str]:
    """Start the command as the leader of a group, and note it for ``terminate_all``: both or neither."""
    with _live_lock:
        if _ending.is_set():
            raise HarnessError(
                where=command[0],
                problem="not started: everything that runs is being ended",
                remedy="what failed or was interrupted before this is the cause",
            )
        try:
            process = subprocess.Popen(  # the door itself
                command,
                env={**os.environ, **env} if env else None,
                cwd=cwd,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=output.stdout,
                stderr=output.stderr,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise HarnessError(
                where=command[0],
                problem=f"cannot be started: {error.strerror or error}",
                remedy="run 'meshproof doctor': it names what is missing and how to get it",
            ) from error
        _live.add(process)
    return process


def _finish(
    process: subprocess.Popen[str],
    command: tuple[str, ...],
    *,
    stdin: str | None,
    timeout: float,
    output: _Output,
    grace_s: float,
) -> tuple[str, str]:
    """Wait for the command's end; whatever else comes first ends its whole group."""
    try:
        return process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired as expired:
        end_group(process, grace_s)
        raise CommandTimedOutError(
            command, timeout, _text(expired.stdout) or output.logged(), _text(expired.stderr)
        ) from None
    except BaseException:
        end_group(process, grace_s)
        raise
    finally:
        _close_streams(process)
        with _live_lock:
            _live.discard(process)


def _close_streams(process: subprocess.Popen[str]) -> None:
    """Close the pipes of a child that was ended before they were."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):  # what was still to be written to stdin has no reader any more
                stream.close()


def _text(captured: str | bytes | None) -> str:
    return captured.decode(errors="replace") if isinstance(captured, bytes) else captured or ""


def _streams(stdout: str, stderr: str) -> str:
    parts = [
        f"{name}:\n{text.strip()[-_TAIL_CHARS:]}"
        for name, text in (("stdout", stdout), ("stderr", stderr))
        if text.strip()
    ]
    return "\n".join(parts) or "(it said nothing)"


def _one_line(argv: Sequence[str]) -> str:
    line = " ".join(argv)
    return line if len(line) <= 300 else f"{line[:300]} ..."
