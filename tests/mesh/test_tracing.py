"""Which trace header the proxies write."""

import pytest

from meshproof.mesh.adapter import TraceDialect
from meshproof.mesh.tracing import collector_host, trace_dialect


@pytest.mark.parametrize(
    ("arguments", "env", "dialect"),
    [
        pytest.param(["--ping=true"], {}, None, id="off"),
        pytest.param(["--tracing.jaeger=true"], {}, TraceDialect.UBER_TRACE_ID, id="jaeger"),
        pytest.param(
            ["--TRACING.Jaeger.localAgentHostPort=a:1"], {}, TraceDialect.UBER_TRACE_ID, id="implied"
        ),
        pytest.param(["--tracing.jaeger=false"], {}, None, id="jaeger-off"),
        pytest.param(
            ["--tracing.jaeger=false", "--tracing.jaeger.propagation=jaeger"], {}, None, id="off-with-details"
        ),
        pytest.param(["--tracing.jaeger", "--tracing.jaeger.propagation=b3"], {}, TraceDialect.B3, id="b3"),
        pytest.param(["--tracing.zipkin.httpEndpoint=http://z"], {}, TraceDialect.B3, id="zipkin"),
        pytest.param(["--tracing.otlp=true"], {}, TraceDialect.TRACEPARENT, id="otlp"),
        pytest.param(
            ["--tracing.otlp"], {"OTEL_PROPAGATORS": "jaeger"}, TraceDialect.UBER_TRACE_ID, id="otlp-jaeger"
        ),
        pytest.param(
            ["--tracing.otlp"], {"OTEL_PROPAGATORS": "baggage, b3"}, TraceDialect.B3, id="first-known-counts"
        ),
        pytest.param(["--tracing.serviceName=x"], {}, None, id="a-name-is-no-tracer"),
    ],
)
def test_trace_dialect(arguments: list[str], env: dict[str, str], dialect: TraceDialect | None) -> None:
    assert trace_dialect(arguments, env) is dialect


@pytest.mark.parametrize(
    ("arguments", "host"),
    [
        pytest.param([], None, id="none"),
        pytest.param(["--tracing.jaeger.localAgentHostPort=agent.ns.svc:6831"], "agent.ns.svc", id="jaeger"),
        pytest.param(
            ["--tracing.otlp.http.endpoint=http://agent.ns.svc:4318/v1/traces"],
            "agent.ns.svc",
            id="otlp-http",
        ),
        pytest.param(["--tracing.otlp.grpc.endpoint=agent.ns.svc:4317"], "agent.ns.svc", id="otlp-grpc"),
    ],
)
def test_collector_is_read_from_the_arguments_of_each_line(arguments: list[str], host: str | None) -> None:
    assert collector_host(arguments) == host
