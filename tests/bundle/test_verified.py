"""A bundle that was read whole is not read again, unless a file of it was touched or a day has gone by."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from meshproof.bundle import BundleDamagedError, build_bundle, open_bundle, opened, verified
from meshproof.bundle.digest import digest_of_files
from meshproof.engine.container import Engine
from meshproof.engine.progress import Steps


@pytest.fixture
def read(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, steps: Steps, cache: Path, lock: Path
) -> Callable[..., bool]:
    """Whether opening the bundle, which is there and was verified, reads its files."""
    monkeypatch.setattr(verified, "_SETTLED_S", 0.0)
    build_bundle(engine, steps, cache=cache, lock=lock)
    readings: list[int] = []

    def digests(paths: dict[Path, object]) -> dict[Path, str]:
        readings.append(len(paths))
        return digest_of_files(paths)

    monkeypatch.setattr(opened, "digest_of_files", digests)

    def open_it(*, anew: bool = False) -> bool:
        readings.clear()
        open_bundle(cache, lock=lock, anew=anew)
        return bool(readings)

    return open_it


@pytest.fixture
def root(read: Callable[..., bool], cache: Path) -> Path:
    assert not read(), "the build verified it"
    return next(cache.glob("bundle/*/manifest.json")).parent


@pytest.mark.usefixtures("root")
def test_untouched_bundle_is_read_anew_where_that_is_asked_for(read: Callable[..., bool]) -> None:
    assert read(anew=True)
    assert not read()


@pytest.mark.parametrize(
    "touch",
    [
        pytest.param(Path.touch, id="touched"),
        pytest.param(lambda path: path.chmod(0o700), id="mode"),
        pytest.param(
            lambda path: Path(shutil.copy2(path, path.with_name("new"))).replace(path), id="replaced"
        ),
    ],
)
def test_touched_file_is_read_again_once(
    read: Callable[..., bool], root: Path, touch: Callable[[Path], object]
) -> None:
    touch(root / "bin" / "helm")

    assert read()
    assert not read()


def test_other_bytes_of_the_same_size_and_modification_time_are_found(
    read: Callable[..., bool], root: Path
) -> None:
    helm = root / "bin" / "helm"
    before = helm.stat()
    helm.write_bytes(bytes(before.st_size))
    os.utime(helm, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(BundleDamagedError, match="bin/helm"):
        read()
    with pytest.raises(BundleDamagedError, match="bin/helm"):
        read()


def test_missing_file_is_found(read: Callable[..., bool], root: Path) -> None:
    (root / "bin" / "helm").unlink()

    with pytest.raises(BundleDamagedError, match="got no file"):
        read()


@pytest.mark.usefixtures("root")
def test_damage_that_no_time_tells_of_is_not_forgotten(
    read: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that lost a bit: once a reading has found it, no older word counts."""
    with monkeypatch.context() as patch:
        patch.setattr(opened, "digest_of_files", lambda paths: dict.fromkeys(paths, "sha256:other"))
        with pytest.raises(BundleDamagedError):
            read(anew=True)

    assert read()


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("hours", [pytest.param(25, id="a-day-later"), pytest.param(-1, id="clock-set-back")])
def test_word_holds_for_a_day(read: Callable[..., bool], monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + hours * 3600)

    assert read()


@pytest.mark.parametrize("text", ["", "{", '{"at_unix": 1}', "[]"])
def test_damaged_word_counts_for_nothing(read: Callable[..., bool], root: Path, text: str) -> None:
    (root / "verified.json").write_text(text)

    assert read()
    assert not read()


def test_another_manifest_is_another_bundle(read: Callable[..., bool], root: Path) -> None:
    manifest = root / "manifest.json"
    manifest.write_text(manifest.read_text().replace("v0.33.0", "v0.33.1"))

    assert read()


def test_file_that_has_only_just_changed_is_not_believed(
    read: Callable[..., bool], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "_SETTLED_S", 1.0)
    before, readings = time.time, []
    (root / "bin" / "helm").touch()

    def slow(paths: dict[Path, object]) -> dict[Path, str]:
        """A reading that takes an hour: the file had changed just before it all the same."""
        readings.append(len(paths))
        monkeypatch.setattr(time, "time", lambda: before() + 3600)
        return digest_of_files(paths)

    monkeypatch.setattr(opened, "digest_of_files", slow)

    read()
    read()

    assert len(readings) == 2


def test_folder_that_cannot_be_written_to_is_no_error(
    read: Callable[..., bool], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_path: Path, _content: bytes) -> None:
        raise PermissionError

    monkeypatch.setattr(verified, "write_atomically", refused)
    (root / "bin" / "helm").touch()

    assert read()
    assert read()
