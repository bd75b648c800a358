"""What a Jaeger has received. Source: Jaeger v1.62, its query API: ``/api/traces/<trace id>``, port 16686."""

import json
from collections.abc import Callable
from typing import Any, Final

from meshproof.cluster.kube import KubeError
from meshproof.engine.waiting import Converged, Look, eventually
from meshproof.model.errors import HarnessError
from meshproof.model.span import Trace

__all__ = ["QUERY_PORT", "Jaeger"]

QUERY_PORT: Final = 16686

_BITS_64: Final = 1 << 64


class Jaeger:
    """One collector; ``get`` fetches a path of its query API, and raises KubeError for anything but 2xx."""

    def __init__(self, get: Callable[[str], str]) -> None:
        self._get = get

    def trace(self, trace_id: int) -> Trace | None:
        """A trace as far as it has arrived; None when nothing of it is there."""
        digits = 16 if trace_id < _BITS_64 else 32
        path = f"api/traces/{trace_id:0{digits}x}"
        try:
            text = self._get(path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise
        try:
            data: list[dict[str, Any]] = json.loads(text)["data"] or []
            return Trace.parse(data[0]) if data else None
        except (ValueError, KeyError, TypeError) as error:
            raise HarnessError(
                where=path,
                problem=f"the collector's answer is none of a Jaeger: {error}",
                remedy="see what listens on its query port",
                evidence=text[:500],
            ) from error

    def arrived(self, trace_id: int, *, spans: int, within: float) -> Converged[Trace]:
        """Wait until that many spans of a trace have come. Raises WaitTimedOutError where they do not."""

        def look() -> Look[Trace]:
            found = self.trace(trace_id) or Trace(trace_id=trace_id, spans=())
            seen = f"{len(found.spans)} of {spans} spans: {[each.operation for each in found.spans]}"
            return Look(met=len(found.spans) >= spans, value=found, seen=seen)

        return eventually(look, what=f"spans of trace {trace_id:x} in Jaeger", within=within)
