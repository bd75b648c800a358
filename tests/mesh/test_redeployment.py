"""A redeployment leaves no proxy as it was, whether the install changed it or not."""

from typing import Any

import pytest

from meshproof.engine.waiting import WaitTimedOutError
from meshproof.mesh import redeployment as module
from meshproof.mesh.adapter import MeshSettings, ProxyPod
from meshproof.mesh.redeployment import redeploy

PODS = "/api/v1/namespaces/traefik-mesh/pods"


class FakeCluster:
    """Proxies by uid; deleted ones are replaced on the next look, unless nothing comes after them."""

    def __init__(
        self, *uids: str, install_replaces: bool, replaces: bool = True, lingers: int = 0, first: str = ""
    ) -> None:
        self.pods = list(uids)
        self.going: dict[str, int] = {}
        self.deleted: list[tuple[str, str | None, int | None]] = []
        self.settings = MeshSettings()
        self.name = "traefik-mesh"
        self._install_replaces = install_replaces
        self._replaces = replaces
        self._lingers = lingers
        self._first = first
        self._made = 0

    def components(self) -> dict[str, str]:
        return {"proxy": "component=maesh-mesh"}

    def install(self) -> float:
        if self._first:
            self.pods.append(self._first)
        if self._install_replaces:
            for uid in list(self.pods):
                self._replace(uid)
        return 1.0

    def proxies(self) -> tuple[ProxyPod, ...]:
        return tuple(ProxyPod(name=f"p-{u}", uid=u, ip=u, node="n", ready=True) for u in self.pods)

    def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        assert (path, query) == (PODS, {"labelSelector": "component=maesh-mesh"})
        there = [*self.pods, *self.going]
        self.going = {uid: looks - 1 for uid, looks in self.going.items() if looks > 0}
        return [{"metadata": {"uid": uid, "name": f"p-{uid}"}} for uid in there]

    def delete(self, path: str, *, uid: str | None = None, grace_s: int | None = None) -> None:
        self.deleted.append((path, uid, grace_s))
        if uid in self.pods:
            self._replace(uid)

    def _replace(self, uid: str) -> None:
        self.pods.remove(uid)
        self.going[uid] = self._lingers
        if self._replaces:
            self._made += 1
            self.pods.append(f"new-{self._made}")


def redeployed(cluster: FakeCluster) -> tuple[ProxyPod, ...]:
    fake: Any = cluster
    return redeploy(fake, fake)


def test_proxies_that_the_install_left_as_they_were_are_replaced() -> None:
    cluster = FakeCluster("a", "b", install_replaces=False)

    fresh = redeployed(cluster)

    assert {each.uid for each in fresh} == {"new-1", "new-2"}
    assert cluster.deleted == [(f"{PODS}/p-a", "a", 1), (f"{PODS}/p-b", "b", 1)]


def test_old_proxies_are_waited_for_until_they_are_gone() -> None:
    cluster = FakeCluster("a", install_replaces=True, lingers=3)

    assert [each.uid for each in redeployed(cluster)] == ["new-1"]
    assert cluster.going == {}


def test_first_install_needs_no_predecessor() -> None:
    cluster = FakeCluster(install_replaces=False, first="new-1")

    assert [each.uid for each in redeployed(cluster)] == ["new-1"]
    assert cluster.deleted == []


def test_proxy_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH_WITHIN_S", 0.0)

    with pytest.raises(WaitTimedOutError, match="0 of 1 fresh proxies are ready"):
        redeployed(FakeCluster("a", install_replaces=False, replaces=False))
