"""A process group ends as a whole; what ended already is no error."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from meshproof.engine import process_group as module


def test_zombie_is_not_waited_for(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("7 (a) b) Z 1 42 42 0")

    assert not module._runs_in(stat, 42)
    assert not module._runs_in(tmp_path / "gone", 42)


def test_group_that_is_gone_already_is_no_error() -> None:
    child = subprocess.Popen(["true"], text=True, start_new_session=True)  # noqa: S607 -- of every system
    child.wait(5)

    module.end_group(child)

    assert child.returncode == 0


def test_second_ctrl_c_cuts_the_grace_short(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_args: object, **_kwargs: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "eventually", interrupted)
    sent: list[int] = []
    send = os.killpg

    def recorded(pid: int, sig: int) -> None:
        sent.append(sig)
        send(pid, sig)

    monkeypatch.setattr(os, "killpg", recorded)

    child = subprocess.Popen(["sleep", "600"], text=True, start_new_session=True)  # noqa: S607 -- of every system

    with pytest.raises(KeyboardInterrupt):
        module.end_group(child)

    child.wait(5)
    assert sent == [signal.SIGTERM, signal.SIGKILL]
