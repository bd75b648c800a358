"""Takes Traefik Mesh away: upstream's cleanup, the release, then what our install had brought."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from meshproof.cluster.kube import KubeApi
from meshproof.engine.process import CommandFailedError, CommandTimedOutError
from meshproof.engine.waiting import Look, WaitTimedOutError, eventually
from meshproof.mesh.adapter import MeshUninstallError
from meshproof.mesh.control_api import CONTROLLER
from meshproof.mesh.diagnosis import Diagnosis, diagnose
from meshproof.mesh.evidence import Evidence
from meshproof.mesh.facts import InstallFacts
from meshproof.mesh.helm import Helm
from meshproof.mesh.leftovers import MESH, OURS, has_work_for_cleanup, is_ours, shadow_services
from meshproof.mesh.objects import (
    DEFINITIONS,
    definitions,
    deployments_in,
    deployments_path,
    find_namespace,
    namespace_path,
    pods_in,
)
from meshproof.mesh.ownership import Ownership

__all__ = ["Removal", "failed_cleanup", "stop_controller"]

# Kubernetes looks at a namespace with pods again only after half of their grace period: the mesh's end first.
_PODS_END_S: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Removal:
    """One uninstall."""

    where: str
    helm: Helm
    kube: KubeApi
    evidence: Evidence

    def run(
        self, *, within: float, graceful: bool = True, cleanup: bool = True, namespace: bool = True
    ) -> float:
        """Remove everything; return the seconds. Nothing installed is no error. Raises MeshUninstallError.

        Not ``graceful``: the release's pods have no time to end, the controller first, which would take
        shadow services from under the cleanup's hands where their services go at the same time: the hook
        fails on one that is not there any more. The shadow services go before it, too: it removes five a
        second. Without ``cleanup`` that hook never runs: what it would take back of the DNS stays. Without
        ``namespace`` that one stays: Kubernetes looks at one that is to go only after five seconds.
        """
        started = time.monotonic()
        ownership = Ownership(kube=self.kube, namespace=self.evidence.namespace)
        ownership.mark_again()
        if not graceful:
            self._stop_controller(within, at_once=True)
            self._remove_shadows()
            self._remove_definitions()  # where objects of them are left Kubernetes takes five seconds more
        if self.helm.status() is not None:
            self._uninstall(within, cleanup=cleanup)
            self._end_pods(graceful=graceful)
        if graceful:
            self._remove_definitions()
        if namespace:
            self._remove_namespace()
        else:
            ownership.forget()
        left = within - (time.monotonic() - started)
        try:
            gone = partial(self._gone, namespace=namespace)
            eventually(gone, what=f"{self.where} is gone", within=max(1.0, left))
        except WaitTimedOutError as error:
            diagnosis = Diagnosis(
                code="not-gone",
                cause=f"not gone within {within:g} s",
                evidence=error.seen,
                remedy="see what holds it (finalizers, pods that do not end), and uninstall again",
            )
            raise MeshUninstallError(where=self.where, diagnosis=diagnosis) from error
        return time.monotonic() - started

    def _uninstall(self, within: float, *, cleanup: bool) -> None:
        """Uninstall, with the chart's cleanup hook only where there is something to clean.

        The hook needs what the install needed: the image, and a DNS that upstream knows. An install that
        failed for want of these would otherwise not be uninstalled either, and there it has nothing to do.
        """
        hooks = cleanup and self._has_work()
        if not hooks:
            self._stop_controller(within, at_once=False)
            hooks = cleanup and self._has_work()  # prepare may have come to its work in the meantime
        try:
            self.helm.uninstall(timeout_s=within, hooks=hooks)
        except (CommandFailedError, CommandTimedOutError) as error:
            facts = self.evidence.facts(release_status=self.helm.status())
            if facts.release_status is None:
                return  # another one was faster
            found = failed_cleanup(facts) or diagnose(facts)
            said = f"{error.evidence}\n{found.evidence}"
            raise MeshUninstallError(where=self.where, diagnosis=found.with_evidence(said)) from error
        self._remove_cleanups()

    def _stop_controller(self, within: float, *, at_once: bool) -> None:
        stop_controller(self.kube, self.evidence.namespace, where=self.where, within=within, at_once=at_once)

    def _end_pods(self, *, graceful: bool) -> None:
        if not graceful:
            namespace = self.evidence.namespace
            _kill(self.kube, namespace, pods_in(self.kube, namespace, selector=MESH))
        with suppress(WaitTimedOutError):  # what stays is told of once the namespace should be gone
            eventually(self._pods_gone, what=f"the pods of {self.where} are gone", within=_PODS_END_S)

    def _remove_shadows(self) -> None:
        path = f"{namespace_path(self.evidence.namespace)}/services"
        for each in shadow_services(self.kube, self.evidence.namespace):
            self.kube.delete(f"{path}/{each['metadata']['name']}", uid=each["metadata"]["uid"])

    def _remove_cleanups(self) -> None:
        """Delete the jobs of cleanups that had failed before; helm leaves them for their logs."""
        path = f"/apis/batch/v1/namespaces/{self.evidence.namespace}/jobs"
        for job in self.kube.items(path, labelSelector=MESH):
            self.kube.delete(f"{path}/{job['metadata']['name']}", uid=job["metadata"]["uid"])

    def _has_work(self) -> bool:
        return has_work_for_cleanup(self.kube, self.evidence.namespace)

    def _remove_definitions(self) -> None:
        for each in definitions(self.kube, selector=OURS):
            self.kube.delete(f"{DEFINITIONS}/{each['metadata']['name']}", uid=each["metadata"]["uid"])

    def _remove_namespace(self) -> None:
        found = find_namespace(self.kube, self.evidence.namespace)
        if found and is_ours(found):
            self.kube.delete(namespace_path(self.evidence.namespace), uid=found["metadata"]["uid"])

    def _pods_gone(self) -> Look[None]:
        here = self._pods()
        return Look(met=not here, value=None, seen=", ".join(here))

    def _pods(self) -> list[str]:
        pods = pods_in(self.kube, self.evidence.namespace, selector=MESH)
        return [f"pod {each['metadata']['name']}" for each in pods]

    def _gone(self, *, namespace: bool) -> Look[None]:
        found = find_namespace(self.kube, self.evidence.namespace)
        goes = namespace or (found or {}).get("metadata", {}).get("deletionTimestamp")
        here = [f"namespace {self.evidence.namespace}"] if goes and is_ours(found) else []
        if found:
            here += self._pods()
        here += [f"crd {each['metadata']['name']}" for each in definitions(self.kube, selector=OURS)]
        here += [f"DNS: {each}" for each in self.evidence.dns() if each.wanted and not each.rolled_out]
        return Look(met=not here, value=None, seen=", ".join(here) or "nothing")


def stop_controller(
    kube: KubeApi, namespace: str, *, where: str, within: float, at_once: bool = True
) -> None:
    """End the pod whose init container changes the cluster's DNS, and which makes shadow services.

    Not ``at_once``: it has its time to end. Raises WaitTimedOutError naming the pods that stay.
    """
    for each in deployments_in(kube, namespace):
        if (each["metadata"].get("labels") or {}).get("component") == "controller":
            path = f"{deployments_path(namespace)}/{each['metadata']['name']}"
            kube.merge(path, {"spec": {"replicas": 0}})

    def look() -> Look[None]:
        pods = pods_in(kube, namespace, selector=f"{MESH},{CONTROLLER}")
        if at_once:
            _kill(kube, namespace, pods)  # each time: until it is scaled down, another one comes
        names = [each["metadata"]["name"] for each in pods]
        return Look(met=not names, value=None, seen=", ".join(names))

    eventually(look, what=f"the controller of {where} has stopped", within=within)


def failed_cleanup(facts: InstallFacts) -> Diagnosis | None:
    """What the cleanup said in a job of the chart's that failed; None when none did."""
    logs = [
        f"log of {each.name}:\n{each.log.strip()}"
        for pod in facts.pods
        for each in pod.containers
        if "cleanup" in each.name and each.failures and each.log
    ]
    if not logs:
        return None
    return Diagnosis(
        code="cleanup-failed",
        cause="upstream's cleanup ended in error, and helm removes nothing before it has done its work",
        evidence=logs[-1],
        remedy="mend what its log names and uninstall again, or run helm uninstall --no-hooks and take the "
        "mesh's zones out of the cluster's DNS configuration by hand",
    )


def _kill(kube: KubeApi, namespace: str, pods: Iterable[Mapping[str, Any]]) -> None:
    for each in pods:
        path = f"{namespace_path(namespace)}/pods/{each['metadata']['name']}"
        kube.delete(path, uid=each["metadata"]["uid"], grace_s=0)
