"""Mutants of what the mesh tells of itself, changed on its way from the API server to the checks."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from meshproof.cluster.kube import KubeError
from meshproof.mesh.adapter import ProxyPod
from meshproof.model.mutant import MutantKind
from meshproof.mutate.lies import (
    Lie,
    Method,
    answered_by,
    begun_again,
    delete_as_another,
    doubled,
    frozen,
    lines,
    not_found_as_another,
    quicker,
    without,
)
from meshproof.mutate.mutant import Ground, Mutant

__all__ = ["MUTANTS", "Told"]


@dataclass(frozen=True, kw_only=True)
class Told:
    """Methods of ``ground.mesh`` (or of ``ground.kube``) answer as ``lies`` says, to whoever asks it."""

    lies: Mapping[str, Lie]
    about: Literal["mesh", "kube"] = "mesh"
    kind: MutantKind = MutantKind.TOLD

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """The object lies inside the block, and answers itself again after it."""
        asked: object = getattr(ground, self.about)
        lies = {name: lie(getattr(asked, name), ground) for name, lie in self.lies.items()}
        with ExitStack() as stack:
            for name, lie in lies.items():
                stack.enter_context(answered_by(asked, name, lie))
            yield


def _named_by_node(proxies: Method, _: Ground) -> Method:
    return lambda: tuple(replace(each, uid=each.node) for each in proxies())


def _first_not_ready(proxies: Method, _: Ground) -> Method:
    return lambda: tuple(
        replace(each, ready=each.ready and number > 0) for number, each in enumerate(proxies())
    )


def _of_first(lie: Lie) -> Lie:
    """Only what the first proxy (by name) tells is changed."""

    def of_first(method: Method, ground: Ground) -> Method:
        lying = lie(method, ground)

        def told(proxy: ProxyPod) -> Any:
            first = ground.mesh.proxies()[0].name == proxy.name
            return lying(proxy) if first else method(proxy)

        return told

    return of_first


def _routers(edit: Callable[[dict[str, Any], str], None]) -> Lie:
    """A copy of a proxy's routers is edited; the second argument is one of the run's namespace."""

    def lie(configuration: Method, ground: Ground) -> Method:
        def told(proxy: ProxyPod) -> dict[str, Any]:
            changed: dict[str, Any] = copy.deepcopy(configuration(proxy))
            routers: dict[str, Any] = changed.get("routers") or {}
            if ours := sorted(name for name in routers if name.startswith(f"{ground.namespace}-")):
                edit(routers, ours[0])
            return changed

        return told

    return lie


def _drop(routers: dict[str, Any], name: str) -> None:
    del routers[name]


def _lose_its_service(routers: dict[str, Any], name: str) -> None:
    said = f'the service "{routers[name].get("service")}@http" does not exist'
    routers[name] |= {"status": "disabled", "error": [said]}


def _lose_a_middleware(routers: dict[str, Any], name: str) -> None:
    said = 'middleware "no-such-middleware@http" does not exist'
    routers[name] |= {"status": "disabled", "error": [said], "middlewares": ["no-such-middleware@http"]}


def _takes_in_kube_system(configuration: Method, _: Ground) -> Method:
    """Beside what is there: a router and a service for the cluster's DNS."""

    def told() -> dict[str, Any]:
        changed: dict[str, Any] = copy.deepcopy(configuration())
        http = changed.setdefault("http", {})
        rule = "Host(`kube-dns.kube-system.traefik.mesh`)"
        router = {"entryPoints": ["http-5000"], "service": "kube-system-kube-dns-9153", "rule": rule}
        servers = [{"url": "http://192.0.2.53:9153"}]
        http.setdefault("routers", {})["kube-system-kube-dns-9153"] = router
        http.setdefault("services", {})["kube-system-kube-dns-9153"] = {"loadBalancer": {"servers": servers}}
        return changed

    return told


def _unready(_: Method, __: Ground) -> Method:
    return lambda: False


def _without_the_first(nodes: Method, _: Ground) -> Method:
    return lambda: nodes()[1:]


def _unknown(_: Method, __: Ground) -> Method:
    def told(proxy: ProxyPod) -> dict[str, Any]:
        raise KubeError(where=proxy.name, status=404, problem="the API server answered 404", evidence="")

    return told


def _as_asked_first(configuration: Method, _: Ground) -> Method:
    known: dict[str, dict[str, Any]] = {}

    def told(proxy: ProxyPod) -> dict[str, Any]:
        return copy.deepcopy(known.setdefault(proxy.uid, configuration(proxy)))

    return told


def _always_found(get: Method, _: Ground) -> Method:
    def told(namespace: str, pod: str, port: int, path: str) -> str:
        try:
            return str(get(namespace, pod, port, path))
        except KubeError as error:
            if error.status == 404 and path.startswith("api/"):
                return "{}"
            raise

    return told


_COUNTERS: Final = r"traefik_(entrypoint|router|service)_\w+_total\{"
_HISTOGRAM: Final = r"traefik_service_request_duration_seconds_"
_MISCOUNTED: Final = dict.fromkeys(
    ("TM-ROUTE", "TM-MW", "TM-SMI", "TM-METRIC", "TM-SEC"), "the counters are its witness"
)

MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="counter-frozen",
        breaks="The proxies' counters stand still.",
        change=Told(lies={"proxy_metrics": frozen(_COUNTERS)}),
        disturbs=_MISCOUNTED,
    ),
    Mutant(
        name="histogram-frozen",
        breaks="The latency histograms of the services stand still.",
        change=Told(lies={"proxy_metrics": frozen(_HISTOGRAM)}),
        disturbs={"TM-METRIC": "percentiles are made of the histogram"},
    ),
    Mutant(
        name="counter-twice",
        breaks="Each request is counted twice for its service.",
        change=Told(lies={"proxy_metrics": lines(doubled)}),
        disturbs=_MISCOUNTED,
    ),
    Mutant(
        name="status-label-wrong",
        breaks="A service's answers of status 404 are counted under 499.",
        change=Told(lies={"proxy_metrics": lines(not_found_as_another)}),
    ),
    Mutant(
        name="proxy-restarts-on-change",
        breaks="A proxy that takes up a configuration begins to count anew, as one that restarts does.",
        change=Told(lies={"proxy_metrics": begun_again(_COUNTERS)}),
        disturbs=_MISCOUNTED,
    ),
    Mutant(
        name="delete-counted-as-another",
        breaks="A request by the method DELETE is counted under another method.",
        change=Told(lies={"proxy_metrics": lines(delete_as_another)}),
    ),
    Mutant(
        name="histogram-one-bucket-low",
        breaks="The latency histograms of the services hold each request one bucket too low.",
        change=Told(lies={"proxy_metrics": quicker("traefik_service_request_duration_seconds")}),
        disturbs={"TM-METRIC": "percentiles are made of the histogram"},
    ),
    Mutant(
        name="help-missing-for-one",
        breaks="The proxies' metrics have no help text for the services' requests.",
        change=Told(lies={"proxy_metrics": lines(without("# HELP traefik_service_requests_total "))}),
    ),
    Mutant(
        name="process-start-missing",
        breaks="A proxy that was restarted is not to be told from the one before it.",
        change=Told(
            lies={
                "proxy_metrics": lines(without("process_start_time_seconds")),
                "proxies": _named_by_node,
            }
        ),
        disturbs={"TM-ROUTE": "it looks for a proxy's pod by its UID", "TM-RES": "it looks for new proxies"},
    ),
    Mutant(
        name="proxy-missing-from-list",
        breaks="The controller's list of proxies lacks one.",
        change=Told(lies={"status_nodes": _without_the_first}),
    ),
    Mutant(
        name="proxy-list-frozen",
        breaks="The controller knows none of the proxies that there are.",
        change=Told(lies={"node_configuration": _unknown}),
    ),
    Mutant(
        name="node-configuration-stale",
        breaks="Asked for a proxy's configuration, the controller tells what it was when asked first.",
        change=Told(lies={"node_configuration": _as_asked_first}),
    ),
    Mutant(
        name="controller-unready",
        breaks="The controller says that it is not ready.",
        change=Told(lies={"readiness": _unready}),
    ),
    Mutant(
        name="proxy-unconfigured",
        breaks="A proxy is not ready, as one without a configuration is.",
        change=Told(lies={"proxies": _first_not_ready}),
    ),
    Mutant(
        name="one-proxy-misconfigured",
        breaks="One proxy lacks a router, and does not tell that it took up any configuration.",
        change=Told(
            lies={
                "proxy_configuration": _of_first(_routers(_drop)),
                "proxy_metrics": _of_first(lines(without("traefik_config_reloads_total"))),
            }
        ),
        disturbs={
            "TM-API-006": "the controller tells another configuration than the proxy does",
            "TM-METRIC-016": "it waits for a reload",
            "TM-ROUTE": "it waits until every proxy has a router",
        },
    ),
    Mutant(
        name="router-without-service",
        breaks="A proxy has a router whose service does not exist.",
        change=Told(lies={"proxy_configuration": _routers(_lose_its_service)}),
    ),
    Mutant(
        name="middleware-unknown",
        breaks="A proxy has a router with a middleware that does not exist.",
        change=Told(lies={"proxy_configuration": _routers(_lose_a_middleware)}),
    ),
    Mutant(
        name="kube-system-in-configuration",
        breaks="The controller's configuration has a router for the cluster's DNS.",
        change=Told(lies={"configuration": _takes_in_kube_system}),
        disturbs={"TM-API-002": "the proxies' configuration is another"},
    ),
    Mutant(
        name="api-answers-everything",
        breaks="The controller answers every path of its API, and for proxies that it does not know.",
        change=Told(lies={"pod_get": _always_found}, about="kube"),
    ),
)
