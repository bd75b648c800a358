"""A run in Markdown, for the summary of a CI job; text of others is escaped, or stands in code."""

from typing import Final

from meshproof.model.run import Run
from meshproof.model.verdict import Verdict, VerdictState
from meshproof.report.attribution import attribution_sentence
from meshproof.report.comparison import comparison_sentence
from meshproof.report.headline import (
    STATE_WORDS,
    banner,
    counts,
    overhead_sentences,
    subject_line,
    verdict_sentence,
    with_state,
)
from meshproof.report.mutants import mutants_sentence, only_mutants_judged
from meshproof.report.visible import one_line, visible

__all__ = ["as_code", "escaped", "run_markdown"]

_TOLD: Final = (VerdictState.FAILED, VerdictState.INCONCLUSIVE)
_SHOWN: Final = 30  # of each state: a summary is read, not searched
_SAID_WIDTH: Final = 300


def run_markdown(run: Run) -> str:
    """The sentence, the counts, what failed or could not be judged with its words, what the mesh costs."""
    alone = only_mutants_judged(run)
    lines = [f"## {escaped(subject_line(run))}", ""]
    if warning := banner(run):
        lines += [f"> {escaped(warning)}", ""]
    lines += [f"**{escaped(mutants_sentence(run.mutants) if alone else verdict_sentence(run))}.**", ""]
    if not alone:
        lines += _count_table(run)
    if run.mutants and not alone:
        lines += [f"{escaped(mutants_sentence(run.mutants))}.", ""]
    for state in _TOLD:
        lines += _listed(with_state(run, state), state)
    costs = [
        *overhead_sentences(run),
        *map(comparison_sentence, run.comparisons),
        *map(attribution_sentence, run.attributions),
    ]
    lines += [f"- {escaped(each[:1].upper() + each[1:])}." for each in costs]
    return "\n".join(lines).rstrip("\n") + "\n"


def escaped(text: str) -> str:
    """Text as Markdown shows it, on one line."""
    shown = " ".join(visible(text).split())
    for character in "\\`|<>*_[]":
        shown = shown.replace(character, f"\\{character}")
    return shown


def as_code(text: str, width: int = _SAID_WIDTH) -> str:
    """The first ``width`` characters in code, on one line: nothing in it is taken for Markdown or HTML."""
    return f"`{one_line(text, width).replace('`', chr(39))}`"


def _count_table(run: Run) -> list[str]:
    counted = counts(run)
    head = [f"{STATE_WORDS[each].sign} {STATE_WORDS[each].label}" for each in counted]
    rows = (head, ["---:"] * len(head), [str(number) for number in counted.values()])
    return [*(f"| {' | '.join(row)} |" for row in rows), ""]


def _listed(verdicts: list[Verdict], state: VerdictState) -> list[str]:
    if not verdicts:
        return []
    words = STATE_WORDS[state]
    lines = [f"### {words.sign} {words.label}", ""]
    for each in verdicts[:_SHOWN]:
        said = next((seen.said for seen in each.evidence if seen.state is state and seen.said.strip()), "")
        told = f" {as_code(said)}" if said else ""
        name, statement = escaped(each.requirement), escaped(each.statement)
        lines.append(f"- **{name}** {statement} Subject: {each.subject.value}.{told}")
    if len(verdicts) > _SHOWN:
        lines.append(f"- and {len(verdicts) - _SHOWN} more in the report")
    return [*lines, ""]
