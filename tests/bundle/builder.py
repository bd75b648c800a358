"""``build_bundle`` on a test's engine, cache and lock, and what it asked the tools for."""

from pathlib import Path

from meshproof.bundle import (
    Bundle,
    build_bundle,
)
from meshproof.engine.container import Engine
from meshproof.engine.progress import Steps
from tests.bundle.stand_ins import Tools


class Builder:
    """``build_bundle`` with the test's engine, cache and lock."""

    def __init__(self, engine: Engine, steps: Steps, cache: Path, lock: Path) -> None:
        self.engine, self.steps, self.cache, self.lock = engine, steps, cache, lock

    def __call__(self, *, repair: bool = False) -> Bundle:
        return build_bundle(self.engine, self.steps, cache=self.cache, lock=self.lock, repair=repair)


def built(tools: Tools) -> list[str]:
    """The images that the engine was asked to build."""
    return [call[call.index("--tag") + 1] for call in tools.calls("podman") if call[0] == "build"]


def compiled(tools: Tools) -> list[str]:
    """The packages that Go was asked to build."""
    return [call[-1] for call in tools.calls("go") if call[0] == "build"]
