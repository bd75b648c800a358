"""What each deployment cost, as SVG: its rounds, its mean, and the mean of its setting."""

from statistics import fmean
from typing import Final

from markupsafe import Markup

from meshproof.model.deployment import Deployed, Deployments
from meshproof.report.scale import Axis, finite, linear_axis
from meshproof.report.svg import Canvas
from meshproof.report.visible import one_line

__all__ = ["deployments_picture", "style_of"]

_STYLES: Final = 3  # colours for settings, in turn
_NAME: Final = 20  # letters of a setting in the legend


def deployments_picture(whole: Deployments, *, key: str) -> Markup:
    """Mesh minus direct at p50 of every deployment. Raises HarnessError for NaN and infinity."""
    shown = [each for each in whole.deployed if each.rounds_ms]
    for each in shown:
        finite(each.rounds_ms, f"rounds of deployment {each.number}")
    canvas = Canvas(
        key=key,
        title="Mesh minus direct at p50 of every deployment",
        description="; ".join(f"{one.number} {one.setting}: {fmean(one.rounds_ms):.2f} ms" for one in shown),
    )
    if not shown:
        canvas.nothing("no deployment was measured")
        return canvas.markup()
    bottom, top = canvas.upwards
    values = [value for each in shown for value in each.rounds_ms]
    y = linear_axis(min(0.0, *values), max(values), start=bottom, end=top)
    x = _turns(max(each.number for each in shown), canvas)
    canvas.axes(x, y, x_name="deployment, in order", y_name="mesh minus direct at p50 (ms)")
    canvas.level("zero", y, 0.0)
    for place, setting in enumerate(whole.settings):
        _draw(canvas, x, y, [each for each in shown if each.setting == setting.name], style_of(place))
        canvas.legend(one_line(setting.title, _NAME), f"deployment {style_of(place)}", shape="dot")
    canvas.legend("a round", "turn", shape="dot")
    return canvas.markup()


def style_of(place: int) -> str:
    """The colour of a setting, by its place."""
    return f"arm-other{place % _STYLES}"


def _draw(canvas: Canvas, x: Axis, y: Axis, found: list[Deployed], style: str) -> None:
    """Rounds as small dots, means as large ones, the mean of all as a line across."""
    if found and (judged := [each for each in found if not each.left_out]):
        canvas.level(f"setting {style}", y, fmean(fmean(each.rounds_ms) for each in judged))
    for each in found:
        place = x.at(each.number)
        for value in each.rounds_ms:
            canvas.add("circle", f"turn {style}", cx=place, cy=y.at(value), r=2)
        canvas.add("circle", f"deployment {style}", cx=place, cy=y.at(fmean(each.rounds_ms)), r=5)


def _turns(count: int, canvas: Canvas) -> Axis:
    step = max(1, -(-count // 12))
    left, right = canvas.across
    ticks = tuple(float(number) for number in range(1, count + 1, step))
    return Axis(low=0.5, high=count + 0.5, start=left, end=right, ticks=ticks)
