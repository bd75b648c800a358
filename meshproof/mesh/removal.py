"""Takes Traefik Mesh away: upstream's cleanup, the release, then what our install had brought."""

import time
from dataclasses import dataclass

from meshproof.engine.process import CommandFailedError, CommandTimedOutError
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.mesh.adapter import MeshUninstallError
from meshproof.mesh.diagnosis import Diagnosis, diagnose
from meshproof.mesh.evidence import Evidence
from meshproof.mesh.helm import Helm
from meshproof.mesh.kube import Kube
from meshproof.mesh.leftovers import MESH, OURS, has_work_for_cleanup, is_ours
from meshproof.mesh.ownership import Ownership

__all__ = ["Removal"]


@dataclass(frozen=True, kw_only=True)
class Removal:
    """One uninstall."""

    where: str
    helm: Helm
    kube: Kube
    evidence: Evidence

    def run(self, *, within: float) -> float:
        """Remove everything; return the seconds. Nothing installed is no error. Raises MeshUninstallError."""
        started = time.monotonic()
        Ownership(kube=self.kube, namespace=self.evidence.namespace).mark_again()
        if self.helm.status() is not None:
            self._uninstall(within)
        self._remove_ours()
        left = within - (time.monotonic() - started)
        try:
            eventually(self._gone, what=f"{self.where} is gone", within=max(1.0, left))
        except WaitTimedOutError as error:
            diagnosis = Diagnosis(
                code="not-gone",
                cause=f"not gone within {within:g} s",
                evidence=error.seen,
                remedy="see what holds it (finalizers, pods that do not end), and uninstall again",
            )
            raise MeshUninstallError(where=self.where, diagnosis=diagnosis) from error
        return time.monotonic() - started

    def _uninstall(self, within: float) -> None:
        """Uninstall, with the chart's cleanup hook only where there is something to clean.

        The hook needs what the install needed: the image, and a DNS that upstream knows. An install that
        failed for want of these would otherwise not be uninstalled either, and there it has nothing to do.
        """
        hooks = has_work_for_cleanup(self.kube, self.evidence.namespace)
        try:
            self.helm.uninstall(timeout_s=within, hooks=hooks)
        except (CommandFailedError, CommandTimedOutError) as error:
            facts = self.evidence.facts(release_status=self.helm.status())
            if facts.release_status is None:
                return  # another one was faster
            found = diagnose(facts)
            said = f"{error.evidence}\n{found.evidence}"
            raise MeshUninstallError(where=self.where, diagnosis=found.with_evidence(said)) from error
        for job in self.kube.jobs(self.evidence.namespace, selector=MESH):
            meta = job["metadata"]  # a cleanup that had failed before; helm leaves it for its log
            self.kube.delete_job(self.evidence.namespace, meta["name"], uid=meta["uid"])

    def _remove_ours(self) -> None:
        for each in self.kube.crds(selector=OURS):
            self.kube.delete_crd(each["metadata"]["name"], uid=each["metadata"]["uid"])
        namespace = self.kube.namespace(self.evidence.namespace)
        if namespace and is_ours(namespace):
            self.kube.delete_namespace(self.evidence.namespace, uid=namespace["metadata"]["uid"])

    def _gone(self) -> Look[None]:
        namespace = self.kube.namespace(self.evidence.namespace)
        here = [f"namespace {self.evidence.namespace}"] if is_ours(namespace) else []
        if namespace:
            pods = self.kube.pods(self.evidence.namespace, selector=MESH)
            here += [f"pod {each['metadata']['name']}" for each in pods]
        here += [f"crd {each['metadata']['name']}" for each in self.kube.crds(selector=OURS)]
        here += [f"DNS: {each}" for each in self.evidence.dns() if each.wanted and not each.rolled_out]
        return Look(met=not here, value=None, seen=", ".join(here) or "nothing")
