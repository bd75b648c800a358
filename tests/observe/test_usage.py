"""The watch waits for new samples, keeps each once, and lets nothing end the experiment."""

from typing import Any, cast

import pytest

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.model.usage import Component, Moment, Usage
from meshproof.observe import usage as module
from meshproof.observe.usage import Part, UsageWatch
from tests.observe.cadvisor import container, page

PARTS = (
    Part(component=Component.PROXY, namespace="mesh", selector="is=proxy"),
    Part(component=Component.SERVER, namespace="lab", selector="is=server"),
)


class Cluster:
    """A proxy on one node and a server on another; a kubelet looks at its containers every third time."""

    def __init__(self) -> None:
        self.asked = 0
        self.texts: list[str] = []
        self.refused = False
        self.stands_still = False
        self.instance = "first"

    def items(self, path: str, labelSelector: str) -> list[dict[str, Any]]:  # noqa: N803 - the API's own name
        name = labelSelector.removeprefix("is=")
        assert path == f"/api/v1/namespaces/{'mesh' if name == 'proxy' else 'lab'}/pods"
        pending = {"metadata": {"name": "pending"}, "spec": {}}
        return [{"metadata": {"name": f"{name}-a"}, "spec": {"nodeName": f"node-of-{name}"}}, pending]

    def raw(self, _: str, path: str) -> bytes:
        if self.refused:
            raise KubeError(where=path, status=403, problem="forbidden", evidence="nodes/proxy")
        self.asked += 1
        turn = 0 if self.stands_still else self.asked // 6  # two nodes, three looks
        at_ms = 1_900_000_000_000 + turn * 10_000
        if "node-of-proxy" in path:
            mine = container("proxy-a", cpu_s=turn, at_ms=at_ms, instance=self.instance)
            return page(mine, container("other", at_ms=at_ms)).encode()
        return page(container("server-a", namespace="lab", at_ms=at_ms)).encode()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH_EVERY_S", 0.0)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0)


def watch(cluster: Cluster) -> UsageWatch:
    return UsageWatch(cast("KubeApi", cluster), PARTS)


def moments(usage: Usage, pod: str = "proxy-a") -> list[tuple[Moment, float]]:
    return [(each.moment, each.seen.cpu_s) for each in usage.samples if each.seen.pod == pod]


def test_each_sample_is_kept_once_in_its_place() -> None:
    """What the kubelet had before the watch began may hold what was before: it is not kept."""
    cluster = Cluster()
    watching = watch(cluster)

    watching.rest()
    for _ in range(7):
        watching.look()
    watching.end()

    usage = watching.usage(services=7)
    assert moments(usage) == [
        (Moment.IDLE, 1),
        (Moment.BEFORE, 2),
        (Moment.DURING, 3),
        (Moment.DURING, 4),
        (Moment.AFTER, 5),
    ]
    assert {each.component for each in usage.samples} == {Component.PROXY, Component.SERVER}
    assert (usage.services, usage.problems) == (7, [])


def test_other_pods_of_the_node_are_none_of_ours() -> None:
    watching = watch(Cluster())

    watching.rest()

    assert {each.seen.pod for each in watching.usage().samples} == {"proxy-a", "server-a"}


def test_while_load_is_on_it_is_looked_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 60.0)
    cluster = Cluster()
    watching = watch(cluster)

    for _ in range(9):
        watching.look()

    assert cluster.asked == 2  # one look at two nodes


def test_a_container_that_restarted_is_there_as_another() -> None:
    cluster = Cluster()
    watching = watch(cluster)
    watching.rest()
    cluster.instance = "second"

    watching.end()

    of_proxy = [each.seen.instance for each in watching.usage().samples if each.seen.pod == "proxy-a"]
    assert of_proxy[:2] == ["first", "first"]
    assert set(of_proxy[2:]) == {"second"}


def test_kubelets_that_may_not_be_asked_are_told_once_and_end_nothing() -> None:
    cluster = Cluster()
    cluster.refused = True
    watching = watch(cluster)

    watching.rest()
    watching.look()
    watching.look()
    watching.end()

    usage = watching.usage()
    assert usage.samples == []
    assert [problem.partition(":")[0] for problem in usage.problems] == [
        "before the load",
        "while load was on",
        "after the load",
    ]
    assert "forbidden" in usage.problems[0]


def test_samples_that_never_come_are_told_and_old_ones_not_taken_for_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FRESH_WITHIN_S", 0.0)
    cluster = Cluster()
    cluster.stands_still = True
    watching = watch(cluster)

    watching.rest()

    usage = watching.usage()
    assert usage.samples == []
    assert "as before: proxy-a, server-a" in usage.problems[0]
