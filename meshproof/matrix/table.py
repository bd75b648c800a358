"""The compatibility table, Markdown and page: what changed, versions by areas, then each red cell."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

from meshproof.history.changes import StateChange
from meshproof.history.listing import DIRECTION_WORDS, figure_told
from meshproof.matrix.compatibility import AreaStates, Cell, areas_of
from meshproof.model.history import PastVerdict, Versions
from meshproof.model.verdict import VerdictState
from meshproof.report.headline import STATE_WORDS, Tone, area_name, many
from meshproof.report.html import page_environment
from meshproof.report.markdown import as_code, escaped

__all__ = ["render_markdown", "render_table_page", "sentence"]

_COUNTED: Final = (  # the gravest first
    VerdictState.FAILED,
    VerdictState.INCONCLUSIVE,
    VerdictState.FAILED_EXPECTED,
    VerdictState.NOT_SUPPORTED,
    VerdictState.PASSED,
)
_HEAD: Final = """# Compatibility

<!-- Written by `meshproof matrix table`; do not edit. -->

Which versions hold together, each by the newest run that judged it whole. Every cell was judged on a real
cluster; a combination without a row was not judged.
"""


def sentence(cells: Sequence[Cell]) -> str:
    """``3 combinations: 1 with failures, 2 hold``."""
    failed = sum(any(each.state is VerdictState.FAILED for each in cell.troubles) for cell in cells)
    unclear = sum(bool(cell.troubles) for cell in cells) - failed
    held = len(cells) - failed - unclear
    parts = (
        f"{failed} with failures" if failed else "",
        f"{unclear} not wholly judged" if unclear else "",
        f"{held} without" if held and failed + unclear else "",
    )
    told = ", ".join(filter(None, parts)) or "nothing failed"
    return f"{many(len(cells), 'combination')}: {told}" if cells else "No combination was judged yet"


def render_markdown(cells: Sequence[Cell], statements: Mapping[str, str]) -> str:
    """The table for the repository. Foreign text is one line each, in code."""
    sections = [_HEAD, f"{sentence(cells)}.\n", *_worse(cells)]
    if changed := [each for each in (_changed(cell, statements) for cell in cells) if each]:
        sections += ["## What changed\n", *changed]
    if cells:
        sections += ["## Versions by areas\n", _matrix(cells), _legend()]
    if troubled := [cell for cell in cells if cell.troubles]:
        sections += ["## What failed or could not be judged\n"]
        sections += [_listed(cell, cell.troubles, statements) for cell in troubled]
    if deviating := [cell for cell in cells if cell.known]:
        sections += ["## Known deviations\n"]
        sections += [_known(cell) for cell in deviating]
    return "\n".join(sections)


def render_table_page(cells: Sequence[Cell], statements: Mapping[str, str]) -> str:
    """The same as a page."""
    return (
        page_environment()
        .get_template("compatibility.html.j2")
        .render(
            sentence=sentence(cells),
            tone=_tone(cells),
            cells=cells,
            areas=[(name, area_name(name)) for name in areas_of(cells)],
            moved=[
                cell for cell in cells if cell.since and (cell.since.changes or cell.since.no_longer_judged)
            ],
            statements=statements,
            words=STATE_WORDS,
            counted=_COUNTED,
            directions=DIRECTION_WORDS,
            figure_told=figure_told,
        )
    )


def _worse(cells: Sequence[Cell]) -> list[str]:
    """By name what somebody has to look at, before all details."""
    worse = {cell.versions.told(): cell.since.worse for cell in cells if cell.since and cell.since.worse}
    lines = [
        f"- {escaped(told)}: worse in {', '.join(escaped(each.requirement) for each in changes)}"
        for told, changes in worse.items()
    ]
    return ["\n".join(lines) + "\n"] if lines else []


def _tone(cells: Sequence[Cell]) -> Tone:
    troubles = {each.state for each in chain.from_iterable(cell.troubles for cell in cells)}
    if VerdictState.FAILED in troubles:
        return Tone.BAD
    return Tone.WARN if troubles or not cells else Tone.GOOD


def _matrix(cells: Sequence[Cell]) -> str:
    areas = areas_of(cells)
    head = [
        "Mesh",
        "Proxy",
        "Kubernetes",
        "CoreDNS",
        *map(area_name, areas),
        "Overhead at p50",
        "Run",
        "Profiles",
    ]
    rows = [
        [
            *(each or "?" for each in _parts(cell.versions)),
            *(_counted(cell.area(area)) for area in areas),
            figure_told(cell.overhead) if cell.overhead else "not measured",
            f"{cell.started[:10]}, {cell.run}",
            cell.mesh_profile,
        ]
        for cell in cells
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(escaped, line))} |" for line in lines) + "\n"


def _legend() -> str:
    told = (
        f"{STATE_WORDS[each].sign} {STATE_WORDS[each].label}: {STATE_WORDS[each].meaning}"
        for each in _COUNTED
    )
    return "; ".join(told) + ".\n"


def _counted(states: AreaStates | None) -> str:
    """``✕ 1 ≠ 2 ✓ 21``."""
    if states is None:
        return "not judged"
    return " ".join(
        f"{STATE_WORDS[each].sign} {states.counts[each]}" for each in _COUNTED if each in states.counts
    )


def _changed(cell: Cell, statements: Mapping[str, str]) -> str:
    """What is in another state, the worst first; empty where nothing is."""
    found = cell.since
    if found is None or not (found.changes or found.no_longer_judged):
        return ""
    since = f"New; against {cell.against.told()}" if cell.against else f"Since run {found.before}"
    lines = [f"### {escaped(cell.versions.told())}\n", f"{escaped(since)}:\n"]
    lines += [_change_line(each, statements) for each in found.changes]
    if found.no_longer_judged:
        lines.append(f"- no longer judged: {', '.join(map(escaped, found.no_longer_judged))}")
    return "\n".join(lines) + "\n"


def _change_line(change: StateChange, statements: Mapping[str, str]) -> str:
    was = "not judged" if change.before is None else STATE_WORDS[change.before].label
    words = STATE_WORDS[change.after]
    return f"- {words.sign} **{escaped(change.requirement)}** {was} → {words.label}: " + _told(
        change.requirement, change.subject, change.said, change.finding, statements
    )


def _listed(cell: Cell, verdicts: Sequence[PastVerdict], statements: Mapping[str, str]) -> str:
    lines = [f"### {escaped(cell.versions.told())}\n"]
    for each in verdicts:
        words = STATE_WORDS[each.state]
        told = _told(each.requirement, each.subject.value, each.said, each.finding, statements)
        lines.append(f"- {words.sign} {words.label}: **{escaped(each.requirement)}** {told}")
    return "\n".join(lines) + "\n"


def _known(cell: Cell) -> str:
    names = ", ".join(_linked(each) for each in cell.known)
    return f"{escaped(cell.versions.told())}: {names}.\n"


def _linked(verdict: PastVerdict) -> str:
    """The requirement, with a link to its finding beside this file in ``docs/``."""
    name = escaped(verdict.requirement)
    finding = verdict.finding or ""
    return f"[{name}]({finding.removeprefix('docs/')})" if finding.startswith("docs/") else name


def _told(
    requirement: str, subject: str, said: str, finding: str | None, statements: Mapping[str, str]
) -> str:
    """The statement, whose doing it is, the check's own words."""
    parts = (
        escaped(statements.get(requirement, "")),
        f"Subject: {subject}.",
        f"It said: {as_code(said)}" if said.strip() else "",
        f"Finding: {escaped(finding)}." if finding else "",
    )
    return " ".join(filter(None, parts))


def _parts(versions: Versions) -> tuple[str, str, str, str]:
    return versions.mesh, versions.proxy, versions.kubernetes, versions.coredns
