"""Watches what the containers of an experiment use: before it, while it runs, and after it.

A kubelet samples a container every 10 to 20 s, so the watch waits for samples that are newer than what it has
seen, which needs no clock but the node's own. Nothing here ends an experiment: what could not be had is told.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.model.errors import HarnessError
from meshproof.model.usage import Component, ContainerSample, Moment, Usage, UsageSample
from meshproof.observe.kubelet import containers_on

__all__ = ["WAITS_S", "Part", "UsageWatch"]

WAITS_S: Final = 40.0  # what the three waits take as a rule, 5 to 20 s each
FRESH_WITHIN_S: Final = 45.0  # 10 to 20 s as a rule, 30 s for a container at rest
FRESH_EVERY_S: Final = 2.0
LOOK_EVERY_S: Final = 10.0  # while load is on: a look costs the node, and shows nothing new any sooner

_Reading = dict[str, tuple[Component, ContainerSample]]  # a container's id -> its component, and what it used


@dataclass(frozen=True, kw_only=True)
class Part:
    """The pods that are one component of an experiment, by their labels."""

    component: Component
    namespace: str
    selector: str


class UsageWatch:
    """One experiment's watch: ``rest``, then ``look`` again and again, then ``end``."""

    def __init__(self, kube: KubeApi, parts: Sequence[Part]) -> None:
        self._kube = kube
        self._parts = parts
        self._samples: dict[tuple[str, float], UsageSample] = {}
        self._problems: dict[str, None] = {}
        self._looked = -LOOK_EVERY_S

    def rest(self) -> None:
        """Take two samples of every container while there is no load: waits for half a minute or so."""
        with self._noting("before the load"):
            first = self._read()
            idle = self._newer(first)
            self._keep(idle, Moment.IDLE)
            self._keep(self._newer(first | idle), Moment.BEFORE)

    def look(self) -> None:
        """Take what there is, unless it was looked at just now."""
        if monotonic() - self._looked < LOOK_EVERY_S:
            return
        self._looked = monotonic()
        with self._noting("while load was on"):
            self._keep(self._read(), Moment.DURING)

    def end(self) -> None:
        """Take a sample of every container that is from after the load: waits for 20 s at most, as a rule."""
        with self._noting("after the load"):
            last = self._read()
            self._keep(last, Moment.DURING)
            self._keep(self._newer(last), Moment.AFTER)

    def usage(self, *, services: int | None = None) -> Usage:
        """What was seen; ``services``: how many are in the mesh."""
        return Usage(samples=list(self._samples.values()), services=services, problems=list(self._problems))

    @contextmanager
    def _noting(self, when: str) -> Iterator[None]:
        try:
            yield
        except (HarnessError, ValueError) as error:
            self._problems[f"{when}: {error}"] = None

    def _keep(self, reading: _Reading, moment: Moment) -> None:
        for component, seen in reading.values():
            sample = UsageSample(component=component, moment=moment, seen=seen)
            self._samples.setdefault((seen.instance, seen.at_unix), sample)

    def _newer(self, than: _Reading) -> _Reading:
        """Wait until no container is as it was in ``than``; one that is gone meanwhile is not waited for.

        What is still old when the wait ends is left out, and told.
        """
        now: _Reading = {}

        def look() -> Look[None]:
            nonlocal now
            now = self._read()
            old = [seen.pod for name, (_, seen) in now.items() if not _is_newer(name, seen, than)]
            return Look(met=bool(now) and not old, value=None, seen=f"as before: {', '.join(old) or 'all'}")

        what = "the kubelets have looked at every container again"
        with self._noting("waiting for new samples"):
            eventually(look, what=what, within=FRESH_WITHIN_S, every=FRESH_EVERY_S)
        return {name: each for name, each in now.items() if _is_newer(name, each[1], than)}

    def _read(self) -> _Reading:
        component_of: dict[tuple[str, str], Component] = {}
        nodes: dict[str, None] = {}
        for part in self._parts:
            path = f"/api/v1/namespaces/{part.namespace}/pods"
            for pod in self._kube.items(path, labelSelector=part.selector):
                component_of[part.namespace, pod["metadata"]["name"]] = part.component
                if node := (pod.get("spec") or {}).get("nodeName"):
                    nodes[node] = None
        return {
            seen.instance: (component_of[seen.namespace, seen.pod], seen)
            for node in nodes
            for seen in containers_on(self._kube, node)
            if (seen.namespace, seen.pod) in component_of
        }


def _is_newer(name: str, seen: ContainerSample, than: _Reading) -> bool:
    return name not in than or seen.at_unix > than[name][1].at_unix
