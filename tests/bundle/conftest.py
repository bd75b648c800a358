"""What the tests of the bundle share: a lock, a cache, and an engine that starts nothing."""

from pathlib import Path

import pytest

from meshproof.engine.container import Engine
from meshproof.engine.progress import Steps
from tests.bundle.builder import Builder
from tests.bundle.stand_ins import FILES, LOCK, Tools


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock that is right, with the files that it names."""
    folder = tmp_path / "recipes"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    path = folder / "images.toml"
    path.write_text(LOCK, encoding="utf-8")
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MESHPROOF_CACHE", str(folder))
    return folder


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """Stand-ins for go, mmdebstrap, apt-config and podman; plenty of disk; a mirror."""
    tools = Tools()
    for module in ("bundle.golang", "bundle.recipes", "bundle.userland", "engine.container"):
        monkeypatch.setattr(f"meshproof.{module}.run", tools.run)
    program = tmp_path / "go"  # tools.run answers for it
    program.touch()
    monkeypatch.setattr("meshproof.bundle.golang.SYSTEM_GO", str(program))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setenv("MESHPROOF_DEBIAN_MIRROR", "http://mirror.example/debian")
    monkeypatch.setattr("meshproof.bundle.build.COLD_BYTES", 0)
    monkeypatch.setattr("meshproof.bundle.build.WARM_BYTES", 0)
    return tools


@pytest.fixture
def engine(tools: Tools) -> Engine:
    """The stand-in for podman."""
    assert tools.images == {}
    return Engine(name="podman", program="podman")


@pytest.fixture
def said() -> list[str]:
    """The lines that the progress display said."""
    return []


@pytest.fixture
def steps(said: list[str]) -> Steps:
    """A progress display that writes to ``said``."""
    return Steps(say=said.append)


@pytest.fixture
def builder(engine: Engine, steps: Steps, cache: Path, lock: Path) -> Builder:
    return Builder(engine, steps, cache, lock)
