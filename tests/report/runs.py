"""Runs to report on: a realistic one of every state, and small ones for one behaviour each."""

import random
from typing import Any, Final

from meshproof.model.comparison import Answer, Change, Comparison
from meshproof.model.requirement import Level, Subject
from meshproof.model.run import (
    ArmCurve,
    Environment,
    Host,
    Node,
    Overhead,
    OverheadDetail,
    Run,
    RunInfo,
    RunState,
)
from meshproof.model.verdict import Evidence, Verdict, VerdictState, summarise
from tests.report.cost_results import some_costs
from tests.report.facts import exchange_fact
from tests.report.mutant_results import mutants_of_every_state

RUN_ID: Final = "20261122-200501-3f9c"
HOSTILE: Final = "<script>alert('x')</script> \x1b[31mred\x1b[0m \u202egnp.exe"

LOAD: Final[dict[str, bool | int | float | str]] = {
    "name": "standard",
    "description": "20 rounds of 2 s an arm",
    "rounds": 20,
    "phase_s": 2.0,
    "users": 20,
    "arrival_rate_per_s": 300.0,
    "payload_bytes": 0,
    "keep_alive": True,
    "seed": 1,
}

_P, _F, _K = VerdictState.PASSED, VerdictState.FAILED, VerdictState.FAILED_EXPECTED
_N, _S, _I = VerdictState.NOT_SUPPORTED, VerdictState.SKIPPED, VerdictState.INCONCLUSIVE

_CATALOGUE: Final = (
    ("TM-INSTALL-001", _P, "An offline install MUST pull nothing: every running image is in the bundle."),
    ("TM-INSTALL-002", _P, "The chart MUST render with locked images only, hooks and init containers too."),
    ("TM-INSTALL-003", _P, "All pods of the mesh MUST be ready within the time promised."),
    ("TM-INSTALL-004", _P, "An uninstall MUST leave the Corefile byte-identical and nothing of its own."),
    ("TM-INSTALL-005", _F, "Containers of the mesh MUST run as a user other than root."),
    ("TM-INSTALL-006", _P, "An install without a supported DNS service MUST be refused with its cause."),
    ("TM-DNS-001", _P, "service.namespace.traefik.mesh MUST resolve to the shadow service."),
    ("TM-DNS-002", _P, "The older name service.namespace.maesh MUST resolve to the same address."),
    ("TM-DNS-003", _P, "An unknown mesh name MUST answer NXDOMAIN."),
    ("TM-DNS-004", _P, "Names outside the mesh MUST resolve as before."),
    ("TM-DNS-005", _K, "A service whose shadow name is longer than 63 characters MUST resolve."),
    ("TM-ROUTE-001", _P, "A request to a mesh name MUST reach a replica of the service through a proxy."),
    ("TM-ROUTE-002", _P, "Every ready replica MUST receive its share of the requests."),
    ("TM-ROUTE-003", _F, "The Host header MUST arrive at the server as the client sent it."),
    ("TM-ROUTE-004", _P, "Path, query, method and body MUST arrive unchanged."),
    ("TM-ROUTE-005", _P, "A new endpoint MUST receive traffic, a removed one none, within the bound."),
    ("TM-ROUTE-006", _P, "A WebSocket MUST be upgraded and carry messages both ways."),
    ("TM-ROUTE-007", _P, "gRPC unary and streaming calls MUST pass with their trailers."),
    ("TM-ROUTE-008", _N, "UDP MUST be forwarded in ACL mode."),
    ("TM-ROUTE-009", _P, "An unknown host MUST be answered with 404 by the proxy."),
    ("TM-ROUTE-010", _I, "A TCP stream MUST survive a half-close by the client."),
    ("TM-SMI-001", _P, "A TrafficSplit MUST send each backend its share by weight."),
    ("TM-SMI-002", _N, "TrafficMetrics MUST be served for every service of the mesh."),
    ("TM-TRACE-001", _P, "A proxy MUST start a trace where the request carries none."),
    (
        "TM-TRACE-002",
        _P,
        "A proxy MUST continue the trace that a request carries: same trace id, new span id.",
    ),
    ("TM-TRACE-003", _P, "A proxy MUST keep the sampled flag of the caller."),
    ("TM-TRACE-004", _K, "A malformed trace header MUST NOT reach the server as it was."),
    ("TM-TRACE-005", _S, "The span MUST arrive in Jaeger with service, URL, status and the right parent."),
    ("TM-METRIC-001", _P, "Every proxy MUST expose its metrics in valid Prometheus text."),
    ("TM-METRIC-002", _P, "Request counters MUST move by exactly what was sent, by code and method."),
    ("TM-METRIC-003", _P, "The latency histogram MUST be consistent with what the client saw."),
    ("TM-METRIC-004", _S, "Counters MUST survive a reload of the configuration."),
    ("TM-OVERHEAD-001", _P, "The mesh SHOULD add less than 5 ms at the median under the standard profile."),
)

_SAID: Final = {
    "TM-INSTALL-005": "AssertionError: container 'controller' of traefik-mesh-controller runs as root\n"
    "  securityContext: {}\n  image user: '' (root)\nassert 0 != 0",
    "TM-ROUTE-003": f"AssertionError: Host arrived as '10.96.14.7', sent was 'echo.default.mesh'\n{HOSTILE}",
    "TM-DNS-005": 'xfail: Service "mesh-6d61" is invalid: metadata.name: must be no more than 63 characters',
    "TM-TRACE-004": "xfail: uber-trace-id 'zz:1:0:1' reached the server unchanged",
    "TM-ROUTE-008": "not supported: declared by traefik-mesh 1.4: UDP is not filtered in ACL mode",
    "TM-SMI-002": "not supported: declared by traefik-mesh 1.4: the API is not implemented",
    "TM-ROUTE-010": "HARNESS: probe agent: no answer within 10.0 s; see the agent's log\n"
    "the same request sent directly failed too: ConnectionResetError(104)",
}


def a_verdict(name: str = "TM-ROUTE-001", state: VerdictState = _P, **changed: Any) -> Verdict:
    """A verdict with one test behind it."""
    area = name.split("-")[1].lower() if name.count("-") > 1 else "routing"
    said = _SAID.get(name, "" if state is _P else f"what was said of {name}")
    test = f"suites/{area}/test_{area}.py::test_{name.lower().replace('-', '_')}"
    fields: dict[str, Any] = {
        "requirement": name,
        "statement": "A request MUST arrive.",
        "area": {"route": "routing", "trace": "tracing", "metric": "metrics"}.get(area, area),
        "level": Level.CORE,
        "subject": Subject.PROXY,
        "state": state,
        "evidence": [Evidence(test=test, state=state, said=said, facts=[exchange_fact()])],
        "duration_s": 0.42,
    }
    return Verdict(**(fields | changed))


def a_run(*verdicts: Verdict, state: RunState = RunState.FINISHED, **changed: Any) -> Run:
    """A finished run of these verdicts, nothing measured."""
    info = RunInfo(
        id=RUN_ID,
        started="2026-11-22T20:05:01Z",
        finished="2026-11-22T20:19:44Z",
        state=state,
        command=["pytest", "suites/", "--mesh-profile", "plain"],
        exit_code=1,
    )
    fields: dict[str, Any] = {
        "run": info,
        "environment": an_environment(),
        "verdicts": list(verdicts),
        "summary": summarise(verdicts),
    }
    return Run(**(fields | changed))


def an_environment() -> Environment:
    """What a run on one kind cluster of two nodes reads."""
    nodes = [
        Node(
            name=name,
            kubelet="v1.32.1",
            container_runtime="containerd://2.0.2",
            os_image="Debian GNU/Linux 12 (bookworm)",
            kernel="6.8.0-51-generic",
        )
        for name in ("meshproof-control-plane", "meshproof-worker")
    ]
    return Environment(
        kubernetes="v1.32.1",
        mesh="traefik-mesh v1.4.8",
        proxy="Traefik v2.11.24",
        coredns="1.11.3",
        bundle_digest="sha256:" + "4be1c0d9" * 8,
        images={
            f"docker.io/traefik/{name}": "sha256:" + f"{place:08x}" * 8
            for place, name in enumerate(("mesh:v1.4.8", "traefik:v2.11.24", "whoami:v1.10"), start=0xA1B2C3)
        },
        nodes=nodes,
        host=Host(cpu="AMD EPYC 7763", cpus=4, memory_mib=15990, engine="podman 5.3.1"),
        settings={"mesh_profile": "plain", "expectations": True},
        durations_s={"cluster_created": 41.2, "mesh_installed": 18.9, "workloads_ready": 6.4},
    )


def an_overhead(percentile: float = 50, difference_ms: float = 0.92, **changed: Any) -> Overhead:
    """One row; its rounds scatter about the difference."""
    seeded = random.Random(f"{percentile} {difference_ms}")  # noqa: S311 - test data
    rounds = [round(seeded.gauss(difference_ms, 0.22 * percentile / 50), 3) for _ in range(20)]
    fields: dict[str, Any] = {
        "profile": "standard",
        "percentile": percentile,
        "direct_ms": percentile / 50,
        "mesh_ms": percentile / 50 + difference_ms,
        "difference_ms": difference_ms,
        "interval_ms": (round(difference_ms - 0.11, 2), round(difference_ms + 0.10, 2)),
        "noise_floor_ms": 0.10,
        "rounds": len(rounds),
        "validity": "valid",
        "round_differences_ms": rounds,
    }
    return Overhead(**(fields | changed))


def a_comparison(**changed: Any) -> Comparison:
    """A regression, with a percentile that is only shown."""
    changes = [
        Change(
            percentile=q,
            baseline_ms=0.41,
            run_ms=0.92,
            change_ms=0.51,
            interval_ms=(0.38, 0.64),
            confidence=confidence,
            p_value=0.000002,
            direct_ms=(1.0, 1.02),
        )
        for q, confidence in ((50.0, 0.95), (90.0, 0.975))
    ]
    fields: dict[str, Any] = {
        "baseline": "reports/baselines/main.json",
        "profile": "standard",
        "instrument": "locust",
        "answer": Answer.REGRESSED,
        "sentence": "the mesh costs 0.51 ms more at the median",
        "threshold_ms": 0.2,
        "noise_floors_ms": (0.09, 0.1),
        "rounds": (20, 20),
        "changes": changes,
        "differs": {"kubernetes": ("v1.31.0", "v1.32.1")},
    }
    return Comparison(**(fields | changed))


def a_detail(**changed: Any) -> OverheadDetail:
    """Three arms with the long tail that they have."""
    shape = (
        (0, 0.4),
        (25, 0.8),
        (50, 1.0),
        (75, 1.4),
        (90, 1.9),
        (95, 2.3),
        (99, 3.6),
        (99.9, 6.8),
        (100, 21.0),
    )
    arms = [
        ArmCurve(
            arm=arm,
            requests=12_000,
            errors=errors,
            percentiles=[(p, round(ms * factor + added, 3)) for p, ms in shape],
            response_percentiles=[(p, round(ms * factor + added + 0.83, 3)) for p, ms in shape],
            error_kinds={"502 Bad Gateway": errors} if errors else {},
            discarded=600,
        )
        for arm, factor, added, errors in (
            ("direct", 1.0, 0.0, 0),
            ("control", 1.03, 0.01, 0),
            ("mesh", 1.25, 0.7, 3),
        )
    ]
    fields: dict[str, Any] = {
        "profile": "standard",
        "arms": arms,
        "void_rounds": {"7": "the generator used 86 % of its CPU"},
        "generator": {"cpu_share": 0.41, "lag_p50_ms": 0.83},
        "load": dict(LOAD),
        "notes": ["a proxy is limited to 200 millicores by upstream's chart"],
        "costs": some_costs(),
    }
    return OverheadDetail(**(fields | changed))


def a_realistic_run() -> Run:
    """Every state, every area, a measurement with two instruments, mutants, and text that means harm."""
    subjects = {"INSTALL": Subject.CHART, "DNS": Subject.DNS, "SMI": Subject.MESH}
    verdicts = [
        a_verdict(
            name,
            state,
            statement=statement,
            subject=subjects.get(name.split("-")[1], Subject.PROXY),
            duration_s=0.3 + 1.7 * place % 13,
            convergence_s=4.2 if name in {"TM-ROUTE-005", "TM-SMI-001"} else None,
            finding=f"findings.md#{name.lower()}" if state is _K else None,
        )
        for place, (name, state, statement) in enumerate(_CATALOGUE)
    ]
    rows = [
        an_overhead(50, p_value=0.0000019, hodges_lehmann_ms=(0.91, 0.80, 1.01)),
        an_overhead(90, 1.31, confidence=0.975),
        an_overhead(99, 2.4, confidence=0.95),
    ]
    lighter = an_overhead(50, 0.55, instrument="fortio", direct_ms=0.36, mesh_ms=0.91)
    return a_run(
        *verdicts,
        overhead=[*rows, lighter],
        overhead_detail=[a_detail(), a_detail(instrument="fortio", costs=None, arms=[])],
        comparisons=[a_comparison()],
        mutants=mutants_of_every_state(),
    )
