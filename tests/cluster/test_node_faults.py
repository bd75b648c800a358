"""Faults inside a node: where its routes lead, how it hides its pods; seen to be there, and taken back."""

from types import SimpleNamespace
from typing import Any

import pytest

from meshproof.cluster.faults import FaultError, Faults
from meshproof.engine.process import CommandFailedError, Completed

PODS, WORKERS = "10.244.0.0/24", "10.244.1.0/24"
HALVES = ["10.244.0.0/25", "10.244.0.128/25"]
RULE = f"POSTROUTING --source {PODS} --destination {WORKERS} --jump MASQUERADE"


class Node:
    """Keeps what ip and iptables tell it; ``deaf`` are the words that it does not act upon."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.deaf: set[str] = set()
        self.asked: set[str] = set()

    def exec(self, container: str, *argv: str, timeout: float, check: bool = True) -> Completed:
        assert timeout > 0
        self.asked.add(container)
        match argv:
            case ("ip", "-4", "route", "show", "type", "unreachable"):
                return _done(argv, "\n".join(f"unreachable {each} dev lo" for each in self.kept))
            case ("ip", "route", what, "unreachable", subject):
                return self._told(what, subject, argv)
            case ("iptables", "--wait", "--table", "nat", what, *rule):
                done = self._told(what, " ".join(rule), argv)
                if check and done.returncode:
                    raise CommandFailedError(done)
                return done
        pytest.fail(f"nobody knows {argv}")

    def _told(self, what: str, subject: str, argv: tuple[str, ...]) -> Completed:
        there = subject in self.kept
        if what in {"add", "--insert"} and what not in self.deaf:
            self.kept.append(subject)
        if what in {"del", "--delete"} and what not in self.deaf and there:
            self.kept.remove(subject)
        return _done(argv, status=int(what == "--check" and not there))


def _done(argv: tuple[str, ...], told: str = "", *, status: int = 0) -> Completed:
    return Completed(argv=argv, returncode=status, stdout=told, stderr="", seconds=0)


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def faults(node: Node) -> Faults:
    cluster: Any = SimpleNamespace(
        check=lambda: None,
        kube=lambda: None,
        engine=node,
        node_container=lambda name: SimpleNamespace(id=f"container of {name}"),
    )
    return Faults(cluster)


def test_node_has_no_way_to_pods_within_the_block_alone(faults: Faults, node: Node) -> None:
    with faults.unreachable(PODS, node="worker"):
        assert node.kept == HALVES

    assert (node.kept, node.asked) == ([], {"container of worker"})


def test_node_hides_its_pods_within_the_block_alone(faults: Faults, node: Node) -> None:
    with faults.masqueraded(PODS, to=WORKERS, node="plane"):
        assert node.kept == [RULE]

    assert (node.kept, node.asked) == ([], {"container of plane"})


def test_what_is_in_the_node_is_taken_back_when_the_block_fails(faults: Faults, node: Node) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        faults.unreachable(PODS, node="worker"),
        faults.masqueraded(PODS, to=WORKERS, node="worker"),
    ):
        raise ZeroDivisionError

    assert node.kept == []


def test_route_that_stays_is_a_fault_of_the_harness(faults: Faults, node: Node) -> None:
    node.deaf = {"add"}

    with pytest.raises(FaultError, match="still has a route"), faults.unreachable(PODS, node="worker"):
        pytest.fail("the block must not be entered")


def test_rule_that_is_not_there_is_a_fault_of_the_harness(faults: Faults, node: Node) -> None:
    node.deaf = {"--insert"}

    with (
        pytest.raises(CommandFailedError, match="--check"),
        faults.masqueraded(PODS, to=WORKERS, node="plane"),
    ):
        pytest.fail("the block must not be entered")


def test_route_that_does_not_come_back_is_said(faults: Faults, node: Node) -> None:
    node.deaf = {"del"}

    with (
        pytest.raises(FaultError, match="has no route to"),
        faults.unreachable(PODS, node="worker"),
    ):
        pass


def test_rule_that_stays_is_said(faults: Faults, node: Node) -> None:
    node.deaf = {"--delete"}

    with (
        pytest.raises(FaultError, match="still hides"),
        faults.masqueraded(PODS, to=WORKERS, node="plane"),
    ):
        pass
