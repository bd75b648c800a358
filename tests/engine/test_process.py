"""The one door to subprocesses: what it returns, what its errors say, and that nothing outlives it."""

import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from meshproof.engine import process as module
from meshproof.engine.process import (
    CommandFailedError,
    CommandTimedOutError,
    run,
    running,
    terminate_all,
)
from meshproof.engine.waiting import Look, eventually
from meshproof.model.errors import HarnessError

FOREVER = "sleep 600"


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ended(pid: int) -> None:
    eventually(lambda: Look(met=not alive(pid), value=None, seen="alive"), what=f"end of {pid}", within=5)


def written(path: Path) -> int:
    """The number that a child writes to ``path``."""

    def look() -> Look[str]:
        text = path.read_text() if path.exists() else ""
        return Look(met=text.endswith("\n"), value=text, seen=text)

    return int(eventually(look, what=str(path), within=5, every=0.01).value)


def test_both_streams_and_status_come_back() -> None:
    done = run(["sh", "-c", "echo out; echo err >&2"], timeout=5)

    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert done.argv == ("sh", "-c", "echo out; echo err >&2")
    assert 0 < done.seconds < 5


def test_arguments_reach_the_program_untouched(tmp_path: Path) -> None:
    done = run(["printf", "%s|", "$HOME; `id`", tmp_path], timeout=5)

    assert done.stdout == f"$HOME; `id`|{tmp_path}|"


def test_environment_is_laid_over_ours_and_folder_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "1")

    done = run(["sh", "-c", 'echo "$OURS$THEIRS"; pwd'], timeout=5, env={"THEIRS": "2"}, cwd=tmp_path)

    assert done.stdout == f"12\n{tmp_path}\n"


@pytest.mark.parametrize(("stdin", "expected"), [("text", "text"), (None, "")], ids=["given", "closed"])
def test_stdin(stdin: str | None, expected: str) -> None:
    assert run(["cat"], timeout=5, stdin=stdin).stdout == expected


def test_bytes_that_are_no_text_do_not_break_it() -> None:
    assert run(["printf", r"a\377b"], timeout=5).stdout == "a\ufffdb"


def test_failure_carries_both_streams() -> None:
    with pytest.raises(CommandFailedError) as caught:
        run(["sh", "-c", "echo said; echo complained >&2; exit 3"], timeout=5)

    text = str(caught.value)
    assert text.startswith("COMMAND-FAILED: sh: exit status 3 from: sh -c ")
    assert text.endswith("stdout:\nsaid\nstderr:\ncomplained")
    assert caught.value.completed.returncode == 3


def test_silent_failure_says_so_and_long_ones_keep_their_end() -> None:
    with pytest.raises(CommandFailedError, match="it said nothing"):
        run(["false"], timeout=5)
    with pytest.raises(CommandFailedError) as caught:
        run(["sh", "-c", "seq 10000; exit 1", "x" * 400], timeout=5)

    assert caught.value.evidence.endswith("10000")
    assert len(str(caught.value)) < 5_000


def test_failure_may_be_asked_for() -> None:
    assert run(["false"], timeout=5, check=False).returncode == 1


def test_program_that_is_not_there_sends_to_the_doctor() -> None:
    with pytest.raises(HarnessError, match=r"no-such-program: cannot be started: .*meshproof doctor"):
        run(["no-such-program"], timeout=5)


def test_log_gets_both_streams_and_the_result_only_this_calls(tmp_path: Path) -> None:
    log = tmp_path / "logs/one.log"

    run(["echo", "before"], timeout=5, log=log)
    done = run(["sh", "-c", "echo out; echo err >&2"], timeout=5, log=log)

    assert done.stdout == "out\nerr\n"
    assert done.stderr == ""
    assert log.read_text() == "before\nout\nerr\n"


def test_timeout_says_what_was_said_until_then() -> None:
    with pytest.raises(CommandTimedOutError) as caught:
        run(["sh", "-c", f"echo so far; echo oh >&2; {FOREVER}"], timeout=0.3)

    assert "COMMAND-TIMED-OUT: sh: still running after 0.3 s" in str(caught.value)
    assert caught.value.evidence == "stdout:\nso far\nstderr:\noh"


def test_timeout_with_a_log_says_it_too(tmp_path: Path) -> None:
    with pytest.raises(CommandTimedOutError, match="so far"):
        run(["sh", "-c", f"echo so far; {FOREVER}"], timeout=0.3, log=tmp_path / "log")


def test_timeout_ends_grandchildren(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    with pytest.raises(CommandTimedOutError):
        run(["sh", "-c", f"{FOREVER} & echo $! > {pid_file}; wait"], timeout=0.3)

    ended(written(pid_file))


def test_grandchild_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    stubborn = f"(trap '' TERM; exec {FOREVER}) & echo $! > {pid_file}; wait"

    with pytest.raises(CommandTimedOutError):
        run(["sh", "-c", stubborn], timeout=0.3, grace_s=0.2)

    ended(written(pid_file))


def test_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    with pytest.raises(CommandTimedOutError):
        run(["sh", "-c", f"trap '' TERM; echo $$ > {pid_file}; {FOREVER}"], timeout=0.3, grace_s=0.2)

    assert not alive(written(pid_file))


def test_ctrl_c_ends_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[subprocess.Popen[str]] = []

    def interrupted(self: subprocess.Popen[str], *_args: object, **_kwargs: object) -> Any:
        children.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)

    with pytest.raises(KeyboardInterrupt):
        run(["sleep", "600"], timeout=60)

    assert children[0].returncode == -signal.SIGTERM
    assert children[0] not in module._live


def test_terminate_all_ends_what_other_threads_run(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    statuses: list[int] = []

    def work() -> None:
        done = run(["sh", "-c", f"echo $$ > {pid_file}; exec {FOREVER}"], timeout=60, check=False)
        statuses.append(done.returncode)

    thread = threading.Thread(target=work)
    thread.start()
    pid = written(pid_file)

    terminate_all()
    thread.join(5)

    assert statuses == [-signal.SIGTERM]
    assert not alive(pid)


def test_nothing_is_started_after_terminate_all(tmp_path: Path) -> None:
    terminate_all()

    with pytest.raises(HarnessError, match="touch: not started: everything that runs is being ended"):
        run(["touch", tmp_path / "made"], timeout=5)

    assert not (tmp_path / "made").exists()


def test_command_that_is_being_started_meanwhile_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its start and its entry in the list of what runs, a command must not be missed."""
    starting, ending = threading.Event(), threading.Event()
    statuses: list[int] = []
    popen = subprocess.Popen

    def slow(*args: Any, **options: Any) -> Any:
        process = popen(*args, **options)
        starting.set()
        ending.wait(5)
        return process

    monkeypatch.setattr(subprocess, "Popen", slow)
    monkeypatch.setattr(module._ending, "set", ending.set)

    def work() -> None:
        statuses.append(run(["sleep", "600"], timeout=60, check=False).returncode)

    thread = threading.Thread(target=work)
    thread.start()
    starting.wait(5)

    terminate_all()
    thread.join(5)

    assert statuses == [-signal.SIGTERM]


def test_command_runs_beside_until_the_block_ends(tmp_path: Path) -> None:
    log, pid = tmp_path / "log", tmp_path / "pid"
    with running(["sh", "-c", f"echo $$ > {pid}; echo said; {FOREVER}"], log=log) as still_there:
        child = written(pid)
        still_there()
        assert alive(child)

    assert not alive(child)
    assert log.read_text() == "said\n"


def test_command_beside_ends_with_what_it_started_when_the_block_fails(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = ["sh", "-c", f"{FOREVER} & echo $! > {pid}; wait"]

    def fail_meanwhile() -> None:
        with running(command, log=tmp_path / "log"):
            written(pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_meanwhile()

    ended(int(pid.read_text()))


def test_command_beside_that_ended_by_itself_says_why(tmp_path: Path) -> None:
    with running(["sh", "-c", "echo no such option >&2; exit 0"], log=tmp_path / "log") as still_there:

        def look() -> Look[str]:
            try:
                still_there()
            except CommandFailedError as error:
                return Look(met=True, value=str(error), seen="ended")
            return Look(met=False, value="", seen="alive")

        said = eventually(look, what="it ended", within=5, every=0.01).value

    assert "exit status 0 from: sh -c" in said
    assert "no such option" in said


def test_terminate_all_ends_what_runs_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ending", threading.Event())
    pid = tmp_path / "pid"
    with running(["sh", "-c", f"echo $$ > {pid}; {FOREVER}"], log=tmp_path / "log"):
        child = written(pid)
        terminate_all()

        assert not alive(child)
