"""One run at a time on a machine."""

from pathlib import Path

import filelock
import pytest

from meshproof.engine.alone import alone
from meshproof.model.errors import BadInputError


def test_second_run_on_the_machine_is_refused(tmp_path: Path) -> None:
    with (
        filelock.FileLock(tmp_path / "run.lock"),
        pytest.raises(BadInputError, match="--cluster-name=demo: another run is under way"),
        alone(tmp_path, where="--cluster-name=demo"),
    ):
        pass


def test_lock_is_given_back_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(KeyError), alone(tmp_path / "cache", where="demo"):
        raise KeyError

    with filelock.FileLock(tmp_path / "cache" / "run.lock", blocking=False) as again:
        assert again.is_locked
