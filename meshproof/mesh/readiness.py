"""Waits until a mesh works: all rolled out, controller ready, every proxy with a configuration, DNS back.

Gives up early where the facts say that waiting cannot mend it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from meshproof.cluster.kube import KubeError
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.mesh.adapter import MeshInstallError, ProxyPod
from meshproof.mesh.control_api import ControlApi, has_configuration
from meshproof.mesh.diagnosis import diagnose, hopeless
from meshproof.mesh.evidence import Evidence
from meshproof.mesh.facts import InstallFacts, WorkloadFact

__all__ = ["Readiness", "missing_workloads"]

_LOOK_EVERY_S: Final = 0.5  # a look is some five calls of 5 ms; an install takes about 10 s
_STEADY: Final = (
    2  # looks in a row: DNS's rollout begins a moment after the controller's init container has ended
)


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """How one mesh is waited for. ``expected`` names what the chart makes, as ``Kind name``."""

    where: str
    evidence: Evidence
    control: ControlApi
    expected: Collection[str]

    def wait(self, *, within: float, release_status: Callable[[], str | None]) -> None:
        """Return when the mesh works. Raises MeshInstallError after ``within`` seconds, earlier if it can."""
        try:
            eventually(
                self._look, what=f"{self.where} works", within=within, successes=_STEADY, every=_LOOK_EVERY_S
            )
        except WaitTimedOutError as error:
            facts = self.evidence.facts(release_status=release_status())
            found = diagnose(facts)
            seen = f"last seen: {error.seen}\n{found.evidence}"
            raise MeshInstallError(where=self.where, diagnosis=found.with_evidence(seen)) from error

    def _look(self) -> Look[None]:
        workloads = self.evidence.workloads()
        lagging = missing_workloads(workloads, self.expected)
        if lagging:
            self._give_up_if_hopeless(self.evidence.facts())
            return _not_yet(", ".join(lagging))
        dns = [str(each) for each in self.evidence.dns() if not each.rolled_out]
        if dns:
            return _not_yet(f"DNS: {', '.join(dns)}")
        if not self.control.readiness():
            return _not_yet("the controller is not ready, by its own /api/status/readiness")
        waiting = [each.name for each in self.control.proxies() if not self._configured(each)]
        if waiting:
            return _not_yet(f"without a configuration: {', '.join(waiting)}")
        return Look(met=True, value=None, seen="it works")

    def _configured(self, proxy: ProxyPod) -> bool:
        try:
            return proxy.ready and has_configuration(self.control.proxy_configuration(proxy))
        except KubeError:
            return False

    def _give_up_if_hopeless(self, facts: InstallFacts) -> None:
        if found := hopeless(facts):
            raise MeshInstallError(where=self.where, diagnosis=found)


def missing_workloads(workloads: Collection[WorkloadFact], expected: Collection[str]) -> list[str]:
    """What of ``expected`` is not there or has not rolled out, in words."""
    found = {f"{each.kind} {each.name}": each for each in workloads}
    lagging = []
    for name in sorted(expected):
        workload = found.get(name)
        if workload is None:
            lagging.append(f"{name}: not there")
        elif not workload.rolled_out:
            lagging.append(str(workload))
    return lagging


def _not_yet(seen: str) -> Look[None]:
    return Look(met=False, value=None, seen=seen)
