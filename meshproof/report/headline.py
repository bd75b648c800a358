"""What a run comes to, in sentences and counts: the same words on the page and in the terminal."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from meshproof.model.errors import ExitCode
from meshproof.model.load import FORTIO_BESIDE, LOCUST
from meshproof.model.mutant import mutants_exit_code
from meshproof.model.run import VALID, Overhead, Run, RunState
from meshproof.model.verdict import Verdict, VerdictState, summarise
from meshproof.report.costs import cost_sentence, throughput_sentence
from meshproof.report.instruments import by_weight
from meshproof.report.saturation import profile_sentences
from meshproof.report.visible import visible

__all__ = [
    "AREA_NAMES",
    "STATE_WORDS",
    "StateWords",
    "Tone",
    "area_name",
    "banner",
    "confidence_name",
    "counts",
    "many",
    "overhead_sentences",
    "percentile_name",
    "subject_line",
    "tone",
    "verdict_sentence",
    "with_state",
]

_NAMED_IDS: Final = 5  # a sentence names this many requirements, the rest it counts
_MEDIAN: Final = 50.0


class Tone(StrEnum):
    """How good the news is."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class StateWords:
    """A state in words and as a sign, so that colour is never alone in telling it."""

    sign: str
    label: str
    meaning: str


STATE_WORDS: Final[dict[VerdictState, StateWords]] = {
    VerdictState.FAILED: StateWords(
        sign="✕", label="failed", meaning="the mesh, its chart or its proxy broke the claim"
    ),
    VerdictState.INCONCLUSIVE: StateWords(
        sign="?", label="inconclusive", meaning="the harness or its environment failed: nothing is said"
    ),
    VerdictState.FAILED_EXPECTED: StateWords(
        sign="≠", label="known deviation", meaning="failed, and recorded as a finding of this version"
    ),
    VerdictState.PASSED: StateWords(sign="✓", label="passed", meaning="the claim held"),
    VerdictState.NOT_SUPPORTED: StateWords(
        sign="-", label="not supported", meaning="this version of the mesh declares that it does not do it"
    ),
    VerdictState.SKIPPED: StateWords(
        sign="○", label="skipped", meaning="left out by the selection of this run"
    ),
}

AREA_NAMES: Final[dict[str, str]] = {"dns": "DNS", "smi": "SMI", "api": "API"}

_STATE_OF_RUN: Final[dict[RunState, str]] = {
    RunState.RUNNING: "This run is not finished: it is still going on, or its process died.",
    RunState.INTERRUPTED: "This run was interrupted: requirements that are not here were not judged.",
    RunState.ABORTED: "This run was aborted: requirements that are not here were not judged.",
}


def area_name(area: str) -> str:
    """The heading of an area: ``routing`` is Routing, ``dns`` is DNS."""
    return AREA_NAMES.get(area, visible(area).capitalize() or "Other")


def percentile_name(percentile: float) -> str:
    """``p50``, ``p99.9``."""
    return f"p{percentile:g}"


def with_state(run: Run, state: VerdictState) -> list[Verdict]:
    """The verdicts in ``state``, in the order of the run."""
    return [verdict for verdict in run.verdicts if verdict.state is state]


def counts(run: Run) -> dict[VerdictState, int]:
    """How many requirements are in each state, gravest first; counted from the verdicts."""
    summary = summarise(run.verdicts)
    return {state: summary[state.value] for state in STATE_WORDS}


def banner(run: Run) -> str:
    """What a reader must know before anything else: the run did not end well, and why. Else empty."""
    said = (_STATE_OF_RUN.get(run.run.state, ""), visible(run.run.note).strip())
    return " ".join(filter(None, said))


def tone(run: Run) -> Tone:
    """Bad when something failed; good only when something was judged, all of it held and the run finished.

    A mutant that survived is as bad as a requirement that failed.
    """
    count, mutants = counts(run), mutants_exit_code(run.mutants)
    if count[VerdictState.FAILED] or mutants is ExitCode.FAILED:
        return Tone.BAD
    judged = count[VerdictState.PASSED] + count[VerdictState.FAILED_EXPECTED] + len(run.mutants)
    unclear = count[VerdictState.INCONCLUSIVE] or mutants is ExitCode.INCONCLUSIVE
    unfinished = run.run.state is not RunState.FINISHED
    return Tone.WARN if unclear or unfinished or not judged else Tone.GOOD


def confidence_name(confidence: float) -> str:
    """``95 %`` of 0.95; ``98.33 %`` of what Holm's adjustment makes of it."""
    return f"{confidence * 100:.4g} %"


def subject_line(run: Run) -> str:
    """What was tested: ``traefik-mesh v1.4.8, Traefik v2.11.2, on Kubernetes v1.32.1``."""
    seen = run.environment
    mesh = visible(seen.mesh) or "Mesh not read from the cluster"
    proxy = f", {visible(seen.proxy)}" if seen.proxy else ""
    cluster = f", on Kubernetes {visible(seen.kubernetes)}" if seen.kubernetes else ""
    return f"{mesh}{proxy}{cluster}"


def verdict_sentence(run: Run, *, named: bool = True) -> str:
    """The run in one sentence, the worst first; ``named`` says which requirements failed."""
    count = counts(run)
    held, failed = count[VerdictState.PASSED], count[VerdictState.FAILED]
    hold = f"{held} of {many(held + failed, 'requirement')} hold" if held + failed else ""
    known = count[VerdictState.FAILED_EXPECTED]
    unclear = count[VerdictState.INCONCLUSIVE]
    parts = (
        _failed_part(with_state(run, VerdictState.FAILED), named=named),
        hold or ("" if known else "No requirement was judged"),
        many(known, "known deviation") if known else "",
        f"{unclear} could not be judged" if unclear else "",
        f"{count[VerdictState.NOT_SUPPORTED]} not supported" if count[VerdictState.NOT_SUPPORTED] else "",
        f"{count[VerdictState.SKIPPED]} skipped" if count[VerdictState.SKIPPED] else "",
    )
    return "; ".join(filter(None, parts))


def overhead_sentences(run: Run) -> list[str]:
    """What the mesh costs at the median: one sentence per profile and instrument, the lighter one first.

    Where several measured one profile, Locust's figure is told as what clients under its load saw. Of a
    closed model it is told how much either way carries, of a ramp up to which rate. Then follows what the
    mesh's containers took.
    """
    medians = [row for row in run.overhead if row.percentile == _MEDIAN]
    without_rows = [each.profile for each in run.overhead_detail if each.saturation or each.growth]
    profiles = list(dict.fromkeys([row.profile for row in medians] + without_rows))
    sentences = []
    for profile in profiles:
        rows = [row for row in medians if row.profile == profile]
        rows.sort(key=lambda row: by_weight(row.instrument))
        about = f"{visible(profile)}: " if len(profiles) > 1 else ""
        details = [each for each in run.overhead_detail if each.profile == profile]
        carried = [throughput_sentence(each.throughput) for each in details if each.throughput]
        told = carried or [_overhead_sentence(row, alone=len(rows) == 1) for row in rows]
        told += [said for each in details for said in profile_sentences(each)]
        told += [cost_sentence(each.costs) for each in details if each.costs]
        sentences += [about + said for said in told]
    return sentences


def _overhead_sentence(row: Overhead, *, alone: bool) -> str:
    low, high = row.interval_ms
    by = "" if alone else f", measured by {visible(row.instrument)}"
    interval = f"{confidence_name(row.confidence)} interval {low:.2f} to {high:.2f} ms"
    context = f"({interval}; noise floor {row.noise_floor_ms:.2f} ms{by})"
    if row.validity != VALID:
        return f"the overhead at the median was not measured validly{by}: {visible(row.validity)}"
    if low <= 0 <= high or abs(row.difference_ms) <= row.noise_floor_ms:
        return (
            f"at the median the mesh cannot be told from direct access: {row.difference_ms:+.2f} ms {context}"
        )
    more = "adds" if row.difference_ms > 0 else "takes away"
    if not alone and row.instrument == LOCUST:
        return f"clients under that load saw that the mesh {more} {abs(row.difference_ms):.2f} ms {context}"
    if row.instrument == FORTIO_BESIDE:
        return f"while that load is on the mesh {more} {abs(row.difference_ms):.2f} ms for others {context}"
    return f"the mesh {more} {abs(row.difference_ms):.2f} ms at the median {context}"


def _failed_part(failed: list[Verdict], *, named: bool) -> str:
    if not failed:
        return ""
    if not named:
        return f"{many(len(failed), 'requirement')} failed"
    names = ", ".join(visible(verdict.requirement) for verdict in failed[:_NAMED_IDS])
    more = f" and {len(failed) - _NAMED_IDS} more" if len(failed) > _NAMED_IDS else ""
    return f"{many(len(failed), 'requirement')} failed: {names}{more}"


def many(count: int, noun: str) -> str:
    """``1 requirement``, ``2 requirements``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
