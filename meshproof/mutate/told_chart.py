"""Mutants of the chart as text: what it renders to names other images."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.mesh.rendered import Rendered, RenderedContainer
from meshproof.model.mutant import MutantKind
from meshproof.mutate.lies import answered_by
from meshproof.mutate.mutant import Ground, Mutant

__all__ = ["MUTANTS", "RenderedWith"]

_UNLOCKED: Final = "docker.io/library/busybox:1.37"
_HOOK: Final = "helm.sh/hook"

Thing = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RenderedWith:
    """Every chart that is rendered has another image in the containers that ``of`` finds in an object."""

    of: Callable[[Thing], list[dict[str, Any]]]
    kind: MutantKind = MutantKind.CHART

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """For whoever looks at a chart's containers in this process."""
        del ground
        containers = Rendered.containers

        def changed(rendered: Rendered) -> tuple[RenderedContainer, ...]:
            objects = copy.deepcopy(rendered.objects)
            for container in (each for thing in objects for each in self.of(thing)):
                container["image"] = _UNLOCKED
            return containers(Rendered(objects=objects))

        with answered_by(Rendered, "containers", changed):
            yield


def _pod(thing: Thing) -> dict[str, Any]:
    spec = thing.get("spec") or {}
    found: dict[str, Any] = (spec.get("template") or {}).get("spec") or {}
    return found


def _of_hooks(thing: Thing) -> list[dict[str, Any]]:
    is_hook = _HOOK in (thing["metadata"].get("annotations") or {})
    return list(_pod(thing).get("containers") or []) if is_hook else []


def _before_others(thing: Thing) -> list[dict[str, Any]]:
    return list(_pod(thing).get("initContainers") or [])


MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="hook-image-unlocked",
        breaks="The chart's hook has an image that is not in the bundle.",
        change=RenderedWith(of=_of_hooks),
    ),
    Mutant(
        name="init-image-unlocked",
        breaks="The chart's init container has an image that is not in the bundle.",
        change=RenderedWith(of=_before_others),
    ),
)
