"""Mutants of the shadow services: whom they are made for, when they go, which ports they have."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.model.mutant import MutantKind
from meshproof.mutate.chart import Patched
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.reach import shadow_path, wait_heard

__all__ = ["MUTANTS", "PortsBeyond", "WithoutTheRight"]

_ROLES: Final = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles"
_REVIEW: Final = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
_SHADOW: Final = "app=maesh,type=shadow"
_ASKED: Final = b"GET / HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class WithoutTheRight:
    """The controller may not do one thing (a verb) with the services of the mesh's namespace."""

    verb: str
    kind: MutantKind = MutantKind.CHART

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """Forbidden inside the block; after it allowed again, and gone what should have been deleted."""
        change = Patched(path=_role, edit=self._forbid, holds=lambda each: not _may(each, self.verb))
        try:
            with change.applied(ground):
                yield
        finally:
            _remove_orphans(ground)

    def _forbid(self, role: dict[str, Any], _: Ground) -> None:
        for rule in role["rules"]:
            if "services" in rule["resources"] and "resourceNames" not in rule:
                rule["verbs"] = [each for each in rule["verbs"] if each != self.verb]


def _role(ground: Ground) -> str:
    settings = ground.mesh.settings
    return f"{_ROLES.format(settings.namespace)}/{settings.release}-controller"


def _may(ground: Ground, verb: str) -> bool:
    """Whether the controller may do that, as the API server sees it now."""
    namespace, release = ground.mesh.settings.namespace, ground.mesh.settings.release
    asked = {
        "user": f"system:serviceaccount:{namespace}:{release}-controller",
        "resourceAttributes": {"namespace": namespace, "verb": verb, "resource": "services"},
    }
    return bool(ground.kube.create({**_REVIEW, "metadata": {}, "spec": asked})["status"]["allowed"])


def _remove_orphans(ground: Ground) -> None:
    """Delete the shadow services of services that are gone: the controller gives up after some tries."""
    path = f"/api/v1/namespaces/{ground.mesh.settings.namespace}/services"
    shadows = {each["metadata"]["name"] for each in ground.kube.items(path, labelSelector=_SHADOW)}
    services = (each["metadata"] for each in ground.kube.items("/api/v1/services"))
    wanted = {ground.mesh.shadow_service(each["name"], each["namespace"]) for each in services}
    for name in sorted(shadows - wanted):
        ground.kube.delete(f"{path}/{name}")


@dataclass(frozen=True, kw_only=True)
class PortsBeyond:
    """The ports of services for which there is no entry point lead to that of the port before them.

    ``awaited`` is a TCP port of the last service: once it answers, those of the others do.
    """

    services: tuple[str, ...]
    awaited: int
    kind: MutantKind = MutantKind.CHART

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """The ports are there inside the block, and not after it."""
        with ExitStack() as stack:
            stack.callback(self._wait, ground, there=False)
            for service in self.services:
                stack.enter_context(_with_ports(ground, service))
            self._wait(ground, there=True)
            yield

    def _wait(self, ground: Ground, *, there: bool) -> None:
        path = shadow_path(ground, self.services[-1])
        what = f"{path}:{self.awaited} is {'there' if there else 'gone'}"
        wait_heard(ground, path, self.awaited, _ASKED, lambda heard: bool(heard) is there, what=what)


@contextmanager
def _with_ports(ground: Ground, service: str) -> Iterator[None]:
    """What is taken back are the ports alone: a check may have had the shadow service made anew."""
    path = shadow_path(ground, service)
    ports = _ports(ground, path)
    known = {each["port"] for each in ports}
    beyond = [
        {**{key: each[key] for key in ("name", "port", "protocol")}, "targetPort": ports[-1]["targetPort"]}
        for each in _ports(ground, f"/api/v1/namespaces/{ground.namespace}/services/{service}")
        if each["port"] not in known
    ]
    try:
        ground.kube.merge(path, {"spec": {"ports": [*ports, *beyond]}})
        yield
    finally:
        left = [each for each in _ports(ground, path) if each["port"] in known]
        ground.kube.merge(path, {"spec": {"ports": left}})


def _ports(ground: Ground, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ground.kube.get(path)["spec"]["ports"]
    return found


_NEW: Final = "what is made while the mesh runs has no shadow service"
_OLD: Final = "shadow services of an earlier check are still there"

MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="shadow-service-not-made",
        breaks="A new service gets no shadow service.",
        change=WithoutTheRight(verb="create"),
        disturbs=dict.fromkeys(["TM-DNS-010", "TM-ROUTE-016", "TM-ROUTE-04", "TM-ROUTE-05"], _NEW),
    ),
    Mutant(
        name="shadow-service-kept",
        breaks="The shadow service of a service that was deleted stays.",
        change=WithoutTheRight(verb="delete"),
        disturbs={"TM-ROUTE-05": _OLD},
    ),
    Mutant(
        name="limit-ignored",
        breaks="A port beyond the limit leads to the entry point of the port before it.",
        change=PortsBeyond(services=("udp-pair", "tcp-pair", "web-wide"), awaited=83),
        disturbs=dict.fromkeys(["TM-ROUTE-064", "TM-ROUTE-078"], "it is about ports that there are not"),
    ),
)
