"""Mutants of what the API server tells of the mesh's containers: their images, restarts and logs."""

import copy
import re
from collections.abc import Callable
from typing import Any, Final

from meshproof.mesh.control_api import PROXY
from meshproof.mutate.lies import Lie, Method
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.told import Told

__all__ = ["MUTANTS"]

_NOBODYS: Final = f"docker.io/library/busybox@sha256:{'0' * 64}"


def _pods(path: Callable[[Ground], str], edit: Callable[[dict[str, Any]], None], **asked: str) -> Lie:
    """The first container of the first pod that runs and is listed at a path has another status."""

    def lie(items: Method, ground: Ground) -> Method:
        wanted = path(ground)

        def told(path: str, **query: Any) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = items(path, **query)
            if path != wanted or query != asked:
                return found
            changed = copy.deepcopy(found)
            statuses = (each["status"].get("containerStatuses") for each in changed)
            edit(next(each[0] for each in statuses if each))
            return changed

        return told

    return lie


def _foreign(status: dict[str, Any]) -> None:
    status["imageID"] = _NOBODYS


def _restarted(status: dict[str, Any]) -> None:
    status["restartCount"] += 1


def _logs(edit: Callable[[str], str]) -> Lie:
    def lie(log: Method, _: Ground) -> Method:
        def told(*asked: Any, **query: Any) -> str:
            return edit(log(*asked, **query))

        return told

    return lie


def _unescaped(text: str) -> str:
    """Line breaks and quotation marks that were escaped, however often, are what they stand for."""
    return re.sub(r'\\+"', '"', re.sub(r"\\+n", "\n", text))


def _without_errors(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if "level=error" not in line)


MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="image-foreign",
        breaks="A container of the cluster runs an image that is not in the bundle.",
        change=Told(lies={"items": _pods(lambda _: "/api/v1/pods", _foreign)}, about="kube"),
    ),
    Mutant(
        name="proxy-exits-without-collector",
        breaks="A proxy has ended and was started again.",
        change=Told(
            lies={
                "items": _pods(
                    lambda ground: f"/api/v1/namespaces/{ground.mesh.settings.namespace}/pods",
                    _restarted,
                    labelSelector=PROXY,
                )
            },
            about="kube",
        ),
    ),
    Mutant(
        name="log-unescaped",
        breaks="A line break in what is logged is a line break of the log.",
        change=Told(lies={"log": _logs(_unescaped)}, about="kube"),
    ),
    Mutant(
        name="bad-annotation-silent",
        breaks="The controller's log does not say what it could not follow.",
        change=Told(lies={"log": _logs(_without_errors)}, about="kube"),
        disturbs={"TM-ROUTE-062": "it looks for an error in that log", "TM-SEC-026": "as well"},
    ),
)
