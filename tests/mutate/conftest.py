"""A ready mesh made of fakes, where every wait is one look; and a server that is asked through a front."""

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from meshproof.engine.waiting import Converged, eventually
from meshproof.mutate import rollouts, shim
from meshproof.mutate.front_behaviours import Behaviour
from meshproof.mutate.mutant import Ground
from tests.mutate.fake_ground import FakeKube, FakeMesh, ground
from tests.mutate.fronted import Answer, Ask, Echo, exchanged


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


@pytest.fixture
def server() -> Iterator[str]:
    Echo.seen = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()


@pytest.fixture
def ask(server: str) -> Ask:
    """Status and what the server was asked, through a front of this behaviour."""

    def asked(
        behaviour: Behaviour,
        target: str = "/",
        headers: dict[str, str] | None = None,
        body: str | bytes | None = None,
        method: str = "",
    ) -> Answer:
        method = method or ("POST" if body else "GET")
        answer = exchanged(server, behaviour, method, target, body=body, headers=headers or {})
        try:
            return answer.status, json.loads(answer.told)
        except ValueError:
            return answer.status, answer.told

    return asked
