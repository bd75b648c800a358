"""What a client meets at a shadow service's address, once kube-proxy has followed a change of it."""

from collections.abc import Callable
from typing import Final

from meshproof.engine.waiting import Look
from meshproof.mutate.mutant import Ground
from meshproof.mutate.rollouts import wait

__all__ = ["shadow_path", "wait_heard"]

_ANSWERS_S: Final = 2.0  # in milliseconds, or never
_STEADY: Final = 3  # looks: each is a connection of its own


def shadow_path(ground: Ground, service: str) -> str:
    """The shadow service of one of the run's services."""
    mesh = ground.mesh
    name = mesh.shadow_service(service, ground.namespace)
    return f"/api/v1/namespaces/{mesh.settings.namespace}/services/{name}"


def wait_heard(
    ground: Ground, path: str, port: int, said: bytes, holds: Callable[[bytes], bool], *, what: str
) -> None:
    """Until ``holds`` is true of what comes back for ``said`` over TCP: b"" where nobody listens."""
    address = ground.kube.get(path)["spec"]["clusterIP"]

    def look() -> Look[None]:
        heard = ground.probe.tcp(address, port, said, half_close=False, timeout_s=_ANSWERS_S).received
        return Look(met=holds(heard), value=None, seen=f"{path}:{port} answers {heard[:80]!r}")

    wait(look, what=what, successes=_STEADY)
