"""``meshproof traffic-metrics``: a service's traffic as SMI TrafficMetrics, which the mesh does not serve."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from kubernetes import client, config
from rich.console import Console
from rich.table import Table

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.cluster.workloads import RUN_LABEL
from meshproof.mesh.control_api import ControlApi
from meshproof.model.errors import BadInputError
from meshproof.model.traffic_metrics import PERCENTILES, ServiceTraffic
from meshproof.observe.counters import Counters, Scrape
from meshproof.observe.prometheus import Prometheus
from meshproof.observe.traffic import traffic_from_prometheus, traffic_from_proxies

__all__ = ["traffic_metrics"]

KEPT_KUBECONFIG: Final = Path(".pytest-kind") / "meshproof" / "kubeconfig"  # what --keep-cluster leaves
KEPT_CONTEXT: Final = "kind-meshproof"

_ANSWER_S: Final = 10.0
_DEFAULT_WINDOW_S: Final = 30.0  # SMI's own example


def traffic_metrics(
    service: Annotated[str, typer.Argument(help="the Service whose traffic is meant, by its plain name")],
    *,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="its namespace; the default is that of the last kept run")
    ] = "",
    window: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            help="seconds that are looked at: from now on (proxies: without it all since they started),"
            f" or until now (Prometheus: {_DEFAULT_WINDOW_S:g} without it)",
        ),
    ] = None,
    prometheus: Annotated[
        str, typer.Option(metavar="URL", help="ask this Prometheus instead of the proxies")
    ] = "",
    kubeconfig: Annotated[
        Path, typer.Option(help="the cluster's kubeconfig; the default is the kept cluster's")
    ] = KEPT_KUBECONFIG,
    context: Annotated[str, typer.Option(help="the cluster's context in it")] = KEPT_CONTEXT,
    mesh_namespace: Annotated[str, typer.Option(help="where the mesh's proxies are")] = "traefik-mesh",
) -> None:
    """Print a service's latency percentiles, successes and failures as SMI TrafficMetrics.

    JSON goes to standard output, a table for people to standard error. A failure is a status of 500 or more.
    Percentiles are as exact as the proxies' histogram buckets.
    """
    if prometheus:
        if not namespace:
            raise BadInputError(
                where="--prometheus", problem="of which namespace", remedy="give --namespace as well"
            )
        found = traffic_from_prometheus(
            Prometheus(_fetch_from(prometheus)),
            service,
            namespace,
            until=time.time(),
            window_s=window or _DEFAULT_WINDOW_S,
        )
    else:
        kube = _kube(kubeconfig, context)
        found = _from_proxies(kube, service, namespace or _kept_namespace(kube), mesh_namespace, window)
    typer.echo(json.dumps(found.smi(), indent=2))
    _show(Console(stderr=True), found)


def _from_proxies(
    kube: KubeApi, service: str, namespace: str, mesh_namespace: str, window: float | None
) -> ServiceTraffic:
    _refuse_unknown(kube, service, namespace)
    control = ControlApi(kube=kube, namespace=mesh_namespace)
    if not control.proxies():
        raise BadInputError(
            where=f"namespace {mesh_namespace}",
            problem="no proxy of a mesh is there",
            remedy="name the mesh's namespace with --mesh-namespace, or install the mesh",
        )
    counters, before = Counters(control), Scrape(by_proxy={})
    if window:
        before = counters.scrape()
        time.sleep(window)
    after, until = counters.scrape(), time.time()
    started = [
        each.value
        for samples in after.by_proxy.values()
        for each in samples
        if each.name == "process_start_time_seconds"
    ]
    return traffic_from_proxies(
        before,
        after,
        service,
        namespace,
        until=until,
        window_s=window or until - min(started, default=until),
    )


def _kube(kubeconfig: Path, context: str) -> KubeApi:
    settings = client.Configuration()
    load: Callable[..., None] = config.load_kube_config  # the library does not annotate it
    try:
        load(config_file=str(kubeconfig), context=context, client_configuration=settings)
    except (config.ConfigException, OSError) as error:
        raise BadInputError(
            where=f"--kubeconfig={kubeconfig} --context={context}",
            problem=f"no cluster to ask: {error}",
            remedy="keep one (pytest suites/ --keep-cluster), or name another with both options",
        ) from error
    return KubeApi(client.ApiClient(settings))


def _kept_namespace(kube: KubeApi) -> str:
    names = [each["metadata"]["name"] for each in kube.items("/api/v1/namespaces", labelSelector=RUN_LABEL)]
    if len(names) != 1:
        raise BadInputError(
            where="--namespace",
            problem=f"not given, and the cluster has {len(names)} namespaces of a run",
            remedy="give the service's namespace",
        )
    return str(names[0])


def _refuse_unknown(kube: KubeApi, service: str, namespace: str) -> None:
    """An unknown service would look like one without traffic."""
    if kube.find(f"/api/v1/namespaces/{namespace}/services/{service}") is None:
        raise BadInputError(
            where=f"{namespace}/{service}",
            problem="no such Service",
            remedy="see kubectl get services -A, and give --namespace",
        )


def _fetch_from(url: str) -> Callable[[str], str]:
    """A Prometheus outside a cluster, told as the API server would tell it."""

    def fetch(path: str) -> str:
        where = f"{url.rstrip('/')}/{path}"
        try:
            answer = httpx.get(where, timeout=_ANSWER_S, trust_env=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BadInputError(
                where=f"--prometheus={url}",
                problem=f"does not answer: {error}",
                remedy="give the address under which this machine reaches it",
            ) from error
        if answer.is_error:
            raise KubeError(
                where=where,
                status=answer.status_code,
                problem=f"answered {answer.status_code}",
                evidence=answer.text,
            )
        return answer.text

    return fetch


def _show(console: Console, traffic: ServiceTraffic) -> None:
    table = Table(
        title=f"{traffic.namespace}/{traffic.service}, {traffic.window_s:.0f} s", title_justify="left"
    )
    for title in ("success", "failure", *(f"p{each}" for each in PERCENTILES)):
        table.add_column(title, justify="right")
    latencies = [traffic.latency_s(each) for each in PERCENTILES]
    shown = ["-" if each is None else f"{each * 1000:.2f} ms" for each in latencies]
    table.add_row(str(traffic.successes), str(traffic.failures), *shown)
    console.print(table)
