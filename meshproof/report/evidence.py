"""Evidence as a page shows it: facts under headings, values in rows, nested ones pretty-printed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from meshproof.model.verdict import Evidence
from meshproof.report.visible import cut, one_line

__all__ = ["FACTS_SHOWN", "FactView", "ValueView", "fact_view", "facts_shown"]

FACTS_SHOWN: Final = 20  # of one test; all of them are in report.json
_VALUE_LENGTH: Final = 4_000  # characters of one value; a body may have megabytes
_SHORT: Final = 160  # what fits a row
_WORDS: Final = 4  # more of them get a line each
_TITLE_WIDTH: Final = 140
_NAMES: Final = ("kind", "type", "what", "name")


@dataclass(frozen=True, kw_only=True)
class ValueView:
    """One value of a fact; a ``block`` keeps its line ends, ``left_out`` counts the characters cut."""

    name: str
    text: str
    block: bool = False
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class FactView:
    """One fact: a heading that tells it from its neighbours, and its values."""

    title: str
    values: tuple[ValueView, ...]


def facts_shown(evidence: Evidence) -> list[FactView]:
    """The first ``FACTS_SHOWN`` facts of a test."""
    return [fact_view(fact, number) for number, fact in enumerate(evidence.facts[:FACTS_SHOWN], start=1)]


def fact_view(fact: dict[str, Any], number: int) -> FactView:
    """How a fact looks. An exchange is headed by its request and answer: ``GET http://... → 200``."""
    return FactView(
        title=cut(_title(fact, number), _TITLE_WIDTH),
        values=tuple(view for name, value in fact.items() for view in _values(str(name), value)),
    )


def _title(fact: dict[str, Any], number: int) -> str:
    request, response = _part(fact, "request"), _part(fact, "response")
    heading = next((one_line(str(fact[name]), 60) for name in _NAMES if fact.get(name)), "")
    if not heading and len(fact) == 1:
        heading = one_line(next(iter(fact)).replace("_", " "), 60)
    if url := fact.get("url") or request.get("url"):
        method = fact.get("method") or request.get("method") or ""
        status = fact.get("status") or response.get("status")
        answer = f" → {status}" if status is not None else " → no answer"
        heading = one_line(f"{method} {url}{answer}", _TITLE_WIDTH)
    return f"{number}. {heading}" if heading else f"Fact {number}"


def _part(fact: dict[str, Any], name: str) -> Mapping[str, Any]:
    part = fact.get(name)
    return part if isinstance(part, Mapping) else {}


def _values(name: str, value: object) -> list[ValueView]:
    """One row a value; what one level of nesting holds gets rows of its own."""
    if isinstance(value, Mapping) and value and not _header_lines(value):
        return [_value(f"{name} {inner}", nested) for inner, nested in value.items()]
    return [_value(name, value)]


def _value(name: str, value: object) -> ValueView:
    nested = isinstance(value, (dict, list)) and bool(value)
    text = value if isinstance(value, str) else _header_lines(value) or _pretty(value, nested=nested)
    shown = text[:_VALUE_LENGTH]
    block = "\n" in shown or len(shown) > _SHORT
    return ValueView(name=name.replace("_", " "), text=shown, block=block, left_out=len(text) - len(shown))


def _header_lines(value: object) -> str:
    """Headers as they went over the wire, from pairs or from a name and its list; empty for other values."""
    pairs: list[Any] = value if isinstance(value, list) else []
    if isinstance(value, Mapping) and all(isinstance(given, list) for given in value.values()):
        pairs = [(name, one) for name, several in value.items() for one in several]
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
        return ""
    return "\n".join(f"{name}: {given}" for name, given in pairs)


def _pretty(value: object, *, nested: bool) -> str:
    """A list of words as one, else JSON: on one line when that is short, else indented."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n".join(value) if len(value) > _WORDS else ", ".join(value)
    flat = json.dumps(value, ensure_ascii=False, default=str)
    if not nested or len(flat) <= _SHORT:
        return flat
    return json.dumps(value, ensure_ascii=False, default=str, indent=2)
