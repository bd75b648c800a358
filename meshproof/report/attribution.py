"""Where the cost comes from, told: bars for the page, sentences, lines for the terminal."""

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from meshproof.model.attribution import Attribution, PartCost, PartKind
from meshproof.model.run import VALID
from meshproof.report.deployments_picture import deployments_picture
from meshproof.report.headline import confidence_name
from meshproof.report.scale import Axis, finite, linear_axis, tick_label
from meshproof.report.svg import Canvas
from meshproof.report.visible import cut, one_line, visible

__all__ = [
    "AttributionView",
    "attribution_lines",
    "attribution_sentence",
    "attribution_so_far",
    "attribution_view",
    "bars_picture",
]

_APART: Final[dict[PartKind, str]] = {
    PartKind.HOP: "mesh minus direct, bare proxies",
    PartKind.SETTING: "deployments with and without it",
    PartKind.MIDDLEWARE: "an arm beside the bare hop's",
}
_NAME: Final = 16  # letters of a part
_LABELS: Final = 128.0  # pixels that the parts' names take
_ROW: Final = 34.0
_CAP: Final = 5.0  # half the height of the marks at an interval's ends


@dataclass(frozen=True, kw_only=True)
class AttributionView:
    """An attribution as the page shows it."""

    attribution: Attribution
    bars: Markup
    deployments: Markup
    apart: dict[PartKind, str]


def attribution_view(found: Attribution, *, key: str) -> AttributionView:
    """Raises HarnessError when a figure is not a finite number."""
    return AttributionView(
        attribution=found,
        bars=bars_picture(found, key=f"{key}-bars"),
        deployments=deployments_picture(found.deployments, key=f"{key}-deployments"),
        apart=_APART,
    )


def attribution_sentence(found: Attribution) -> str:
    """``the bare hop takes 0.61 ms at the median; beyond it tracing adds 0.22 ms; ...``."""
    hop = next((each for each in found.parts if each.kind is PartKind.HOP), None)
    invalid = next((each.validity for each in found.parts if each.validity != VALID), "")
    if hop is None or hop.added_ms is None or invalid:
        return f"where the time goes was not measured validly: {visible(invalid) or 'nothing was measured'}"
    others = [each for each in found.parts if each is not hop]
    adds = [f"{visible(each.part)} adds {_figure(each)}" for each in others if each.shown]
    rest = [visible(each.part) for each in others if not each.shown]
    told = [f"the bare hop takes {_figure(hop)} at the median", *adds]
    if rest:
        told.append(f"not told from nothing: {', '.join(rest)}")
    return "; ".join(told)


def attribution_so_far(found: Attribution) -> str:
    """How it stands while it goes on."""
    known = [each for each in found.parts if each.added_ms is not None]
    told = ", ".join(f"{each.part} {each.added_ms:+.2f} ms" for each in known)
    return f"so far: {told}" if told else "no figure yet"


def attribution_lines(found: Attribution, width: int) -> list[str]:
    """A heading and one line for each part."""
    head = f"where the time goes, added at p50 (profile {visible(found.profile)}):"
    return [cut(head, width), *(cut(_line(each), width) for each in found.parts)]


def bars_picture(found: Attribution, *, key: str) -> Markup:
    """A bar for each part with its interval across, and the noise floor about zero."""
    shown = [each for each in found.parts if each.added_ms is not None and each.interval_ms is not None]
    for each in shown:
        finite([each.added_ms or 0.0, *(each.interval_ms or ())], f"what {visible(each.part)} adds")
    canvas = Canvas(
        key=key,
        title="What each part of the mesh adds at p50",
        description="; ".join(_in_words(each) for each in shown),
    )
    if not shown:
        canvas.nothing("no part was measured")
        return canvas.markup()
    ends = [end for each in shown for end in (each.added_ms or 0.0, *(each.interval_ms or ()))]
    left, right = canvas.across
    axis = linear_axis(min(0.0, *ends), max(0.0, *ends), start=left + _LABELS, end=right)
    _draw_axis(canvas, axis)
    for place, part in enumerate(shown):
        _draw_bar(canvas, axis, part, place, len(shown))
    canvas.legend("added at p50", "bar", shape="band")
    canvas.legend(f"{confidence_name(shown[0].confidence)} interval", "whisker")
    canvas.legend("noise floor", "noise", shape="band")
    return canvas.markup()


def _draw_axis(canvas: Canvas, axis: Axis) -> None:
    bottom, top = canvas.upwards
    for tick in axis.ticks:
        at = axis.at(tick)
        canvas.add("line", "grid", x1=at, x2=at, y1=top, y2=bottom)
        canvas.label(tick_label(tick), "tick", x=at, y=bottom + 19)
    zero = axis.at(0.0)
    canvas.add("line", "axis", x1=zero, x2=zero, y1=top, y2=bottom)
    canvas.label("added (ms)", "name", x=(axis.start + axis.end) / 2, y=bottom + 42)


def _draw_bar(canvas: Canvas, axis: Axis, part: PartCost, place: int, count: int) -> None:
    bottom, top = canvas.upwards
    row = min(_ROW, (bottom - top) / count)
    middle, thick = top + row * (place + 0.5), row * 0.56
    added, (low, high) = part.added_ms or 0.0, part.interval_ms or (0.0, 0.0)
    zero, end = axis.at(0.0), axis.at(added)
    noise = part.noise_floor_ms or 0.0
    canvas.label(one_line(part.part, _NAME), "key", x=axis.start - 8, y=middle + 4, anchor="end")
    bar = {"y": middle - thick / 2, "height": thick}
    canvas.add("rect", "bar", x=min(zero, end), width=max(abs(end - zero), 0.5), **bar)
    span = {"y": middle - row * 0.44, "height": row * 0.88}
    canvas.add("rect", "noise", x=axis.at(-noise), width=axis.at(noise) - axis.at(-noise), **span)
    canvas.add("line", "whisker", x1=axis.at(low), x2=axis.at(high), y1=middle, y2=middle)
    for edge in (low, high):
        at = axis.at(edge)
        canvas.add("line", "whisker", x1=at, x2=at, y1=middle - _CAP, y2=middle + _CAP)


def _figure(part: PartCost) -> str:
    low, high = part.interval_ms or (0.0, 0.0)
    return f"{part.added_ms or 0.0:.2f} ms ({low:+.2f} to {high:+.2f})"


def _in_words(part: PartCost) -> str:
    return f"{visible(part.part)}: {_figure(part)}"


def _line(part: PartCost) -> str:
    name = one_line(part.part, _NAME)
    if part.added_ms is None or part.interval_ms is None:
        return f"  {name:<{_NAME}}  not measured: {visible(part.validity)}"
    low, high = part.interval_ms
    cpu = "" if part.cpu_s_per_1000 is None else f"  {part.cpu_s_per_1000:+.2f} CPU s per 1,000"
    sure = "" if part.shown else "  not told from nothing"
    figures = f"{part.added_ms:+7.2f} ms  [{low:+.2f}, {high:+.2f}]  noise {part.noise_floor_ms or 0:.2f}"
    return f"  {name:<{_NAME}} {figures}{cpu}{sure or '  ' + visible(part.validity)}"
