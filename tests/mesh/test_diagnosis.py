"""From the facts of a failed install to its cause and remedy."""

from typing import Any

import pytest

from meshproof.mesh.diagnosis import diagnose, hopeless
from meshproof.mesh.facts import EventFact, PodFact, WorkloadFact

SEED_LOG = (
    "2022/03/20 09:44:46 command prepare error: unable to find suitable DNS provider: "
    "no supported DNS service available for installing traefik mesh"
)


def _workload(**given: Any) -> WorkloadFact:
    usual: dict[str, Any] = {
        "kind": "DaemonSet",
        "name": "traefik-mesh-proxy",
        "images": {},
        "observed": True,
        "wanted": 1,
        "updated": 1,
        "available": 1,
        "total": 1,
    }
    return WorkloadFact(**{**usual, **given})


def test_the_seeds_failure_is_named_with_its_remedy(build: Any) -> None:
    """Neither coredns nor kube-dns in kube-system: the seed's own log line, to the letter."""
    found = diagnose(build.facts(build.container(log=SEED_LOG), dns=()))

    assert found.code == "dns-missing"
    assert "kube-system has neither a deployment coredns nor one kube-dns" in found.cause
    assert "kubedns=true" in found.remedy
    assert SEED_LOG in found.evidence
    assert "no deployment coredns, none kube-dns" in found.evidence


@pytest.mark.parametrize(
    ("log", "code"),
    [
        pytest.param(
            "unable to find suitable DNS provider: Malformed version: a9d2", "dns-version", id="digest"
        ),
        pytest.param('unsupported CoreDNS version "1.2.6"', "dns-version", id="too-old"),
        pytest.param("unsupported SMI version: unable to find group", "smi-version", id="no-crds"),
        pytest.param('deployments.apps "coredns" is forbidden: User "x" cannot get', "forbidden", id="rbac"),
        pytest.param("something new", "prepare-failed", id="other"),
        pytest.param("", "prepare-failed", id="silent"),
    ],
)
def test_prepares_log_names_the_case(build: Any, log: str, code: str) -> None:
    assert diagnose(build.facts(build.container(log=log))).code == code


def test_a_log_of_a_container_that_is_fine_now_counts_for_nothing(build: Any) -> None:
    mended = build.container(state="terminated", reason="Completed", exit_code=0, ready=True, log=SEED_LOG)

    assert diagnose(build.facts(mended)).code == "unknown"


@pytest.mark.parametrize(
    "reason", ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"]
)
def test_a_missing_image_is_named(build: Any, reason: str) -> None:
    waiting = build.container(reason=reason, image="docker.io/traefik/mesh:v9", restarts=0, exit_code=None)

    found = diagnose(build.facts(waiting))

    assert found.code == "image-missing"
    assert "docker.io/traefik/mesh:v9" in found.cause
    assert hopeless(build.facts(waiting)) is not None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        pytest.param('Error: no matches for kind "X" in version "v1"', "helm-refused", id="kind"),
        pytest.param("Error: invalid ownership metadata; label validation error", "helm-refused", id="owner"),
        pytest.param("Error: Kubernetes cluster unreachable", "helm-refused", id="unreachable"),
        pytest.param("Error: something else", "helm-refused", id="other"),
        pytest.param('clusterroles is forbidden: User "dev" cannot create', "forbidden", id="rights"),
        pytest.param(
            "another operation (install/upgrade/rollback) is in progress", "release-pending", id="busy"
        ),
    ],
)
def test_helms_refusal_is_understood(build: Any, said: str, code: str) -> None:
    found = diagnose(build.facts(helm_output=said, release_status=None))

    assert found.code == code
    assert said in found.evidence


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "uninstalling"])
def test_a_release_that_was_cut_short_comes_first(build: Any, status: str) -> None:
    found = diagnose(build.facts(build.container(log=SEED_LOG), release_status=status))

    assert found.code == "release-pending"
    assert "helm uninstall traefik-mesh --namespace traefik-mesh" in found.remedy


def test_a_pod_without_a_node_is_told_in_the_schedulers_words(build: Any) -> None:
    stuck = PodFact(
        name="p", phase="Pending", ready=False, unschedulable="0/1 nodes: Insufficient cpu", containers=()
    )

    found = diagnose(build.facts(pods=(stuck,)))

    assert found.code == "unschedulable"
    assert "Insufficient cpu" in found.evidence


def test_a_crash_loop_carries_the_last_words(build: Any) -> None:
    looping = build.container(
        name="traefik-mesh-proxy", init=False, log="field not found, node: nope", restarts=4
    )

    found = diagnose(build.facts(looping))

    assert found.code == "crash-loop"
    assert "field not found" in found.evidence
    assert hopeless(build.facts(looping)) == found


def test_a_container_without_an_exit_status_is_told_by_its_reason(build: Any) -> None:
    found = diagnose(build.facts(build.container(exit_code=None, message="cannot start")))

    assert "CrashLoopBackOff" in found.cause
    assert "cannot start" in found.evidence


def test_pods_that_admission_refuses_are_told(build: Any) -> None:
    refused = EventFact(about="ReplicaSet x", reason="FailedCreate", message="violates PodSecurity", count=9)

    found = diagnose(build.facts(warnings=(refused,)))

    assert found.code == "pods-refused"
    assert "violates PodSecurity" in found.evidence


def test_a_node_that_cannot_start_pods_is_told(build: Any) -> None:
    event = EventFact(about="Pod p", reason="FailedCreatePodSandBox", message="plugin ptp failed", count=7)
    creating = build.container(reason="PodInitializing", restarts=0, exit_code=None)
    runs = build.container(state="running", reason="", restarts=0, exit_code=None, ready=True)

    found = diagnose(build.facts(creating, warnings=(event,)))

    assert found.code == "no-sandbox"
    assert "plugin ptp failed" in found.evidence
    assert diagnose(build.facts(runs, warnings=(event,))).code == "unknown"


def test_a_dns_that_does_not_come_back_is_told_when_the_mesh_itself_runs(build: Any) -> None:
    coredns = _workload(kind="Deployment", name="coredns", wanted=2, available=1)

    assert diagnose(build.facts(dns=(coredns,), workloads=(_workload(),))).code == "dns-not-ready"
    assert diagnose(build.facts(dns=(coredns,), workloads=(_workload(available=0),))).code == "unknown"


def test_an_unknown_case_shows_what_stands_out(build: Any) -> None:
    creating = build.container(state="waiting", reason="ContainerCreating", restarts=0, exit_code=None)
    event = EventFact(about="Pod x", reason="FailedMount", message="no such config map", count=1)

    found = diagnose(build.facts(creating, warnings=(event,), workloads=(_workload(available=0),)))

    assert found.code == "unknown"
    assert "ContainerCreating" in found.evidence
    assert "no such config map" in found.evidence
    assert "0 of 1 available" in found.evidence


@pytest.mark.parametrize(
    ("restarts", "log", "expected"),
    [
        pytest.param(0, SEED_LOG, None, id="failed-once"),
        pytest.param(2, SEED_LOG, "dns-missing", id="failed-twice"),
        pytest.param(2, "something new", None, id="unknown-twice"),
        pytest.param(3, "something new", "prepare-failed", id="unknown-three-times"),
    ],
)
def test_waiting_ends_early_only_when_it_cannot_help(
    build: Any, restarts: int, log: str, expected: str | None
) -> None:
    found = hopeless(build.facts(build.container(log=log, restarts=restarts)))

    assert (found.code if found else None) == expected


def test_a_pod_that_is_being_created_is_no_reason_to_give_up(build: Any) -> None:
    assert hopeless(build.facts()) is None


def test_a_kube_dns_needs_kubedns_true(build: Any) -> None:
    """Prepare says nothing for two minutes; what is in the cluster says it at once."""
    kube_dns = _workload(kind="Deployment", name="kube-dns")
    facts = build.facts(dns=(kube_dns,), workloads=(_workload(available=0),))

    found = hopeless(facts)

    assert found is not None
    assert found.code == "kubedns-needed"
    assert "kubedns=true" in found.remedy


def test_a_kube_dns_with_the_meshs_own_coredns_is_fine(build: Any) -> None:
    kube_dns = _workload(kind="Deployment", name="kube-dns")
    own = _workload(kind="Deployment", name="coredns", available=0)

    assert hopeless(build.facts(dns=(kube_dns,), workloads=(own,))) is None
