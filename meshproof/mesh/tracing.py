"""Which trace header Traefik proxies write, read from their arguments. Pure.

Sources: Traefik v2.11 (``--tracing.jaeger``, ``.zipkin``), v3 (``--tracing.otlp``, ``OTEL_PROPAGATORS``).
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from meshproof.mesh.adapter import TraceDialect

__all__ = ["collector_host", "trace_dialect"]

# v2's takes host:port, v3's a URL, or host:port for gRPC.
_COLLECTORS: Final = (
    "tracing.jaeger.localagenthostport",
    "tracing.otlp.http.endpoint",
    "tracing.otlp.grpc.endpoint",
)


def trace_dialect(arguments: Iterable[str], env: Mapping[str, str]) -> TraceDialect | None:
    """The dialect, or None when tracing is off. The case of a flag does not count, as in Traefik."""
    flags = dict(_flag(each) for each in arguments)
    on = {
        name.split(".")[1]
        for name, value in flags.items()
        if name.startswith("tracing.") and value != "false"
    }
    if "jaeger" in on and flags.get("tracing.jaeger", "true") != "false":
        b3 = flags.get("tracing.jaeger.propagation") == "b3"
        return TraceDialect.B3 if b3 else TraceDialect.UBER_TRACE_ID
    if "zipkin" in on:
        return TraceDialect.B3
    if "otlp" in on:
        return _propagator(env.get("OTEL_PROPAGATORS", ""))
    return None


def collector_host(arguments: Iterable[str]) -> str | None:
    """The host that spans are sent to; None where no argument names one."""
    flags = dict(_flag(each) for each in arguments)
    named = (flags.get(name, "") for name in _COLLECTORS)
    return next((urlsplit(each if "//" in each else f"//{each}").hostname for each in named if each), None)


def _propagator(names: str) -> TraceDialect:
    """OpenTelemetry writes every propagator's header; the first one that is known here is what we follow."""
    known = {
        "tracecontext": TraceDialect.TRACEPARENT,
        "jaeger": TraceDialect.UBER_TRACE_ID,
        "b3": TraceDialect.B3,
        "b3multi": TraceDialect.B3,
    }
    found = (known.get(each.strip()) for each in names.split(","))
    return next((each for each in found if each), TraceDialect.TRACEPARENT)


def _flag(argument: str) -> tuple[str, str]:
    name, _, value = argument.lstrip("-").partition("=")
    return name.lower(), value or "true"
