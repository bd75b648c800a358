"""What changed between two runs, the worst first; what a selection left out did not change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshproof.history.changes import Direction, earlier_of, what_changed
from meshproof.model.history import Versions
from meshproof.model.verdict import VerdictState
from tests.history.past_runs import VERSIONS, a_past_run, a_past_verdict

P, F, K = VerdictState.PASSED, VerdictState.FAILED, VerdictState.FAILED_EXPECTED
N, S, Q = VerdictState.NOT_SUPPORTED, VerdictState.SKIPPED, VerdictState.INCONCLUSIVE


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        pytest.param(P, F, Direction.WORSE, id="broke"),
        pytest.param(P, K, Direction.WORSE, id="a-new-known-deviation"),
        pytest.param(P, Q, Direction.WORSE, id="no-longer-told"),
        pytest.param(F, Q, Direction.WORSE, id="what-failed-is-no-longer-told"),
        pytest.param(P, N, Direction.WORSE, id="given-up"),
        pytest.param(F, P, Direction.BETTER, id="mended"),
        pytest.param(Q, P, Direction.BETTER, id="told-again"),
        pytest.param(F, K, Direction.BETTER, id="now-known"),
        pytest.param(Q, F, Direction.WORSE, id="told-and-broken"),
        pytest.param(S, F, Direction.APPEARED, id="fails-and-was-left-out"),
        pytest.param(None, Q, Direction.APPEARED, id="unclear-and-new"),
        pytest.param(S, P, None, id="passes-and-was-left-out"),
        pytest.param(None, P, None, id="passes-and-is-new"),
        pytest.param(F, S, None, id="left-out-now"),
        pytest.param(F, F, None, id="still-broken"),
    ],
)
def test_direction(before: VerdictState | None, after: VerdictState, direction: Direction | None) -> None:
    old = a_past_run(
        1, a_past_verdict("TM-DNS-999", P), *([a_past_verdict("TM-DNS-001", before)] if before else [])
    )

    changes = what_changed(old, a_past_run(2, a_past_verdict("TM-DNS-001", after))).changes

    assert [each.direction for each in changes] == ([direction] if direction else [])


def test_worst_come_first() -> None:
    names = [f"TM-DNS-00{place}" for place in range(1, 6)]
    old = a_past_run(1, *map(a_past_verdict, names, [F, P, S, P, P]))
    new = a_past_run(2, *map(a_past_verdict, names, [P, K, F, F, Q]))

    changes = what_changed(old, new).changes

    assert [(each.requirement[-1], each.before, each.after) for each in changes] == [
        ("4", P, F),
        ("5", P, Q),
        ("2", P, K),
        ("3", None, F),
        ("1", F, P),
    ]


def test_change_carries_the_words_and_the_finding() -> None:
    old = a_past_run(1, a_past_verdict("TM-DNS-001", K, said="was known", finding="findings.md#one"))

    mended = what_changed(old, a_past_run(2)).changes[0]
    broken = what_changed(
        a_past_run(1), a_past_run(2, a_past_verdict("TM-DNS-001", F, said="no answer"))
    ).changes[0]

    assert (mended.said, mended.finding) == ("", "findings.md#one")
    assert (broken.said, broken.subject) == ("no answer", "proxy")


def test_what_is_no_longer_judged_is_said() -> None:
    old = a_past_run(1, *(a_past_verdict(f"TM-DNS-00{place}") for place in range(1, 4)))
    new = a_past_run(2, a_past_verdict("TM-DNS-001"), a_past_verdict("TM-DNS-002", S))

    found = what_changed(old, new)

    assert found.no_longer_judged == ["TM-DNS-002", "TM-DNS-003"]
    assert not found.changes


def test_versions_that_moved_are_said() -> None:
    newer = Versions(mesh=VERSIONS.mesh, proxy="Traefik v2.11.20", kubernetes="v1.34.4", coredns="v1.12.1")

    assert what_changed(a_past_run(1), a_past_run(2, versions=newer)).versions == {
        "proxy": ("Traefik v2.11.14", "Traefik v2.11.20")
    }


def test_earlier_run_is_of_the_same_profile_and_judged_something() -> None:
    runs = [
        a_past_run(1),
        a_past_run(2, mesh_profile="acl"),
        a_past_run(3, a_past_verdict("TM-DNS-001", S)),
        a_past_run(4),
    ]

    assert earlier_of(runs, runs[3]) == runs[0]
    assert earlier_of(runs, runs[0]) is None
    assert earlier_of(runs, a_past_run(9)) == runs[3]


STATES = st.dictionaries(
    st.sampled_from([f"TM-DNS-00{place}" for place in range(8)]), st.sampled_from(VerdictState)
)


@given(STATES, STATES)
def test_nothing_changes_against_itself_and_nothing_is_lost(
    before: dict[str, VerdictState], after: dict[str, VerdictState]
) -> None:
    old, new = (
        a_past_run(1).__class__(
            id=name, started="", verdicts=[a_past_verdict(*each) for each in states.items()]
        )
        for name, states in (("old", before), ("new", after))
    )

    found = what_changed(old, new)

    assert not what_changed(new, new).changes
    told = {each.requirement for each in found.changes} | set(found.no_longer_judged)
    both = {name for name in before.keys() & after.keys() if before[name] is not after[name]}
    assert {name for name in both if S not in (before[name], after[name])} <= told
