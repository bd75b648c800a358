"""Collects what a cluster shows of an install. Reads only; no Secrets, no environment values."""

from dataclasses import dataclass
from typing import Any

from meshproof.mesh.facts import (
    DNS_NAMESPACE,
    DNS_WORKLOADS,
    InstallFacts,
    PodFact,
    WorkloadFact,
    pod_fact,
    warning_facts,
    workload_fact,
)
from meshproof.mesh.kube import Kube, KubeError

__all__ = ["Evidence"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One release in one namespace of one cluster."""

    kube: Kube
    namespace: str
    release: str

    def facts(self, *, release_status: str | None = None, helm_output: str = "") -> InstallFacts:
        """Everything a diagnosis needs, as it is now; logs only of containers in trouble."""
        return InstallFacts(
            namespace=self.namespace,
            release=self.release,
            release_status=release_status,
            helm_output=helm_output,
            pods=tuple(self._pod(pod) for pod in self.kube.pods(self.namespace)),
            warnings=warning_facts(self.kube.events(self.namespace)),
            workloads=self.workloads(),
            dns=self.dns(),
        )

    def workloads(self) -> tuple[WorkloadFact, ...]:
        """The namespace's Deployments and DaemonSets."""
        deployments = (workload_fact("Deployment", each) for each in self.kube.deployments(self.namespace))
        daemon_sets = (workload_fact("DaemonSet", each) for each in self.kube.daemon_sets(self.namespace))
        return (*deployments, *daemon_sets)

    def dns(self) -> tuple[WorkloadFact, ...]:
        """The deployments of the cluster's DNS that the mesh could use."""
        found = (workload_fact("Deployment", each) for each in self.kube.deployments(DNS_NAMESPACE))
        return tuple(each for each in found if each.name in DNS_WORKLOADS)

    def corefile(self) -> str | None:
        """CoreDNS's Corefile to the letter; None when there is none in kube-system."""
        for name in ("coredns", "rke2-coredns-rke2-coredns"):
            found = self.kube.config_map(DNS_NAMESPACE, name)
            if found is not None:
                return str((found.get("data") or {}).get("Corefile", ""))
        return None

    def _pod(self, pod: dict[str, Any]) -> PodFact:
        fact = pod_fact(pod)
        logs = {each.name: self._log(fact.name, each.name) for each in fact.containers if each.in_trouble}
        return pod_fact(pod, logs) if logs else fact

    def _log(self, pod: str, container: str) -> str:
        try:
            return self.kube.log(self.namespace, pod, container)
        except KubeError:
            return ""  # not started, or gone: its state says so
