"""Mutants to report on: one of every state, and small ones for one behaviour each."""

from typing import Any

from meshproof.model.mutant import MutantKind, MutantResult, MutantState


def a_mutant(
    name: str = "trace-restarted", state: MutantState = MutantState.KILLED, **changed: Any
) -> MutantResult:
    """A mutant under the profile plain that says nothing of any requirement."""
    fields: dict[str, Any] = {
        "name": name,
        "kind": MutantKind.SERVED,
        "profile": "plain",
        "breaks": f"What {name} breaks.",
        "state": state,
        "seconds": 12.3,
    }
    return MutantResult(**(fields | changed))


def mutants_of_every_state() -> list[MutantResult]:
    """A survivor, one of each other state, a bystander that failed, one mutant under two profiles."""
    dns: dict[str, Any] = {
        "kind": MutantKind.DNS,
        "killers": ["TM-DNS-001", "TM-DNS-002"],
        "killed_by": ["TM-DNS-001"],
    }
    return [
        a_mutant(
            "trace-restarted",
            MutantState.SURVIVED,
            killers=["TM-TRACE-001", "TM-TRACE-002"],
            killed_by=["TM-TRACE-001"],
            survived=["TM-TRACE-002"],
            said={"TM-TRACE-001": "the trace id differs"},
        ),
        a_mutant(
            "tracing-off",
            kind=MutantKind.FLAGS,
            killers=["TM-TRACE-001", "TM-TRACE-002"],
            killed_by=["TM-TRACE-001", "TM-TRACE-002"],
            bystanders=["TM-ROUTE-002", "TM-ROUTE-004"],
            bystanders_failed={"TM-ROUTE-002": "assert 503 == 200\nbody: ''"},
        ),
        a_mutant(
            "priority-shifted",
            MutantState.EQUIVALENT,
            killers=["TM-ROUTE-001"],
            survived=["TM-ROUTE-001"],
            equivalent="only one route matches",
        ),
        a_mutant(
            "proxy-lags",
            MutantState.NOT_JUDGED,
            killers=["TM-ROUTE-005"],
            note="the proxies did not take it up within 10 s",
        ),
        a_mutant(
            "dns-bypass",
            **dns,
            not_judged={"TM-DNS-002": "left out by the profile"},
            explained={"TM-METRIC-001": "blocked by TM-DNS-001", "TM-METRIC-002": "blocked by TM-DNS-001"},
        ),
        a_mutant("dns-bypass", **dns, profile="acl", not_judged={"TM-DNS-002": "left out by the profile"}),
    ]
