"""Grafana dashboards as the queries of their panels.

Source: Grafana documentation, "Dashboard JSON model".
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

__all__ = ["Panel", "panels_of", "read_panels", "substituted"]

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One panel: where it stands, and its queries with their variables as they are written."""

    dashboard: str
    title: str
    queries: list[str]

    @property
    def id(self) -> str:
        """``<dashboard>: <title>``."""
        return f"{self.dashboard}: {self.title}"


def read_panels(folder: Path) -> list[Panel]:
    """The panels of every dashboard in a folder, by file and position. Raises ValueError for what is none."""
    return [each for path in sorted(folder.glob("*.json")) for each in panels_of(path.stem, path.read_text())]


def panels_of(name: str, text: str) -> list[Panel]:
    """The panels of one dashboard. Raises ValueError for what is none, and for a panel without a query."""
    try:
        panels: list[dict[str, Any]] = msgspec.json.decode(text)["panels"]
        found = [
            Panel(
                dashboard=name,
                title=each["title"],
                queries=[target["expr"] for target in each["targets"]],
            )
            for each in panels
        ]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{name}: not a dashboard: {error!r}") from error
    if empty := [each.title for each in found if not each.queries]:
        raise ValueError(f"{name}: panels without a query: {', '.join(empty)}")
    return found


def substituted(query: str, variables: Mapping[str, str]) -> str:
    """A query with its variables replaced. Raises ValueError for one that has no value."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in variables:
            raise ValueError(f"${name} has no value in {query!r}")
        return variables[name]

    return _VARIABLE.sub(value, query)
