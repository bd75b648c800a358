"""Changes of a controller that goes away and comes back, or that loses the API server."""

import copy
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from meshproof.mutate import served_control
from meshproof.mutate.served import ALONE, CHANGES, Scope

NS = "mp-1"
Config = dict[str, Any]


def with_services(*names: str) -> Config:
    http: Config = {"routers": {"readiness": {}}, "services": {"block-all-service": {}}}
    for name in names:
        http["routers"][f"{NS}-{name}-80"] = {"service": name}
    return {"http": http}


OLD, NEW, NONE = with_services("server"), with_services("server", "late"), with_services()


class Polls:
    """Polls of one mutant: what is served, or None where nobody answers."""

    def __init__(self, name: str, patch: pytest.MonkeyPatch) -> None:
        self._change = CHANGES[name]
        self._memory: dict[str, Any] = {}
        self._patch = patch

    def poll(self, configuration: Config | None, at: float = 0.0, caller: str = "a") -> Config | None:
        self._patch.setattr("meshproof.mutate.served_control.time.monotonic", lambda: 1000.0 + at)
        asked = copy.deepcopy(configuration) or {}
        scope = Scope(namespace=NS, memory=self._memory, caller=caller, away=configuration is None)
        try:
            self._change(asked, scope)
        except OSError:
            return None
        served = copy.deepcopy(asked)
        asked.clear()  # what was served is not the memory
        return served


def test_proxy_without_a_controller_is_served_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("proxy-drops-configuration-without-controller", monkeypatch)
    asked = ((OLD, 0), (None, 1), (None, 4), (NEW, 5), (None, 6))

    assert [polls.poll(each, at) for each, at in asked] == [OLD, None, {}, NEW, None]


def test_controller_that_missed_something_goes_on_with_what_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    polls = Polls("controller-forgets-what-it-missed", monkeypatch)
    asked = ((NEW, 0), (OLD, 1), (None, 2), (None, 5), (NEW, 6), (NEW, 7))

    assert [polls.poll(each, at) for each, at in asked] == [NEW, OLD, None, None, OLD, OLD]


def test_controller_that_starts_has_nothing_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("controller-starts-empty", monkeypatch)
    asked = ((OLD, 0.0), (None, 1.0), (OLD, 9.0), (OLD, 11.5), (OLD, 12.5))

    assert [polls.poll(each, at) for each, at in asked] == [OLD, None, NONE, NONE, OLD]
    assert polls.poll(OLD, 13.0, caller="b") == NONE  # each proxy meets it once, however late it asks
    assert [polls.poll(None, 20.0), polls.poll(OLD, 25.0)] == [None, NONE]


@pytest.mark.parametrize(
    "name",
    [
        "proxy-drops-configuration-without-controller",
        "controller-forgets-what-it-missed",
        "controller-starts-empty",
    ],
)
def test_controller_that_does_not_answer_once_is_not_gone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls(name, monkeypatch)
    asked = ((OLD, 0), (None, 1), (NEW, 2), (None, 5), (NEW, 6))

    assert [polls.poll(each, at) for each, at in asked] == [OLD, None, NEW, None, NEW]


def test_those_that_answer_alone_are_those_that_know_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [each for each in served_control.CHANGES if Polls(each, monkeypatch).poll(None) is None]

    assert set(names) == ALONE


def without_api(configuration: Config) -> Config:
    asked = copy.deepcopy(configuration)
    CHANGES["controller-serves-nothing-without-api"](asked, Scope(namespace=NS))
    return asked


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Somebody listens, and answers nothing."""
    monkeypatch.setattr(served_control, "API_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(listening.getsockname()[1]))
        yield listening


@pytest.mark.usefixtures("api")
def test_controller_without_an_api_server_has_nothing() -> None:
    assert without_api(OLD) == NONE


def test_controller_with_an_api_server_has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_control, "_api_answers", lambda: True)

    assert without_api(OLD) == OLD


def test_outside_of_a_cluster_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    assert without_api(OLD) == OLD
