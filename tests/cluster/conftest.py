"""An API server on loopback, a client of it, and clusters behind a door that starts nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from meshproof.cluster import kind as module
from meshproof.cluster.kind import KindCluster
from meshproof.cluster.kube import KubeApi
from meshproof.engine import container as engine_module
from meshproof.engine.waiting import eventually
from tests.cluster.api_server import ApiServer, a_node, serving
from tests.cluster.kind_door import BUNDLE, ENGINE, Door


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with serving() as running:
        yield running


@pytest.fixture
def kube(server: ApiServer) -> KubeApi:
    return kube_at(server.url)


def kube_at(url: str) -> KubeApi:
    settings = client.Configuration()
    settings.host = url
    settings.retries = False
    return KubeApi(client.ApiClient(settings))


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch, server: ApiServer) -> Door:
    server.gives("/api/v1/nodes", {"items": [a_node("demo-control-plane")]})
    door = Door(server.url)
    monkeypatch.setattr(module, "run", door)
    monkeypatch.setattr(engine_module, "run", door)
    return door


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the session was started."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def new_cluster(door: Door, folder: Path) -> Callable[..., KindCluster]:
    """Make a cluster's object, as each session does."""
    assert door.argv == []
    assert folder.is_dir()

    def make(name: str = "demo", **options: Any) -> KindCluster:
        return KindCluster(name, bundle=BUNDLE, engine=ENGINE, **options)

    return make


@pytest.fixture
def cluster(new_cluster: Callable[..., KindCluster]) -> KindCluster:
    return new_cluster()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wait takes one look."""

    def one_look(look: Any, *, what: str, within: float) -> Any:
        assert within > 0
        return eventually(look, what=what, within=0.0)

    monkeypatch.setattr(module, "eventually", one_look)


@pytest.fixture
def kept(new_cluster: Callable[..., KindCluster], door: Door) -> KindCluster:
    """A cluster that an earlier session made and kept."""
    earlier = new_cluster()
    earlier.create()
    door.argv.clear()
    return earlier
