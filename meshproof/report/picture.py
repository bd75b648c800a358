"""The pictures of the overhead, as SVG: the curves of the arms, the difference of every round."""

from typing import Final

from markupsafe import Markup

from meshproof.model.run import ArmCurve, Overhead
from meshproof.report.headline import confidence_name, percentile_name
from meshproof.report.scale import (
    LAST_PERCENTILE,
    PERCENTILE_TICKS,
    Axis,
    count_axis,
    finite,
    linear_axis,
    log_axis,
    percentile_axis,
)
from meshproof.report.svg import Canvas
from meshproof.report.visible import one_line, visible

__all__ = ["curves_picture", "rounds_picture"]

_LOG_FROM: Final = 20.0  # a tail this many times the fastest would flatten everything else
_KNOWN_ARMS: Final = ("direct", "control", "mesh")
_OTHERS: Final = 3  # styles for arms of other names


def curves_picture(arms: list[ArmCurve], *, key: str, profile: str) -> Markup:
    """Latency over percentile, one line per arm; the vertical axis turns logarithmic for long tails.

    The horizontal axis is that of an HDR plot: 1 / (1 - percentile), logarithmic. Raises HarnessError when a
    value is NaN or infinite.
    """
    canvas = Canvas(
        key=key,
        title=f"Service time by percentile, profile {profile}",
        description=_curves_in_words(arms),
    )
    points = [point for arm in arms for point in _drawn(arm)]
    if not points:
        canvas.nothing("no latency was recorded")
        return canvas.markup()
    x = percentile_axis(
        min(p for p, _ in points),
        max(p for p, _ in points),
        start=canvas.across[0],
        end=canvas.across[1],
    )
    y = _latency_axis([ms for _, ms in points], canvas)
    canvas.axes(
        x,
        y,
        x_name="percentile of requests, and how many are slower",
        y_name=f"service time (ms{', logarithmic' if y.kind == 'log' else ''})",
        under={tick: f"1 in {100 / (100 - tick):,.0f}" for tick in x.ticks if tick},
    )
    for place, arm in enumerate(arms):
        style = _style(arm.arm, place)
        canvas.legend(one_line(arm.arm, 20), f"curve {style}")
        line = " ".join(f"{x.at(p):g},{y.at(ms):g}" for p, ms in _drawn(arm))
        canvas.add("polyline", f"curve {style}", points=line)
        for p, ms in _drawn(arm):
            if p in x.ticks:
                canvas.add("circle", f"knot {style}", cx=x.at(p), cy=y.at(ms), r=3)
    return canvas.markup()


def rounds_picture(row: Overhead, *, key: str) -> Markup:
    """Mesh minus direct of every valid round, with the estimate, its interval and the noise floor.

    Raises HarnessError when a value is NaN or infinite.
    """
    of = f"overhead of {visible(row.profile)}"
    differences = finite(row.round_differences_ms, f"{of}: differences of the rounds")
    finite([row.difference_ms, *row.interval_ms, row.noise_floor_ms], f"{of}: its interval")
    name = percentile_name(row.percentile)
    canvas = Canvas(
        key=key,
        title=f"Mesh minus direct at {name} in every round, profile {row.profile}",
        description=_rounds_in_words(row),
    )
    if not differences:
        canvas.nothing("no valid round was recorded")
        return canvas.markup()
    _draw_rounds(canvas, row, name)
    canvas.legend("one round", "round", shape="dot")
    canvas.legend("estimate", "estimate")
    canvas.legend(f"{confidence_name(row.confidence)} interval", "interval", shape="band")
    canvas.legend("noise floor", "noise", shape="band")
    return canvas.markup()


def _draw_rounds(canvas: Canvas, row: Overhead, name: str) -> None:
    low, high = row.interval_ms
    noise = row.noise_floor_ms
    shown = [*row.round_differences_ms, low, high, row.difference_ms, noise, -noise, 0.0]
    bottom, top = canvas.upwards
    x = count_axis(len(row.round_differences_ms), start=canvas.across[0], end=canvas.across[1])
    y = linear_axis(min(shown), max(shown), start=bottom, end=top)
    canvas.band("noise", y, -noise, noise)
    canvas.band("interval", y, low, high)
    canvas.axes(x, y, x_name="valid round", y_name=f"mesh minus direct at {name} (ms)")
    canvas.level("zero", y, 0.0)
    canvas.level("estimate", y, row.difference_ms)
    for number, value in enumerate(row.round_differences_ms, start=1):
        canvas.add("circle", "round", cx=x.at(number), cy=y.at(value), r=3.5)


def _drawn(arm: ArmCurve) -> list[tuple[float, float]]:
    """The points of an arm that the axis has a place for: the maximum has none."""
    for percentile, latency in arm.percentiles:
        finite([percentile, latency], f"latency of arm {visible(arm.arm)}")
    return sorted((p, ms) for p, ms in arm.percentiles if 0 <= p <= LAST_PERCENTILE)


def _latency_axis(values: list[float], canvas: Canvas) -> Axis:
    bottom, top = canvas.upwards
    if min(values) > 0 and max(values) / min(values) > _LOG_FROM:
        return log_axis(min(values), max(values), start=bottom, end=top)
    return linear_axis(0.0, max(values), start=bottom, end=top)


def _style(arm: str, place: int) -> str:
    return f"arm-{arm}" if arm in _KNOWN_ARMS else f"arm-other{place % _OTHERS}"


def _curves_in_words(arms: list[ArmCurve]) -> str:
    """The curves for who cannot see them."""
    return "; ".join(
        f"{arm.arm}: "
        + ", ".join(f"{percentile_name(p)} {ms:.2f} ms" for p, ms in _drawn(arm) if p in PERCENTILE_TICKS)
        for arm in arms
    )


def _rounds_in_words(row: Overhead) -> str:
    """The rounds for who cannot see them."""
    low, high = row.interval_ms
    return (
        f"{len(row.round_differences_ms)} rounds; estimate {row.difference_ms:.2f} ms, "
        f"{confidence_name(row.confidence)} interval {low:.2f} to {high:.2f} ms; "
        f"noise floor {row.noise_floor_ms:.2f} ms."
    )
