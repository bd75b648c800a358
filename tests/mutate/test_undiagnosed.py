"""Failures of an install that are told from no other."""

import pytest

from meshproof.mesh import diagnosis
from meshproof.mesh.diagnosis import diagnose
from meshproof.mesh.facts import ContainerFact, InstallFacts, PodFact, WorkloadFact
from meshproof.mutate.mutant import Ground
from meshproof.mutate.undiagnosed import MUTANTS

NAMED = {each.name: each.change for each in MUTANTS}
LOG = "no supported DNS service available for installing traefik mesh"


def workload(name: str) -> WorkloadFact:
    return WorkloadFact(
        kind="Deployment", name=name, images={}, observed=True, wanted=1, updated=1, available=1, total=1
    )


PREPARE = ContainerFact(
    name="prepare",
    init=True,
    image="mesh",
    state="waiting",
    reason="CrashLoopBackOff",
    message="",
    exit_code=1,
    restarts=3,
    ready=False,
    log=LOG,
)


def facts(*, status: str = "deployed", failing: bool = False, dns: str = "coredns") -> InstallFacts:
    pod = PodFact(name="p", phase="Pending", ready=False, unschedulable="", containers=(PREPARE,))
    return InstallFacts(
        namespace="traefik-mesh",
        release="traefik-mesh",
        release_status=status,
        helm_output="",
        pods=(pod,) if failing else (),
        warnings=(),
        workloads=(workload("traefik-mesh-controller"),),
        dns=(workload(dns),),
    )


@pytest.mark.parametrize(
    ("name", "failure", "code", "instead"),
    [
        (
            "pending-release-not-diagnosed",
            facts(status="pending-install"),
            "release-pending",
            "unknown",
        ),
        ("missing-dns-not-diagnosed", facts(failing=True), "dns-missing", "prepare-failed"),
        ("kubedns-not-diagnosed", facts(dns="kube-dns"), "kubedns-needed", "unknown"),
    ],
)
def test_failure_is_not_told_from_others_inside_the_block(
    ready: Ground, name: str, failure: InstallFacts, code: str, instead: str
) -> None:
    rules = diagnosis.RULES
    with NAMED[name].applied(ready):
        assert diagnose(failure).code == instead
        others = [each for each in (facts(failing=True), facts(dns="kube-dns")) if each != failure]
        assert {diagnose(each).code for each in others} <= {"dns-missing", "kubedns-needed"}

    assert diagnose(failure).code == code
    assert diagnosis.RULES is rules


def test_rules_are_back_after_an_error(ready: Ground) -> None:
    rules = diagnosis.RULES

    with pytest.raises(KeyboardInterrupt), NAMED["kubedns-not-diagnosed"].applied(ready):
        raise KeyboardInterrupt

    assert diagnosis.RULES is rules
