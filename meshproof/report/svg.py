"""The parts of every picture: frame, ticks, marks, legend. Colours are the page's style sheet's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

from meshproof.report.scale import Axis, tick_label
from meshproof.report.visible import one_line, visible

__all__ = ["HEIGHT", "WIDTH", "Canvas", "standalone"]

WIDTH: Final = 560.0
HEIGHT: Final = 334.0
_LEFT: Final = 50.0
_RIGHT: Final = 20.0
_TOP: Final = 52.0  # the legend is above the plot
_BOTTOM: Final = 60.0  # two rows of labels and the axis's name
_HEADING: Final = 34.0  # above a picture that stands alone
_HEADING_LETTERS: Final = 60
_MARGIN: Final = 4.0
_LETTER: Final = 7.0  # width of a letter of the legend, generous
_SWATCH: Final = 22.0


@dataclass(kw_only=True)
class Canvas:
    """One picture in the making. ``key`` makes its ids unique on a page."""

    key: str
    title: str
    description: str
    root: ET.Element = field(init=False)
    _legend_x: float = field(init=False, default=_MARGIN)

    def __post_init__(self) -> None:
        names = f"{self.key}-title {self.key}-desc"
        box = f"0 0 {WIDTH:g} {HEIGHT:g}"
        self.root = ET.Element(
            "svg", {"class": "picture", "viewBox": box, "role": "img", "aria-labelledby": names}
        )
        ET.SubElement(self.root, "title", {"id": f"{self.key}-title"}).text = visible(self.title)
        ET.SubElement(self.root, "desc", {"id": f"{self.key}-desc"}).text = visible(self.description)

    @property
    def across(self) -> tuple[float, float]:
        """Left and right edge of the plot, in pixels."""
        return _LEFT, WIDTH - _RIGHT

    @property
    def upwards(self) -> tuple[float, float]:
        """Lower and upper edge of the plot, in pixels."""
        return HEIGHT - _BOTTOM, _TOP

    def add(self, tag: str, kind: str, **attributes: float | str) -> ET.Element:
        """A shape of the class ``kind``; ``text_anchor`` is the attribute text-anchor."""
        texts = {name.replace("_", "-"): _text(value) for name, value in attributes.items()}
        return ET.SubElement(self.root, tag, {"class": kind, **texts})

    def label(self, text: str, kind: str, *, x: float, y: float, anchor: str = "middle") -> None:
        """Text at a point."""
        self.add("text", kind, x=x, y=y, text_anchor=anchor).text = visible(text)

    def axes(
        self, x: Axis, y: Axis, *, x_name: str, y_name: str, under: Mapping[float, str] | None = None
    ) -> None:
        """Grid lines, ticks and the names of both axes with their units; ``under`` labels ticks once more."""
        (left, right), (bottom, top) = self.across, self.upwards
        for tick in y.ticks:
            height = y.at(tick)
            self.add("line", "grid", x1=left, x2=right, y1=height, y2=height)
            self.label(tick_label(tick), "tick", x=left - 8, y=height + 4, anchor="end")
        for tick in x.ticks:
            place = x.at(tick)
            self.add("line", "mark", x1=place, x2=place, y1=bottom, y2=bottom + 5)
            self.label(tick_label(tick), "tick", x=place, y=bottom + 19)
        for tick, text in (under or {}).items():
            place = x.at(tick)
            at_the_end = place > right - len(text) * _LETTER / 2
            self.label(text, "under", x=place, y=bottom + 34, anchor="end" if at_the_end else "middle")
        self.add("line", "axis", x1=left, x2=right, y1=bottom, y2=bottom)
        self.label(x_name, "name", x=(left + right) / 2, y=bottom + (54 if under else 42))
        self.label(y_name, "name", x=_MARGIN, y=top - 12, anchor="start")

    def band(self, kind: str, y: Axis, low: float, high: float) -> None:
        """A horizontal band from ``low`` to ``high`` in the unit of ``y``."""
        left, right = self.across
        top = y.at(high)
        self.add("rect", kind, x=left, y=top, width=right - left, height=max(y.at(low) - top, 0.5))

    def level(self, kind: str, y: Axis, value: float) -> None:
        """A horizontal line at ``value``."""
        left, right = self.across
        self.add("line", kind, x1=left, x2=right, y1=y.at(value), y2=y.at(value))

    def legend(self, text: str, kind: str, *, shape: str = "line") -> None:
        """One entry after the last: a ``line``, a ``dot`` or a ``band`` in the style that the plot uses."""
        x, y = self._legend_x, 14.0
        match shape:
            case "dot":
                self.add("circle", kind, cx=x + 7, cy=y - 4, r=3.5)
            case "band":
                self.add("rect", kind, x=x, y=y - 9, width=16, height=10)
            case _:
                self.add("line", kind, x1=x, x2=x + 16, y1=y - 4, y2=y - 4)
        self.label(text, "key", x=x + _SWATCH, y=y, anchor="start")
        self._legend_x = x + _SWATCH + len(text) * _LETTER + 10

    def nothing(self, why: str) -> None:
        """Say in the middle why there is nothing to see."""
        self.label(why, "nothing", x=WIDTH / 2, y=HEIGHT / 2)

    def markup(self) -> Markup:
        """The picture, escaped and ready for a page."""
        return Markup(ET.tostring(self.root, encoding="unicode"))  # noqa: S704 - ElementTree has escaped it


def standalone(picture: Markup, style: str) -> str:
    """A picture as a file of its own: with its style sheet, a size, its title above it and a ground below."""
    root = ET.fromstring(picture)  # noqa: S314 - drawn by Canvas
    size = {"width": _text(WIDTH), "height": _text(HEIGHT + _HEADING)}
    box = {"viewBox": f"0 {-_HEADING:g} {WIDTH:g} {HEIGHT + _HEADING:g}"}
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", **size, **box}
    ground = ET.Element("rect", {"class": "ground", "y": _text(-_HEADING), **size})
    sheet, heading = ET.Element("style"), ET.Element("text", {"class": "heading", "x": "4", "y": "-10"})
    sheet.text, heading.text = style, one_line(root[0].text or "", _HEADING_LETTERS)
    root[2:2] = [sheet, ground, heading]  # after title and description
    return ET.tostring(root, encoding="unicode") + "\n"


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
