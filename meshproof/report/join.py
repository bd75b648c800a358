"""Several runs as one: profiles of the mesh are judged one after another, and read as one report."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from meshproof.model.run import Environment, Run, RunInfo
from meshproof.model.verdict import Evidence, Verdict, VerdictState, summarise, worst

__all__ = ["joined"]


def joined(info: RunInfo, runs: Mapping[str, Run]) -> Run:
    """One run over those of the profiles (profile -> run, in their order).

    A requirement's evidence is that of every profile; a check that one profile left to another counts as
    left out only where no profile ran it. A mutant has a result for each profile that it ran under: in the
    order of the profiles, and by name within each.
    """
    parts = list(runs.values())
    by_requirement: dict[str, list[Verdict]] = {}
    for run in parts:
        for verdict in run.verdicts:
            by_requirement.setdefault(verdict.requirement, []).append(verdict)
    verdicts = [_joined_verdict(each) for each in by_requirement.values()]
    return Run(
        run=info,
        environment=_joined_environment(runs),
        verdicts=verdicts,
        summary=summarise(verdicts),
        overhead=[each for run in parts for each in run.overhead],
        overhead_detail=[each for run in parts for each in run.overhead_detail],
        comparisons=[each for run in parts for each in run.comparisons],
        attributions=[each for run in parts for each in run.attributions],
        mutants=[each for run in parts for each in sorted(run.mutants, key=lambda mutant: mutant.name)],
    )


def _joined_verdict(parts: Sequence[Verdict]) -> Verdict:
    evidence = _without_what_another_ran([each for part in parts for each in part.evidence])
    waits = [part.convergence_s for part in parts if part.convergence_s is not None]
    return msgspec.structs.replace(
        parts[0],
        state=worst(each.state for each in evidence),
        evidence=evidence,
        duration_s=round(sum(part.duration_s for part in parts), 3),
        convergence_s=max(waits, default=None),
        finding=next((part.finding for part in parts if part.finding), None),
    )


def _without_what_another_ran(evidence: Sequence[Evidence]) -> list[Evidence]:
    ran = {_function(each) for each in evidence if each.state is not VerdictState.SKIPPED}
    kept: dict[tuple[str, str], Evidence] = {}
    for each in evidence:
        left_out = each.state is VerdictState.SKIPPED
        if left_out and _function(each) in ran:
            continue
        # What no profile ran is said once, whoever left it out.
        kept.setdefault((each.test, "" if left_out else each.profile), each)
    return list(kept.values())


def _function(evidence: Evidence) -> str:
    """The test function, without the parameters of one case."""
    return evidence.test.partition("[")[0]


def _joined_environment(runs: Mapping[str, Run]) -> Environment:
    first = next(iter(runs.values()), None)
    if first is None:
        return Environment()
    settings: dict[str, Any] = {**first.environment.settings, "mesh_profile": ", ".join(runs)}
    most_nodes = max((run.environment.nodes for run in runs.values()), key=len)
    return msgspec.structs.replace(
        first.environment,
        nodes=most_nodes,
        settings=settings,
        images={name: digest for run in runs.values() for name, digest in run.environment.images.items()},
        durations_s={
            f"{profile}: {step}": seconds
            for profile, run in runs.items()
            for step, seconds in run.environment.durations_s.items()
        },
    )
