"""A trace as a collector holds it: spans with their parents, times and tags.

Source of the form: Jaeger's query API (``/api/traces/<id>``), times in microseconds; OpenTracing's semantic
conventions for the tags.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec

__all__ = ["Span", "Trace"]

_MICROSECONDS: Final = 1e6


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One span: ids are numbers, ``parent_id`` is None at the start of a trace.

    ``started_at`` is in seconds since the epoch, by its writer's clock; ``seconds`` is how long it took.
    """

    trace_id: int
    span_id: int
    parent_id: int | None
    operation: str
    service: str
    started_at: float
    seconds: float
    tags: dict[str, Any]

    @property
    def kind(self) -> str:
        """``server``, ``client``, or empty where the span does not say."""
        return str(self.tags.get("span.kind", ""))

    @property
    def failed(self) -> bool:
        """Whether whoever wrote the span marked it as an error."""
        return self.tags.get("error") in {True, "true"}

    @property
    def ended_at(self) -> float:
        """Seconds since the epoch."""
        return self.started_at + self.seconds

    def facts(self) -> dict[str, Any]:
        """The span as evidence."""
        return {
            "operation": self.operation,
            "service": self.service,
            "span": f"{self.span_id:x}",
            "parent": None if self.parent_id is None else f"{self.parent_id:x}",
            "ms": round(self.seconds * 1000, 3),
            "tags": self.tags,
        }


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All spans of one trace that have arrived, in the order of their start."""

    trace_id: int
    spans: tuple[Span, ...]

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Self:
        """One element of ``data``. Raises ValueError for another form."""
        try:
            processes = {name: str(each["serviceName"]) for name, each in told["processes"].items()}
            spans = [_span(each, processes) for each in told["spans"]]
            trace_id = int(told["traceID"], 16)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a trace as Jaeger tells it: {error!r}") from error
        return cls(trace_id=trace_id, spans=tuple(sorted(spans, key=lambda each: each.started_at)))

    def of_kind(self, kind: str) -> list[Span]:
        """The spans of one kind."""
        return [each for each in self.spans if each.kind == kind]

    def facts(self) -> dict[str, Any]:
        """The trace as evidence."""
        return {"trace": f"{self.trace_id:x}", "spans": [each.facts() for each in self.spans]}


def _span(told: Mapping[str, Any], processes: Mapping[str, str]) -> Span:
    parents = [int(each["spanID"], 16) for each in told["references"] if each["refType"] == "CHILD_OF"]
    return Span(
        trace_id=int(told["traceID"], 16),
        span_id=int(told["spanID"], 16),
        parent_id=parents[0] if parents else None,
        operation=str(told["operationName"]),
        service=processes[told["processID"]],
        started_at=int(told["startTime"]) / _MICROSECONDS,
        seconds=int(told["duration"]) / _MICROSECONDS,
        tags={str(each["key"]): each["value"] for each in told["tags"]},
    )
