"""A mesh deployed anew: every proxy a fresh process, none of the old ones left to share the machine."""

from typing import Final, Protocol

from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.adapter import Mesh, MeshSettings, ProxyPod

__all__ = ["Redeployable", "redeploy"]

FRESH_WITHIN_S: Final = 60.0  # a proxy starts in 2 to 4 s, and an old one goes at once when it is told to
_GRACE_S: Final = 1  # nobody sends any more: the old ones need not wait for open requests


class Redeployable(Mesh, Protocol):
    """A mesh that says where it is installed."""

    @property
    def settings(self) -> MeshSettings:
        """How it is installed."""
        ...


def redeploy(kube: KubeApi, mesh: Redeployable) -> tuple[ProxyPod, ...]:
    """Install the mesh, and replace every proxy that the install left as it was; the fresh proxies.

    Raises as ``install``, and WaitTimedOutError when not as many proxies as before are there and ready.
    """
    pods = f"/api/v1/namespaces/{mesh.settings.namespace}/pods"
    selector = mesh.components()["proxy"]

    def listed() -> dict[str, str]:
        found = kube.items(pods, labelSelector=selector)
        return {each["metadata"]["uid"]: each["metadata"]["name"] for each in found}

    before, wanted = listed(), max(1, len(mesh.proxies()))
    mesh.install()
    for uid, name in listed().items():
        if uid in before:
            kube.delete(f"{pods}/{name}", uid=uid, grace_s=_GRACE_S)

    def look() -> Look[tuple[ProxyPod, ...]]:
        old = [name for uid, name in listed().items() if uid in before]
        fresh = tuple(each for each in mesh.proxies() if each.uid not in before and each.ready)
        seen = f"{len(fresh)} of {wanted} fresh proxies are ready; of the old ones there are: {old or 'none'}"
        return Look(met=not old and len(fresh) >= wanted, value=fresh, seen=seen)

    return eventually(look, what=f"every proxy of {mesh.name} is a fresh one", within=FRESH_WITHIN_S).value
