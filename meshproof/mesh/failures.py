"""The failures that are known, one rule each: facts in, a Diagnosis out, or None. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from meshproof.mesh.facts import DNS_NAMESPACE, ContainerFact, InstallFacts, PodFact

__all__ = ["RULES", "Diagnosis", "is_unfinished", "troubled"]

_NO_DNS: Final = "no supported DNS service available"
_DNS_VERSION: Final = ("Malformed version", "unsupported CoreDNS version", "unable to get CoreDNS container")
_BUSY: Final = ("another operation", "has no deployed releases")
_NO_IMAGE: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"}
)
_LOG_CHARS: Final = 1_500


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """``code`` names the case for programs; cause, evidence and remedy are for people."""

    code: str
    cause: str
    evidence: str
    remedy: str

    def with_evidence(self, evidence: str) -> "Diagnosis":
        """The same case with other evidence."""
        return replace(self, evidence=evidence)


def is_unfinished(release_status: str | None) -> bool:
    """Whether helm refuses to go on from this status of a release: an install or uninstall did not end."""
    status = release_status or ""
    return status.startswith("pending-") or status == "uninstalling"


def _pending_release(facts: InstallFacts) -> Diagnosis | None:
    status = facts.release_status or ""
    if not is_unfinished(status) and not any(text in facts.helm_output for text in _BUSY):
        return None
    return Diagnosis(
        code="release-pending",
        cause=f"the Helm release {facts.release} is {status or 'pending'}: an earlier helm did not end",
        evidence=facts.helm_output,
        remedy=f"uninstall and install again: helm uninstall {facts.release} --namespace {facts.namespace}",
    )


def _dns_missing(facts: InstallFacts) -> Diagnosis | None:
    container = _logged(facts, _NO_DNS)
    if container is None:
        return None
    return Diagnosis(
        code="dns-missing",
        cause=f"no supported DNS: {DNS_NAMESPACE} has neither a deployment coredns nor one kube-dns",
        evidence=_tail(container),
        remedy=f"give the cluster a CoreDNS as deployment coredns in {DNS_NAMESPACE}; "
        "with a kube-dns there, install with kubedns=true",
    )


def _kubedns_needed(facts: InstallFacts) -> Diagnosis | None:
    """From what is there, not from the log: prepare waits two minutes for a CoreDNS that nobody installs."""
    dns = {each.name for each in facts.dns}
    has_own = any(each.name == "coredns" for each in facts.workloads)
    if dns != {"kube-dns"} or has_own or not facts.workloads:
        return None
    return Diagnosis(
        code="kubedns-needed",
        cause="the cluster's DNS is kube-dns, and the mesh was installed without a CoreDNS of its own",
        evidence="",
        remedy="install with kubedns=true",
    )


def _dns_version(facts: InstallFacts) -> Diagnosis | None:
    container = next(filter(None, (_logged(facts, text) for text in _DNS_VERSION)), None)
    if container is None:
        return None
    images = ", ".join(f"{each.name}: {image}" for each in facts.dns for image in each.images.values())
    return Diagnosis(
        code="dns-version",
        cause="the version of CoreDNS is unreadable or too old: it is what follows the last ':' of the "
        f"image of container coredns ({images or 'no such deployment now'}) and must be 1.3 or later",
        evidence=_tail(container),
        remedy=f"name CoreDNS's image in {DNS_NAMESPACE} by a version tag (name:v1.12.1), not by a digest",
    )


def _smi_version(facts: InstallFacts) -> Diagnosis | None:
    container = _logged(facts, "unsupported SMI version")
    if container is None:
        return None
    return Diagnosis(
        code="smi-version",
        cause="the cluster does not serve the SMI versions that the mesh needs as the preferred ones",
        evidence=_tail(container),
        remedy="install the chart with its CRDs (no --skip-crds), and remove CRDs of *.smi-spec.io in other "
        "versions, which another mesh may have left: kubectl get crd",
    )


def _forbidden(facts: InstallFacts) -> Diagnosis | None:
    container = _logged(facts, " is forbidden: User ") or _logged(facts, " is forbidden:")
    if container is None and "is forbidden:" not in facts.helm_output:
        return None
    who = "the mesh's service account" if container else "the user of the kubeconfig"
    return Diagnosis(
        code="forbidden",
        cause=f"{who} lacks a right",
        evidence=_tail(container) if container else facts.helm_output,
        remedy="grant what the message names; for the mesh's own account compare the chart's roles with it",
    )


def _helm_refused(facts: InstallFacts) -> Diagnosis | None:
    if not facts.helm_output:
        return None
    known = {
        "no matches for kind": (
            "the cluster does not serve a kind of the chart's",
            "install the CRDs that the chart needs, or a chart that was written for this Kubernetes",
        ),
        "invalid ownership metadata": (
            "an object of the chart's exists already and is not this release's",
            "remove what an earlier install left (the evidence names it), or install as that release",
        ),
        "Kubernetes cluster unreachable": ("the API server did not answer", "see that the cluster runs"),
    }
    cause, remedy = next(
        (words for text, words in known.items() if text in facts.helm_output),
        ("helm refused the install", "helm's own words are below"),
    )
    return Diagnosis(code="helm-refused", cause=cause, evidence=facts.helm_output, remedy=remedy)


def _image_missing(facts: InstallFacts) -> Diagnosis | None:
    missing = [
        (pod, each) for pod, each in troubled(facts) if each.state == "waiting" and each.reason in _NO_IMAGE
    ]
    if not missing:
        return None
    images = sorted({each.image for _, each in missing})
    return Diagnosis(
        code="image-missing",
        cause=f"not in the node, and not to be had there: {', '.join(images)}",
        evidence="\n".join(f"{pod.name} {each.name}: {each.reason}: {each.message}" for pod, each in missing),
        remedy="load the image into every node (from the bundle), or name one that is there in the values",
    )


def _unschedulable(facts: InstallFacts) -> Diagnosis | None:
    stuck = [pod for pod in facts.pods if pod.unschedulable]
    if not stuck:
        return None
    return Diagnosis(
        code="unschedulable",
        cause=f"no node takes {', '.join(pod.name for pod in stuck)}",
        evidence="\n".join(f"{pod.name}: {pod.unschedulable}" for pod in stuck),
        remedy="free what the scheduler names, or lower the requests or add tolerations in the values",
    )


def _crashing(facts: InstallFacts) -> Diagnosis | None:
    broken = [(pod, each) for pod, each in troubled(facts) if each.failures > 0]
    if not broken:
        return None
    pod, container = max(broken, key=lambda pair: (pair[1].init, pair[1].failures))
    end = f"exit status {container.exit_code}" if container.exit_code is not None else container.reason
    step = f"{container.name} of pod {pod.name}"
    return Diagnosis(
        code="prepare-failed" if container.init else "crash-loop",
        cause=f"{step} ends again and again ({container.failures} times, {end})",
        evidence=_tail(container) or container.message or "(it logged nothing)",
        remedy="its last words are below; controller.logLevel=debug and proxy.logLevel=debug say more",
    )


def _no_pods(facts: InstallFacts) -> Diagnosis | None:
    refused = [each for each in facts.warnings if each.reason == "FailedCreate"]
    if not refused or facts.pods:
        return None
    return Diagnosis(
        code="pods-refused",
        cause=f"the API server refuses the pods of namespace {facts.namespace}",
        evidence="\n".join(f"{each.about}: {each.message}" for each in refused[-3:]),
        remedy="an admission policy or a quota of the namespace is against them: the evidence names it",
    )


def _no_sandbox(facts: InstallFacts) -> Diagnosis | None:
    refused = [each for each in facts.warnings if each.reason == "FailedCreatePodSandBox"]
    starting = any(each.reason in {"ContainerCreating", "PodInitializing"} for each in _waiting(facts))
    if not refused or not starting:
        return None
    return Diagnosis(
        code="no-sandbox",
        cause="the nodes cannot start pods: their container runtime or pod network is broken",
        evidence=f"{refused[-1].about}: {refused[-1].message}",
        remedy="mend the node first (CNI plugin and its configuration, pause image); no mesh can run there",
    )


def _dns_not_ready(facts: InstallFacts) -> Diagnosis | None:
    lagging = [each for each in facts.dns if not each.rolled_out]
    if not lagging or any(not each.rolled_out for each in facts.workloads):
        return None
    return Diagnosis(
        code="dns-not-ready",
        cause=f"the mesh runs, but the cluster's DNS does not come back: {', '.join(map(str, lagging))}",
        evidence="",
        remedy=f"look at the pods of {DNS_NAMESPACE}: prepare has restarted them with the mesh's zones",
    )


def troubled(facts: InstallFacts) -> Iterator[tuple[PodFact, ContainerFact]]:
    """The containers in trouble, each with its pod."""
    return ((pod, each) for pod in facts.pods for each in pod.containers if each.in_trouble)


def _waiting(facts: InstallFacts) -> Iterator[ContainerFact]:
    return (each for pod in facts.pods for each in pod.containers if each.state == "waiting")


def _logged(facts: InstallFacts, text: str) -> ContainerFact | None:
    """The container in trouble whose log has ``text``."""
    return next((each for _, each in troubled(facts) if text in each.log), None)


def _tail(container: ContainerFact) -> str:
    text = container.log.strip()[-_LOG_CHARS:]
    return f"log of {container.name} ({container.failures} failures):\n{text}" if text else ""


# The first that recognises the facts names them, so the more particular come first.
RULES: Final[tuple[Callable[[InstallFacts], Diagnosis | None], ...]] = (
    _pending_release,
    _dns_missing,
    _kubedns_needed,
    _dns_version,
    _smi_version,
    _forbidden,
    _helm_refused,
    _image_missing,
    _unschedulable,
    _crashing,
    _no_pods,
    _no_sandbox,
    _dns_not_ready,
)
