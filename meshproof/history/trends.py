"""The pictures of a history: what the verdicts, the waits and the overhead were, run by run, as SVG."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

from meshproof.model.history import PastFigure, PastRun
from meshproof.model.run import PRIMARY, VALID
from meshproof.model.verdict import VerdictState
from meshproof.report.headline import STATE_WORDS, confidence_name, many
from meshproof.report.scale import Axis, count_axis, finite, linear_axis
from meshproof.report.svg import Canvas
from meshproof.report.visible import visible

__all__ = [
    "convergence_picture",
    "day_of",
    "overhead_picture",
    "overhead_series",
    "trouble_picture",
    "verdicts_picture",
]

# From the ground up: what is wrong stands on what holds, where a night that differs is seen at once.
_STACKED: Final = (
    VerdictState.PASSED,
    VerdictState.NOT_SUPPORTED,
    VerdictState.FAILED_EXPECTED,
    VerdictState.INCONCLUSIVE,
    VerdictState.FAILED,
)
_TROUBLE: Final = (VerdictState.INCONCLUSIVE, VerdictState.FAILED)
_BAR: Final = 0.76  # of the room that a run has
_WIDEST: Final = 44.0  # pixels, where there are few runs
_FEWEST: Final = 5  # requirements on an axis: fewer would have ticks between whole numbers
_CAP: Final = 4.0  # pixels, half the width of a whisker's end


def verdicts_picture(runs: Sequence[PastRun], *, key: str) -> Markup:
    """A bar for each run (oldest first): its requirements by state; those left out are not drawn."""
    return _bars(runs, _STACKED, key=key, title="Verdicts of every run", nothing="nothing was judged")


def trouble_picture(runs: Sequence[PastRun], *, key: str) -> Markup:
    """The same of what failed or could not be judged alone: a few of hundreds would hardly be seen."""
    title = "Failed or not to be judged, in every run"
    return _bars(runs, _TROUBLE, key=key, title=title, nothing="nothing failed, everything could be judged")


def convergence_picture(runs: Sequence[PastRun], *, key: str) -> Markup:
    """Of every run the longest wait for the mesh to take up a change, and the median of all requirements.

    Raises HarnessError when a value is NaN or infinite.
    """
    waits = {number: seen for number, run in enumerate(runs, start=1) if (seen := _waits_of(run))}
    canvas = Canvas(
        key=key,
        title="How long the mesh took to take up a change",
        description="; ".join(
            f"{_named(runs[number - 1])}: longest {max(seen):.2f} s, median {median(seen):.2f} s"
            for number, seen in waits.items()
        ),
    )
    if not waits:
        canvas.nothing("no wait was measured")
        return canvas.markup()
    longest = max(max(seen) for seen in waits.values())
    x, y = _axes(canvas, runs, (0.0, longest), y_name="convergence (s)")
    told: tuple[tuple[str, str, Callable[[list[float]], float]], ...] = (
        ("longest of all requirements", "longest", max),
        ("median", "middle", median),
    )
    for name, kind, of in told:
        canvas.legend(name, f"curve {kind}")
        line = " ".join(f"{x.at(number):g},{y.at(of(seen)):g}" for number, seen in waits.items())
        canvas.add("polyline", f"curve {kind}", points=line)
        for number, seen in waits.items():
            knot = canvas.add("circle", f"knot {kind}", cx=x.at(number), cy=y.at(of(seen)), r=3)
            _tip(knot, f"{_named(runs[number - 1])}: {of(seen):.2f} s, {many(len(seen), 'requirement')}")
    return canvas.markup()


def overhead_series(runs: Sequence[PastRun]) -> list[tuple[str, str]]:
    """Load profile and instrument of every median that some run has."""
    medians = (each for run in runs for each in run.figures if each.percentile == PRIMARY)
    return list(dict.fromkeys((each.profile, each.instrument) for each in medians))


def overhead_picture(runs: Sequence[PastRun], series: tuple[str, str], *, key: str) -> Markup:
    """The median of mesh minus direct of every run with its interval, and the noise floor beside it.

    Raises HarnessError when a value is NaN or infinite.
    """
    seen = {number: row for number, run in enumerate(runs, start=1) if (row := _median_of(run, series))}
    profile, instrument = series
    canvas = Canvas(
        key=key,
        title=f"Overhead at the median, profile {profile} by {instrument}",
        description="; ".join(f"{_named(runs[n - 1])}: {_figure_in_words(row)}" for n, row in seen.items()),
    )
    rows = list(seen.values())
    if not rows:
        canvas.nothing("no overhead was measured")
        return canvas.markup()
    ends = [0.0, *(end for row in rows for end in _ends_of(row))]
    x, y = _axes(canvas, runs, (min(ends), max(ends)), y_name="mesh minus direct at p50 (ms)")
    canvas.level("zero", y, 0.0)
    for number, row in seen.items():
        _figure(canvas, x, y, row, number, f"{_named(runs[number - 1])}: {_figure_in_words(row)}")
    canvas.legend(f"with its {confidence_name(rows[-1].confidence)} interval", "round", shape="dot")
    if any(row.validity != VALID for row in rows):
        canvas.legend("not valid", "round void", shape="dot")
    canvas.legend("noise floor", "noise", shape="band")
    return canvas.markup()


def day_of(run: PastRun) -> str:
    """``30 Nov``; the whole text where it is no time."""
    try:
        return f"{datetime.fromisoformat(run.started):%d %b}".lstrip("0")
    except ValueError:
        return visible(run.started)


def _bars(
    runs: Sequence[PastRun], states: Sequence[VerdictState], *, key: str, title: str, nothing: str
) -> Markup:
    counted = [run.counts() for run in runs]
    canvas = Canvas(
        key=key,
        title=title,
        description="; ".join(
            _counted_in_words(run, counts, states) for run, counts in zip(runs, counted, strict=True)
        ),
    )
    tallest = max((sum(counts[state] for state in states) for counts in counted), default=0)
    if not tallest:
        canvas.nothing(nothing)
        return canvas.markup()
    x, y = _axes(canvas, runs, (0, max(tallest, _FEWEST)), y_name="requirements")
    width = _width(x)
    for number, (run, counts) in enumerate(zip(runs, counted, strict=True), start=1):
        left, ground = x.at(number) - width / 2, 0
        for state in (each for each in states if counts[each]):
            low, top = y.at(ground), y.at(ground + counts[state])
            bar = canvas.add("rect", f"bar {state.value}", x=left, y=top, width=width, height=low - top)
            _tip(bar, f"{_named(run)}: {counts[state]} {STATE_WORDS[state].label}")
            ground += counts[state]
    for state in states:
        if any(counts[state] for counts in counted):
            canvas.legend(STATE_WORDS[state].label, f"bar {state.value}", shape="band")
    return canvas.markup()


def _figure(canvas: Canvas, x: Axis, y: Axis, row: PastFigure, number: int, told: str) -> None:
    place, width = x.at(number), _width(x)
    low, high = y.at(-row.noise_floor_ms), y.at(row.noise_floor_ms)
    canvas.add("rect", "noise", x=place - width / 2, y=high, width=width, height=max(low - high, 0.5))
    low, high = (y.at(end) for end in row.interval_ms)
    canvas.add("line", "whisker", x1=place, x2=place, y1=low, y2=high)
    for end in (low, high):
        canvas.add("line", "whisker", x1=place - _CAP, x2=place + _CAP, y1=end, y2=end)
    kind = "round" if row.validity == VALID else "round void"
    _tip(canvas.add("circle", kind, cx=place, cy=y.at(row.difference_ms), r=4), told)


def _axes(
    canvas: Canvas, runs: Sequence[PastRun], ends: tuple[float, float], *, y_name: str
) -> tuple[Axis, Axis]:
    """Both axes, and a line before each run that tested other versions than the one before it."""
    (left, right), (bottom, top) = canvas.across, canvas.upwards
    x = count_axis(len(runs), start=left, end=right)
    y = linear_axis(*ends, start=bottom, end=top)
    days = {tick: day_of(runs[round(tick) - 1]) for tick in x.ticks}
    moved = [number for number, (old, new) in enumerate(pairwise(runs), 2) if old.versions != new.versions]
    x_name = "run, oldest first" + ("; a dashed line: other versions from there" if moved else "")
    canvas.axes(x, y, x_name=x_name, y_name=y_name, under=days)
    for number in moved:
        line = canvas.add("line", "moved", x1=x.at(number - 0.5), x2=x.at(number - 0.5), y1=bottom, y2=top)
        _tip(line, f"from {_named(runs[number - 1])}: {runs[number - 1].versions.told()}")
    return x, y


def _width(x: Axis) -> float:
    """Of what is drawn for one run."""
    return min((x.at(2) - x.at(1)) * _BAR, _WIDEST) if x.high > 2 else _WIDEST


def _waits_of(run: PastRun) -> list[float]:
    seen = [each.convergence_s for each in run.verdicts if each.convergence_s is not None]
    return finite(seen, f"convergence of run {visible(run.id)}")


def _ends_of(row: PastFigure) -> list[float]:
    noise = row.noise_floor_ms
    return finite([*row.interval_ms, row.difference_ms, noise, -noise], f"overhead of {visible(row.profile)}")


def _median_of(run: PastRun, series: tuple[str, str]) -> PastFigure | None:
    rows = (row for row in run.figures if (row.profile, row.instrument) == series)
    return next((row for row in rows if row.percentile == PRIMARY), None)


def _named(run: PastRun) -> str:
    return f"{day_of(run)}, run {visible(run.id)}"


def _counted_in_words(
    run: PastRun, counts: Mapping[VerdictState, int], states: Sequence[VerdictState]
) -> str:
    some = (f"{counts[state]} {STATE_WORDS[state].label}" for state in states if counts[state])
    return f"{_named(run)}: {', '.join(some) or 'none'}"


def _figure_in_words(row: PastFigure) -> str:
    low, high = row.interval_ms
    doubt = "" if row.validity == VALID else f", not valid: {visible(row.validity)}"
    interval = f"{confidence_name(row.confidence)} interval {low:.2f} to {high:.2f} ms"
    return f"{row.difference_ms:+.2f} ms, {interval}, noise floor {row.noise_floor_ms:.2f} ms{doubt}"


def _tip(shape: ET.Element, text: str) -> None:
    """What a pointer over the shape is shown."""
    ET.SubElement(shape, "title").text = visible(text)
