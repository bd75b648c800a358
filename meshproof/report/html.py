"""The page: one file that needs nothing else, readable without its script, safe whatever the cluster sent."""

import base64
import hashlib
import re
import shlex
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from meshproof.model.run import Overhead, OverheadDetail, Run
from meshproof.model.verdict import Evidence, Verdict, VerdictState
from meshproof.paths import PROJECT_ROOT
from meshproof.report import headline
from meshproof.report.comparison import comparison_sentence, comparison_view
from meshproof.report.evidence import FACTS_SHOWN, FactView, facts_shown
from meshproof.report.mutants import mutant_tiles, mutants_sentence, mutants_view, only_mutants_judged
from meshproof.report.picture import curves_picture, rounds_picture
from meshproof.report.records import PAGE_FILE
from meshproof.report.store import atomic_write
from meshproof.report.svg import standalone
from meshproof.report.visible import visible

__all__ = ["TEMPLATES", "duration", "page_environment", "render_page", "write_page"]

TEMPLATES: Final = PROJECT_ROOT / "reports" / "templates"
_TOLD_FIRST: Final = (VerdictState.FAILED, VerdictState.INCONCLUSIVE, VerdictState.FAILED_EXPECTED)
_SAFE_ANCHOR: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_UNSAFE_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")  # of a file
_MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, kw_only=True)
class TestView:
    """What one test saw, and how many of its facts are only in report.json."""

    seen: Evidence
    facts: list[FactView]
    left_out: int


@dataclass(frozen=True, kw_only=True)
class VerdictView:
    """A verdict with the place on the page that a link can name."""

    verdict: Verdict
    anchor: str
    words: headline.StateWords
    tests: list[TestView]
    told_first: bool


@dataclass(frozen=True, kw_only=True)
class OverheadView:
    """The rows of one profile and instrument, with what stands behind them."""

    profile: str
    instrument: str
    rows: list[Overhead]
    detail: OverheadDetail | None
    curves: Markup | None
    rounds: Markup | None


def render_page(run: Run) -> str:
    """The page of a run, in any state. Raises HarnessError when a measurement is not a finite number."""
    verdicts = [_verdict_view(verdict, place) for place, verdict in enumerate(run.verdicts)]
    script = (TEMPLATES / "report.js").read_text("utf-8")
    verdict_tiles = [(s, headline.STATE_WORDS[s], number) for s, number in headline.counts(run).items()]
    alone = only_mutants_judged(run)
    sentence = mutants_sentence(run.mutants) if alone else headline.verdict_sentence(run)
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            title=headline.subject_line(run),
            tone=headline.tone(run),
            sentence=sentence,
            banner=headline.banner(run),
            tiles=mutant_tiles(run.mutants) if alone else verdict_tiles,
            counts=verdict_tiles,
            mutants=mutants_view(run, {view.verdict.requirement: view.anchor for view in verdicts}),
            mutants_beside="" if alone or not run.mutants else mutants_sentence(run.mutants),
            overhead_sentences=headline.overhead_sentences(run),
            comparison_sentences=[comparison_sentence(each) for each in run.comparisons],
            comparisons=[comparison_view(each) for each in run.comparisons],
            told_first=[(s, [v for v in verdicts if v.verdict.state is s]) for s in _TOLD_FIRST],
            areas=_by_area(verdicts),
            overheads=_overhead_views(run),
            took=_took(run),
            command=shlex.join(run.run.command),
            script=Markup(script),  # noqa: S704 - a file of ours
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def write_page(folder: Path, run: Run) -> Path:
    """Render ``run`` into ``folder``/report.html, and its pictures beside it as files of their own.

    Each is written atomically. Raises OSError, and as ``render_page``.
    """
    path = folder / PAGE_FILE
    atomic_write(path, render_page(run))
    style = "".join((TEMPLATES / name).read_text("utf-8") for name in ("palette.css", "picture.css"))
    for view in _overhead_views(run):
        of = _UNSAFE_IN_A_NAME.sub("-", f"overhead-{view.profile}-{view.instrument}")
        for what, picture in (("curves", view.curves), ("rounds", view.rounds)):
            if picture:
                atomic_write(folder / f"{of:.100}-{what}.svg", standalone(picture, style))
    return path


def duration(seconds: float) -> str:
    """``0.42 s``, ``12.3 s``, ``4 min 05 s``."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


@cache
def page_environment() -> Environment:
    """The templates of every page: escaped, and whatever text they are given made harmless first."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration
    environment.filters["percentile"] = headline.percentile_name
    environment.filters["confidence"] = headline.confidence_name
    environment.filters["signed"] = lambda value: f"{value:+.2f}".replace("-", _MINUS)
    environment.filters["moment"] = _moment
    return environment


def _harmless(value: Any) -> Any:
    """Every text that reaches the page passes here, before it is escaped; markup is only ever ours."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _verdict_view(verdict: Verdict, place: int) -> VerdictView:
    return VerdictView(
        verdict=verdict,
        anchor=verdict.requirement if _SAFE_ANCHOR.fullmatch(verdict.requirement) else f"requirement-{place}",
        words=headline.STATE_WORDS[verdict.state],
        tests=[
            TestView(seen=seen, facts=facts_shown(seen), left_out=max(0, len(seen.facts) - FACTS_SHOWN))
            for seen in verdict.evidence
        ],
        told_first=verdict.state in _TOLD_FIRST,
    )


def _by_area(verdicts: list[VerdictView]) -> list[tuple[str, list[VerdictView]]]:
    """Areas in the order in which the run came to them."""
    order = list(dict.fromkeys(view.verdict.area for view in verdicts))
    ordered = sorted(verdicts, key=lambda view: order.index(view.verdict.area))
    groups = groupby(ordered, key=lambda view: view.verdict.area)
    return [(headline.area_name(area), list(views)) for area, views in groups]


def _overhead_views(run: Run) -> list[OverheadView]:
    """Each measurement, one without a figure too: why it has none, and what it took, is in its detail."""
    measured: list[Overhead | OverheadDetail] = [*run.overhead, *run.overhead_detail]
    keys = dict.fromkeys((each.profile, each.instrument) for each in measured)
    return [
        _overhead_view(run, profile, instrument, f"overhead-{place}")
        for place, (profile, instrument) in enumerate(keys)
    ]


def _overhead_view(run: Run, profile: str, instrument: str, key: str) -> OverheadView:
    rows = [row for row in run.overhead if (row.profile, row.instrument) == (profile, instrument)]
    rows.sort(key=lambda row: row.percentile)
    details = [d for d in run.overhead_detail if (d.profile, d.instrument) == (profile, instrument)]
    detail = details[0] if details else None
    arms = detail.arms if detail else []
    curves = curves_picture(arms, key=f"{key}-curves", profile=profile) if arms else None
    primary = next((row for row in rows if row.percentile == 50), rows[0] if rows else None)
    return OverheadView(
        profile=profile,
        instrument=instrument,
        rows=rows,
        detail=detail,
        curves=curves,
        rounds=rounds_picture(primary, key=f"{key}-rounds") if primary else None,
    )


def _took(run: Run) -> str:
    """How long the run took; empty when it has no end, or its times cannot be read."""
    try:
        began = datetime.fromisoformat(run.run.started)
        ended = datetime.fromisoformat(run.run.finished or "")
        return duration((ended - began).total_seconds())
    except (ValueError, TypeError):
        return ""


def _moment(text: str) -> str:
    """``2026-11-22 20:05:01 UTC`` of an RFC 3339 time in UTC; other text as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S %Z}".strip()
    except ValueError:
        return text
