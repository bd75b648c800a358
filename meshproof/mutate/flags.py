"""Mutants of the arguments with which the mesh's programs are started."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from meshproof.model.mutant import MutantKind
from meshproof.mutate.edits import edited
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.rollouts import controller_path, proxies_path, renew_controller, settle

__all__ = ["MUTANTS", "ControllerFlags", "ProxyFlags", "with_arguments"]


def with_arguments(given: Sequence[str], *, drop: Sequence[str], add: Sequence[str]) -> list[str]:
    """Arguments without those that begin with one of ``drop``, and with ``add`` at their end.

    The order is as given where that makes no argument another one.
    """
    changed = [each for each in given if not each.startswith(tuple(drop))] + list(add)
    return list(given) if sorted(changed) == sorted(given) else changed


@dataclass(frozen=True, kw_only=True)
class ProxyFlags:
    """The proxies are started with other arguments: without ``drop`` (prefixes), with ``add``.

    ``found`` is what is to be added, too, and is known only where the mutant is applied.
    """

    drop: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    found: Callable[[Ground], tuple[str, ...]] = lambda _: ()
    kind: MutantKind = MutantKind.FLAGS

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """Every proxy is a new one inside the block, and again after it, each with its routers."""
        path = proxies_path(ground.mesh)

        def settled() -> None:
            settle(ground.kube, ground.mesh, path)

        def whole() -> None:
            settled()
            renew_controller(ground.kube, ground.mesh)

        edit = _arguments(self.drop, (*self.add, *self.found(ground)))
        with edited(ground.kube, path, edit, broken=settled, whole=whole):
            yield


@dataclass(frozen=True, kw_only=True)
class ControllerFlags:
    """The controller is started with other arguments: without ``drop`` (prefixes), with ``add``.

    Its init container, which prepares the cluster's DNS, keeps its own.
    """

    drop: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    kind: MutantKind = MutantKind.FLAGS

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """The controller is a new one inside the block, and again after it; the proxies follow it.

        What it wants inside the block may be more or fewer routers than before.
        """
        path = controller_path(ground.mesh)

        def settled() -> None:
            settle(ground.kube, ground.mesh, path)

        edit = _arguments(self.drop, self.add)
        with edited(ground.kube, path, edit, broken=settled, whole=settled):
            yield


def _arguments(drop: Sequence[str], add: Sequence[str]) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        container = document["spec"]["template"]["spec"]["containers"][0]
        container["args"] = with_arguments(container.get("args") or [], drop=drop, add=add)

    return edit


_METRICS: Final = "--metrics.prometheus"
_JAEGER: Final = "--tracing.jaeger"
_POINT: Final = "--entryPoints.http-5000"

# The chart's buckets, behind the argument that ends all arguments: the pod names them, no proxy reads them.
_TOLD_ONLY: Final = (
    "--",
    f"{_METRICS}.buckets=0.0005,0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5",
)


def _set(flag: str, value: str) -> ProxyFlags:
    """One argument of the proxies has another value."""
    return ProxyFlags(drop=(f"{flag}=",), add=(f"{flag}={value}",))


def _collector(ground: Ground) -> tuple[str, ...]:
    """The collector's present address in place of its name."""
    path = f"/api/v1/namespaces/{ground.mesh.settings.namespace}/pods"
    addresses = [each["status"]["podIP"] for each in ground.kube.items(path, labelSelector="app=jaeger")]
    return tuple(f"{_JAEGER}.localAgentHostPort={each}:6831" for each in addresses)


_NO_TRACE: Final = {"TM-TRACE": "there is no span to look at", "TM-INSTALL-023": "it wants a trace"}
_NO_COUNTS: Final = {
    "TM-METRIC": "there is less to be read from the proxies",
    "TM-MW": "requests are counted by the proxies' counters",
    "TM-SMI": "requests are counted by the proxies' counters",
    "TM-ROUTE": "requests are counted by the proxies' counters",
    "TM-SEC": "requests are counted by the proxies' counters",
}
_OTHER_ROUTES: Final = "other services have other routes than this one was written for"

_PROXY_MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="tracing-off",
        breaks="The proxies trace nothing.",
        change=ProxyFlags(drop=("--tracing.",)),
        disturbs=_NO_TRACE,
    ),
    Mutant(
        name="sampling-off",
        breaks="The proxies sample no trace that they start.",
        change=_set(f"{_JAEGER}.samplingParam", "0"),
        disturbs={"TM-TRACE": "the spans of a trace without a caller's are not sent"},
    ),
    Mutant(
        name="collector-address-wrong",
        breaks="The proxies send their spans to a name that does not exist.",
        change=_set(f"{_JAEGER}.localAgentHostPort", "jaeger-agent.nowhere.svc:6831"),
        disturbs={"TM-TRACE": "no span arrives"},
    ),
    Mutant(
        name="collector-looked-up-once",
        breaks="The proxies send their spans for ever to the address that their collector had first.",
        change=ProxyFlags(drop=(f"{_JAEGER}.localAgentHostPort=",), found=_collector),
        disturbs={"TM-TRACE": "no span arrives once a check has replaced the collector"},
    ),
    Mutant(
        name="tracing-name-wrong",
        breaks="The proxies' spans bear another name than the mesh was given.",
        change=_set("--tracing.serviceName", "somebody-else"),
    ),
    Mutant(
        name="metrics-off",
        breaks="The proxies have no metrics.",
        change=ProxyFlags(drop=("--metrics.",)),
        disturbs=_NO_COUNTS,
    ),
    Mutant(
        name="label-off",
        breaks="The proxies do not count by service.",
        change=_set(f"{_METRICS}.addServicesLabels", "false"),
        disturbs=_NO_COUNTS,
    ),
    Mutant(
        name="entrypoint-labels-off",
        breaks="The proxies do not count by entry point.",
        change=_set(f"{_METRICS}.addEntryPointsLabels", "false"),
    ),
    Mutant(
        name="router-labels-on",
        breaks="The proxies count by router, though nobody asked for it.",
        change=_set(f"{_METRICS}.addRoutersLabels", "true"),
    ),
    Mutant(
        name="router-labels-off",
        breaks="The proxies do not count by router, though they were asked to.",
        change=_set(f"{_METRICS}.addRoutersLabels", "false"),
        disturbs={"TM-METRIC-013": "a dashboard's panel asks for routers"},
    ),
    Mutant(
        name="buckets-default",
        breaks="The proxies' histograms have Traefik's own buckets, whatever was configured.",
        change=ProxyFlags(drop=(f"{_METRICS}.buckets=",), add=_TOLD_ONLY),
        disturbs={"TM-METRIC-004": "the bounds that it looks at are others"},
    ),
    Mutant(
        name="no-read-timeout",
        breaks="An HTTP entry point waits for ever for a request to arrive.",
        change=_set(f"{_POINT}.transport.respondingTimeouts.readTimeout", "0s"),
    ),
    Mutant(
        name="last-entry-point-without-read-timeout",
        breaks="The last HTTP entry point waits for ever for a request to arrive.",
        change=_set("--entryPoints.http-5009.transport.respondingTimeouts.readTimeout", "0s"),
    ),
    Mutant(
        name="rest-provider-on",
        breaks="Any pod can give the proxies a configuration by HTTP.",
        change=ProxyFlags(add=("--providers.rest.insecure=true",)),
    ),
    Mutant(
        name="api-debug-on",
        breaks="The proxies serve their variables and profiles.",
        change=ProxyFlags(add=("--api.debug=true",)),
    ),
    Mutant(
        name="dashboard-on",
        breaks="The proxies serve their dashboard.",
        change=_set("--api.dashboard", "true"),
    ),
    Mutant(
        name="proxy-log-debug",
        breaks="The proxies log at level DEBUG.",
        change=_set("--log.level", "DEBUG"),
        equivalent="at DEBUG Traefik 2.11 writes no header or query of a request that it does not try again",
    ),
    Mutant(
        name="access-log-on",
        breaks="The proxies log every request with its query.",
        change=ProxyFlags(add=("--accessLog=true",)),
    ),
    Mutant(
        name="authorization-logged",
        breaks="The proxies log each request's Authorization, and neither its cookies nor its query.",
        change=ProxyFlags(
            add=(
                "--accessLog=true",
                "--accessLog.format=json",
                "--accessLog.fields.defaultMode=drop",
                "--accessLog.fields.headers.names.Authorization=keep",
            )
        ),
    ),
    Mutant(
        name="forwarded-headers-trusted",
        breaks="The proxies believe every client's X-Forwarded headers.",
        change=_set(f"{_POINT}.forwardedHeaders.insecure", "true"),
    ),
    Mutant(
        name="http-entry-point-missing",
        breaks="The proxies do not have the third of the HTTP entry points.",
        change=ProxyFlags(drop=("--entryPoints.http-5002.",)),
        disturbs={
            "TM-ROUTE": "the third port of a service is not reached",
            "TM-API-007": "the routers of that entry point are not in use",
        },
    ),
    Mutant(
        name="proxy-stops-polling",
        breaks="The proxies ask for their configuration when they start, and then once an hour.",
        change=_set("--providers.http.pollInterval", "1h"),
        disturbs={
            "TM-ROUTE": "what is made while the mesh runs is no route",
            "TM-MW": "what is made while the mesh runs is no route",
            "TM-SMI": "what is made while the mesh runs is no route",
            "TM-API": "the proxies lag",
            "TM-RES": "the proxies lag",
        },
    ),
)


def _ignoring(flag: str, *values: str) -> ControllerFlags:
    """One argument of the controller has another value, or none."""
    return ControllerFlags(drop=(flag,), add=tuple(f"{flag}{each}" for each in values))


_SILENT: Final[Mapping[str, str]] = {
    "TM-ROUTE-074": "it reads the controller's log",
    "TM-MW-011": "it reads the controller's log",
    "TM-SEC-026": "it waits for a line of the controller's log",
}

_CONTROLLER_MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="controller-log-silent",
        breaks="The controller does not log its errors.",
        change=_ignoring("--logLevel=", "fatal"),
        disturbs=_SILENT,
    ),
    Mutant(
        name="limit-off-by-one",
        breaks="The controller gives each service two HTTP ports, one fewer than the limit allows.",
        change=_ignoring("--limitHTTPPort=", "2"),
        disturbs={"TM-ROUTE": "the third port of a service is not reached"},
    ),
    Mutant(
        name="ignored-namespaces-taken-up",
        breaks="The controller takes up the namespaces that it is to ignore.",
        change=_ignoring("--ignoreNamespaces="),
        disturbs={"TM-ROUTE": _OTHER_ROUTES},
    ),
)

MUTANTS: Final[tuple[Mutant, ...]] = (*_PROXY_MUTANTS, *_CONTROLLER_MUTANTS)
