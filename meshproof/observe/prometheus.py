"""What a Prometheus has collected, by its HTTP API. Source: Prometheus documentation, "HTTP API"."""

import json
import math
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from meshproof.cluster.kube import KubeError
from meshproof.model.errors import HarnessError

__all__ = ["PORT", "Point", "Prometheus", "QueryRefusedError", "Target"]

PORT: Final = 9090


class QueryRefusedError(ValueError):
    """Prometheus does not take the query: its own words."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a query's answer with its value at that moment."""

    labels: dict[str, str]
    value: float


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is scraped; ``error`` is what went wrong with the last scrape, or empty."""

    labels: dict[str, str]
    url: str
    up: bool
    error: str


class Prometheus:
    """One Prometheus; ``get`` fetches a path of its API and raises KubeError for a status other than 2xx."""

    def __init__(self, get: Callable[[str], str]) -> None:
        self._get = get

    def query(self, expression: str, *, at: float | None = None) -> list[Point]:
        """Evaluate an expression, now or ``at`` seconds since the epoch. Raises QueryRefusedError."""
        asked = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
        try:
            data = self._data(f"api/v1/query?{urlencode(asked)}")
        except KubeError as error:
            if error.status in {400, 422}:
                raise QueryRefusedError(f"{expression}: {error.evidence}") from error
            raise
        if data["resultType"] == "scalar":
            return [Point(labels={}, value=float(data["result"][1]))]
        return [Point(labels=each["metric"], value=float(each["value"][1])) for each in data["result"]]

    def total(self, expression: str, *, at: float | None = None) -> float:
        """The sum over an expression's series; 0 where there is none."""
        return math.fsum(each.value for each in self.query(expression, at=at))

    def targets(self) -> list[Target]:
        """What is scraped now."""
        return [
            Target(
                labels=each["labels"],
                url=each["scrapeUrl"],
                up=each["health"] == "up",
                error=each["lastError"],
            )
            for each in self._data("api/v1/targets?state=active")["activeTargets"]
        ]

    def _data(self, path: str) -> dict[str, Any]:
        text = self._get(path)
        try:
            data: dict[str, Any] = json.loads(text)["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise HarnessError(
                where=path,
                problem=f"the answer is none of a Prometheus: {error!r}",
                remedy="see what listens there",
                evidence=text[:500],
            ) from error
        return data
