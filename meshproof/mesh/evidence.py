"""Collects what a cluster shows of an install. Reads only; no Secrets, no environment values."""

from dataclasses import dataclass
from typing import Any, Final

from meshproof.cluster.kube import KubeApi, KubeError
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
from meshproof.mesh.objects import deployments_in, find_config_map, namespace_path, pods_in

__all__ = ["Evidence"]

_LOG_LINES: Final = 40  # a program that gives up says why at its end; more would bury it


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One release in one namespace of one cluster."""

    kube: KubeApi
    namespace: str
    release: str

    def facts(self, *, release_status: str | None = None, helm_output: str = "") -> InstallFacts:
        """Everything a diagnosis needs, as it is now; logs only of containers in trouble."""
        return InstallFacts(
            namespace=self.namespace,
            release=self.release,
            release_status=release_status,
            helm_output=helm_output,
            pods=tuple(self._pod(pod) for pod in pods_in(self.kube, self.namespace)),
            warnings=warning_facts(self.kube.items(f"{namespace_path(self.namespace)}/events")),
            workloads=self.workloads(),
            dns=self.dns(),
        )

    def workloads(self) -> tuple[WorkloadFact, ...]:
        """The namespace's Deployments and DaemonSets."""
        daemon_sets = self.kube.items(f"/apis/apps/v1/namespaces/{self.namespace}/daemonsets")
        return (
            *(workload_fact("Deployment", each) for each in deployments_in(self.kube, self.namespace)),
            *(workload_fact("DaemonSet", each) for each in daemon_sets),
        )

    def dns(self) -> tuple[WorkloadFact, ...]:
        """The deployments of the cluster's DNS that the mesh could use."""
        found = (workload_fact("Deployment", each) for each in deployments_in(self.kube, DNS_NAMESPACE))
        return tuple(each for each in found if each.name in DNS_WORKLOADS)

    def corefile(self) -> str | None:
        """CoreDNS's Corefile to the letter; None when there is none in kube-system."""
        for name in ("coredns", "rke2-coredns-rke2-coredns"):
            found = find_config_map(self.kube, DNS_NAMESPACE, name)
            if found is not None:
                return str((found.get("data") or {}).get("Corefile", ""))
        return None

    def _pod(self, pod: dict[str, Any]) -> PodFact:
        fact = pod_fact(pod)
        logs = {each.name: self._log(fact.name, each.name) for each in fact.containers if each.in_trouble}
        return pod_fact(pod, logs) if logs else fact

    def _log(self, pod: str, container: str) -> str:
        """Its end; of its last run, when it is not running."""
        try:
            return self.kube.log(self.namespace, pod, container, lines=_LOG_LINES)
        except KubeError:
            return ""  # not started, or gone: its state says so
