"""Why an install failed, and whether waiting longer could help: facts in, cause and remedy out. Pure."""

from typing import Final

from meshproof.mesh.facts import DNS_NAMESPACE, InstallFacts
from meshproof.mesh.failures import RULES, Diagnosis, is_unfinished, troubled

__all__ = ["RULES", "Diagnosis", "diagnose", "hopeless", "is_unfinished"]

_HOPELESS: Final = frozenset({"dns-missing", "dns-version", "smi-version", "forbidden", "helm-refused"})
_HOPELESS_AT_ONCE: Final = frozenset({"helm-refused", "image-missing", "kubedns-needed"})
_PREPARE_FAILURES: Final = 2  # the first may have come before its role binding took effect
_CRASHES: Final = 3  # before a loop is called one: a controller may lose its first race for the caches


def diagnose(facts: InstallFacts) -> Diagnosis:
    """The first rule that knows these facts; else everything that stands out, as an unknown case."""
    for rule in RULES:
        if found := rule(facts):
            return found.with_evidence("\n".join(part for part in (found.evidence, _dns(facts)) if part))
    return _unknown(facts)


def hopeless(facts: InstallFacts) -> Diagnosis | None:
    """The diagnosis, when waiting longer cannot mend what it names; None while there is hope."""
    found = diagnose(facts)
    if found.code in _HOPELESS_AT_ONCE:
        return found
    most = max((each.failures for _, each in troubled(facts)), default=0)
    if found.code in _HOPELESS and most >= _PREPARE_FAILURES:
        return found
    return found if found.code in {"prepare-failed", "crash-loop"} and most >= _CRASHES else None


def _unknown(facts: InstallFacts) -> Diagnosis:
    lines = [f"release {facts.release}: {facts.release_status or 'none'}"]
    lines += [str(each) for each in (*facts.workloads, *facts.dns)]
    lines += [
        f"pod {pod.name}: {pod.phase}, {each.name}: {each.state} {each.reason} {each.message}".rstrip()
        for pod in facts.pods
        for each in pod.containers
        if not each.ready
    ]
    lines += [f"event {each.about}: {each.reason}: {each.message}" for each in facts.warnings[-5:]]
    return Diagnosis(
        code="unknown",
        cause="of no kind that is known here",
        evidence="\n".join(lines),
        remedy="what stands out is below; look further with kubectl describe and kubectl logs "
        f"in namespace {facts.namespace}",
    )


def _dns(facts: InstallFacts) -> str:
    deployments = ", ".join(map(str, facts.dns)) or "no deployment coredns, none kube-dns"
    return f"DNS of {DNS_NAMESPACE}: {deployments}"
