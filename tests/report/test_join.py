"""Runs of several profiles, read as one."""

import msgspec
import pytest

from meshproof.model.requirement import Level, Subject
from meshproof.model.run import Environment, Node, Run, RunInfo
from meshproof.model.verdict import Evidence, Verdict, VerdictState
from meshproof.report.join import joined
from tests.report.mutant_results import a_mutant

INFO = RunInfo(id="whole", started="2026-01-01T00:00:00+00:00")
PASSED, FAILED, SKIPPED = VerdictState.PASSED, VerdictState.FAILED, VerdictState.SKIPPED


def run_of(profile: str, *tests: tuple[str, VerdictState], convergence_s: float | None = None) -> Run:
    """A run of one requirement whose tests came to these states."""
    evidence = [Evidence(test=test, state=state, profile=profile) for test, state in tests]
    verdict = Verdict(
        requirement="TM-DNS-001",
        statement="It MUST.",
        area="dns",
        level=Level.CORE,
        subject=Subject.DNS,
        state=PASSED,
        evidence=evidence,
        duration_s=1.5,
        convergence_s=convergence_s,
    )
    environment = Environment(
        settings={"mesh_profile": profile},
        durations_s={"mesh installed": 9.0},
        images={profile: "sha256:1"},
        nodes=[Node(name=profile, kubelet="v1", container_runtime="c", os_image="o", kernel="k")],
    )
    return Run(run=INFO, environment=environment, verdicts=[verdict])


def test_check_that_another_profile_ran_was_not_left_out() -> None:
    plain = run_of("plain", ("t.py::test_a", PASSED), ("t.py::test_b", SKIPPED))
    acl = run_of("acl", ("t.py::test_a", SKIPPED), ("t.py::test_b[case]", PASSED))

    (verdict,) = joined(INFO, {"plain": plain, "acl": acl}).verdicts

    assert verdict.state is PASSED
    assert [(each.test, each.profile) for each in verdict.evidence] == [
        ("t.py::test_a", "plain"),
        ("t.py::test_b[case]", "acl"),
    ]


def test_check_that_no_profile_ran_is_left_out_once() -> None:
    plain = run_of("plain", ("t.py::test_a", PASSED), ("t.py::test_b", SKIPPED))
    acl = run_of("acl", ("t.py::test_a", SKIPPED), ("t.py::test_b", SKIPPED))

    (verdict,) = joined(INFO, {"plain": plain, "acl": acl}).verdicts

    assert verdict.state is SKIPPED
    assert [each.test for each in verdict.evidence] == ["t.py::test_a", "t.py::test_b"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(PASSED, PASSED, PASSED, id="both-hold"),
        pytest.param(PASSED, FAILED, FAILED, id="one-profile-fails"),
    ],
)
def test_same_check_counts_for_each_profile(
    one: VerdictState, other: VerdictState, expected: VerdictState
) -> None:
    runs = {
        "plain": run_of("plain", ("t.py::test_a", one)),
        "two-nodes": run_of("two-nodes", ("t.py::test_a", other)),
    }

    whole = joined(INFO, runs)

    assert whole.verdicts[0].state is expected
    assert [each.profile for each in whole.verdicts[0].evidence] == ["plain", "two-nodes"]
    assert whole.summary[expected.value] == 1


def test_times_add_up_and_the_longest_wait_counts() -> None:
    runs = {
        "plain": run_of("plain", ("t.py::test_a", PASSED), convergence_s=2.0),
        "acl": run_of("acl", ("t.py::test_b", PASSED), convergence_s=3.0),
        "tcp": run_of("tcp", ("t.py::test_c", PASSED)),
    }

    (verdict,) = joined(INFO, runs).verdicts

    assert (verdict.duration_s, verdict.convergence_s) == (4.5, 3.0)


def test_environment_tells_of_every_profile() -> None:
    runs = {"plain": run_of("plain"), "acl": run_of("acl")}

    environment = joined(INFO, runs).environment

    assert environment.settings["mesh_profile"] == "plain, acl"
    assert environment.durations_s == {"plain: mesh installed": 9.0, "acl: mesh installed": 9.0}
    assert environment.images == {"plain": "sha256:1", "acl": "sha256:1"}


def test_mutants_stand_by_profile_then_by_name() -> None:
    runs = {
        profile: msgspec.structs.replace(
            run_of(profile), mutants=[a_mutant(name, profile=profile) for name in names]
        )
        for profile, names in {"plain": ("tracing-off", "label-off"), "acl": ("label-off",)}.items()
    }

    mutants = joined(INFO, runs).mutants

    assert [(each.name, each.profile) for each in mutants] == [
        ("label-off", "plain"),
        ("tracing-off", "plain"),
        ("label-off", "acl"),
    ]


def test_nothing_joined_is_an_empty_run() -> None:
    assert joined(INFO, {}) == msgspec.structs.replace(Run(run=INFO), summary=joined(INFO, {}).summary)
