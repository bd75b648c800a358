"""A ready mesh made of fakes; every wait is one look."""

from typing import Any

import pytest

from meshproof.engine.waiting import Converged, eventually
from meshproof.mutate import rollouts, shim
from meshproof.mutate.mutant import Ground
from tests.mutate.fake_ground import FakeKube, FakeMesh, ground


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


@pytest.fixture
def mesh() -> FakeMesh:
    return FakeMesh()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was waited for, and how many looks in a row had to see it; one look is taken."""
    told: list[tuple[str, int]] = []

    def one_look(look: Any, *, what: str, within: float, successes: int = 1) -> Converged[Any]:
        assert 0 < within <= 60
        assert successes > 0
        told.append((what, successes))
        return eventually(look, what=what, within=0.0)

    for module in (rollouts, shim):
        monkeypatch.setattr(module, "eventually", one_look)
    return told


@pytest.fixture
def ready(kube: FakeKube, mesh: FakeMesh, waits: list[tuple[str, int]]) -> Ground:
    """The ground that mutants are applied on."""
    del waits
    return ground(kube, mesh)
