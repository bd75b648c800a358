"""Traefik Mesh: installed from a Helm chart, watched through the API server."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from meshproof.cluster.kube import KubeApi
from meshproof.engine.process import CommandFailedError, CommandTimedOutError
from meshproof.mesh import promises
from meshproof.mesh.adapter import (
    Feature,
    Mesh,
    MeshAccess,
    MeshInstallError,
    MeshSettings,
    ProxyPod,
    TraceDialect,
)
from meshproof.mesh.chart import check_chart, check_values, merged
from meshproof.mesh.control_api import CONTROLLER, PROXY, ControlApi
from meshproof.mesh.diagnosis import Diagnosis, diagnose, is_unfinished
from meshproof.mesh.evidence import Evidence
from meshproof.mesh.helm import UNREACHABLE, Helm, helm_for
from meshproof.mesh.images import full_reference, tag_of
from meshproof.mesh.leftovers import leftovers, shadow_services
from meshproof.mesh.naming import mesh_host, shadow_service_name
from meshproof.mesh.ownership import Ownership
from meshproof.mesh.readiness import Readiness
from meshproof.mesh.removal import Removal, stop_controller
from meshproof.mesh.rendered import Rendered, Workload, parse
from meshproof.mesh.tracing import trace_dialect
from meshproof.model.errors import BadInputError, HarnessError

__all__ = ["TraefikMesh"]


class TraefikMesh:
    """One release of Traefik Mesh on one cluster; implements ``adapter.Mesh``."""

    name: Final = "traefik-mesh"

    def __init__(self, access: MeshAccess, kube: KubeApi, settings: MeshSettings) -> None:
        self._access = access
        self._settings = settings
        self._kube = kube
        self._control = ControlApi(kube=kube, namespace=settings.namespace)
        self._evidence = Evidence(kube=kube, namespace=settings.namespace, release=settings.release)
        self._rendered: Rendered | None = None

    @property
    def settings(self) -> MeshSettings:
        """As given, with the overrides of the last upgrade."""
        return self._settings

    @property
    def version(self) -> str:
        """The tag of the controller's image."""
        return tag_of(self._part("controller").containers[-1].image)

    @property
    def proxy_version(self) -> str:
        """The tag of the proxies' image."""
        return tag_of(self._part("maesh-mesh").containers[-1].image)

    @property
    def images(self) -> tuple[str, ...]:
        """Every image that the chart runs with these values, by its full reference."""
        return tuple(dict.fromkeys(full_reference(each.image) for each in self._render_once().containers()))

    @property
    def trace_dialect(self) -> TraceDialect | None:
        """From the proxies' arguments, as rendered."""
        proxy = self._part("maesh-mesh").containers[-1]
        return trace_dialect(proxy.args, proxy.env)

    def features(self, version: str) -> frozenset[Feature]:
        return promises.features(version)

    def unsupported(self, version: str) -> Mapping[Feature, str]:
        return promises.unsupported(version)

    def check(self) -> None:
        """Refuse a bad chart, bad values, and images that are not in the bundle. Needs no cluster."""
        check_chart(self._settings.chart)
        for path in self._settings.values:
            check_values(path)
        rendered = self._render(self._settings)
        rendered.check(namespace=self._settings.namespace, locked=self._access.locked_images)
        self._rendered = rendered
        for component in ("controller", "maesh-mesh"):
            self._part(component)

    def install(self) -> float:
        """Install (or make what is there as the settings say), and wait until it works; return the seconds.

        Raises BadInputError before anything changed, MeshInstallError with a diagnosis after; any other
        HarnessError (no answer from the cluster) says nothing about the mesh.
        """
        self.check()
        started = time.monotonic()
        ownership = Ownership(kube=self._kube, namespace=self._settings.namespace)
        with self._helm(self._settings) as (helm, values):
            self._refuse_unfinished(helm)
            before = ownership.claim()
            try:
                self._apply(helm, values)
            finally:
                ownership.mark(before)
            readiness = Readiness(
                where=self._where,
                evidence=self._evidence,
                control=self._control,
                expected=[f"{each.kind} {each.name}" for each in self._render_once().workloads()],
            )
            left = self._settings.install_timeout_s - (time.monotonic() - started)
            readiness.wait(within=max(1.0, left), release_status=helm.status)
        return time.monotonic() - started

    def upgrade(self, overrides: Mapping[str, Any]) -> float:
        """Lay ``overrides`` over the present ones and install again; refused ones leave all as it was."""
        before = self._settings
        self._settings = replace(before, overrides=merged(before.overrides, overrides))
        try:
            return self.install()
        except BadInputError:
            self._settings, self._rendered = before, None
            raise

    def uninstall(self, *, graceful: bool = True, cleanup: bool = True, namespace: bool = True) -> float:
        """Remove the release with upstream's cleanup, then the CRDs and the namespace that install brought.

        Not ``graceful``: its pods are killed, and its shadow services are not left to the cleanup. Without
        ``cleanup`` the mesh's zones stay in the cluster's DNS. Without ``namespace`` that one stays, empty
        and ours, for an install that follows at once. What is left all the same is what ``leftovers`` says.
        Raises MeshUninstallError.
        """
        with self._helm(self._settings) as (helm, _):
            removal = Removal(where=self._where, helm=helm, kube=self._kube, evidence=self._evidence)
            within = self._settings.install_timeout_s
            return removal.run(within=within, graceful=graceful, cleanup=cleanup, namespace=namespace)

    def stop_controller(self) -> None:
        """Kill the controller, and a prepare that waits, which heeds no SIGTERM; an install starts both."""
        within = self._settings.install_timeout_s
        stop_controller(self._kube, self._settings.namespace, where=self._where, within=within)

    def leftovers(self, *, namespace: bool = True) -> tuple[str, ...]:
        """What of the mesh is in the cluster; DNS configuration counts while a zone of the mesh is in it.

        Without ``namespace`` that one does not count, but for what is in it.
        """
        where = self._settings
        return leftovers(self._kube, namespace=where.namespace, release=where.release, itself=namespace)

    def mesh_host(self, service: str, namespace: str) -> str:
        return mesh_host(service, namespace)

    def shadow_service(self, service: str, namespace: str) -> str:
        """The shadow service's name."""
        return shadow_service_name(service, namespace, mesh_namespace=self._settings.namespace)

    def proxies(self) -> tuple[ProxyPod, ...]:
        return self._control.proxies()

    def components(self) -> Mapping[str, str]:
        return {"proxy": PROXY, "controller": CONTROLLER}

    def services(self) -> frozenset[str]:
        """The shadow services' names: a service without one has no name in the mesh."""
        found = shadow_services(self._kube, self._settings.namespace)
        return frozenset(each["metadata"]["name"] for each in found)

    def configuration(self) -> dict[str, Any]:
        """Traefik's dynamic configuration as the controller has built it."""
        return self._control.configuration()

    def proxy_configuration(self, proxy: ProxyPod) -> dict[str, Any]:
        """Traefik's /api/rawdata, from the proxy itself."""
        return self._control.proxy_configuration(proxy)

    def proxy_metrics(self, proxy: ProxyPod) -> str:
        return self._control.proxy_metrics(proxy)

    def status_nodes(self) -> list[dict[str, Any]]:
        """The controller's /api/status/nodes."""
        return self._control.status_nodes()

    def node_configuration(self, proxy: ProxyPod) -> dict[str, Any]:
        """The controller's /api/status/node/<pod>/configuration."""
        return self._control.node_configuration(proxy.name)

    def readiness(self) -> bool:
        """The controller's /api/status/readiness."""
        return self._control.readiness()

    def corefile(self) -> str | None:
        """CoreDNS's Corefile to the letter."""
        return self._evidence.corefile()

    def diagnose(self, failure: Exception | None = None) -> Diagnosis:
        """The diagnosis that ``failure`` carries, or one made from what the cluster shows now."""
        if isinstance(failure, MeshInstallError):
            return failure.diagnosis
        said = "" if failure is None or not isinstance(failure, CommandFailedError) else failure.evidence
        with self._helm(self._settings) as (helm, _):
            status = helm.status()
        return diagnose(self._evidence.facts(release_status=status, helm_output=said))

    @cached_property
    def _where(self) -> str:
        return f"{self.name} in namespace {self._settings.namespace}"

    def _helm(self, settings: MeshSettings) -> AbstractContextManager[tuple[Helm, list[Path]]]:
        return helm_for(self._access, settings)

    def _render(self, settings: MeshSettings) -> Rendered:
        with self._helm(settings) as (helm, values):
            try:
                return parse(helm.template(settings.chart, values))
            except CommandFailedError as error:
                raise BadInputError(
                    where=str(settings.chart),
                    problem="the chart does not render with these values",
                    remedy="correct what helm names; values.yaml of the chart says what there is",
                    evidence=error.completed.stderr,
                ) from error

    def _render_once(self) -> Rendered:
        if self._rendered is None:
            self._rendered = self._render(self._settings)
        return self._rendered

    def _part(self, component: str) -> Workload:
        found = self._render_once().component(component)
        if found is None or not found.containers:
            raise BadInputError(
                where=str(self._settings.chart),
                problem=f"no workload whose pods are labelled component={component}",
                remedy="use a chart of Traefik Mesh 1.4: the controller finds its proxies by these labels",
            )
        return found

    def _refuse_unfinished(self, helm: Helm) -> None:
        status = helm.status()
        if is_unfinished(status):
            facts = self._evidence.facts(release_status=status)
            raise MeshInstallError(where=self._where, diagnosis=diagnose(facts))

    def _apply(self, helm: Helm, values: Sequence[Path]) -> None:
        try:
            helm.upgrade(self._settings.chart, values, timeout_s=self._settings.install_timeout_s)
        except CommandFailedError as error:
            if UNREACHABLE in error.completed.stderr:
                raise HarnessError(
                    where=self._where,
                    problem="helm did not reach the cluster, which says nothing about the mesh",
                    remedy="see that the cluster runs and that its context is in the kubeconfig",
                    evidence=error.evidence,
                ) from error
            raise MeshInstallError(where=self._where, diagnosis=self._refusal(helm, error)) from error
        except CommandTimedOutError as error:
            raise MeshInstallError(where=self._where, diagnosis=self._cut_short(error)) from error

    def _cut_short(self, error: CommandTimedOutError) -> Diagnosis:
        """What kept helm, by what the cluster shows; the release's own status would only say pending."""
        found = diagnose(self._evidence.facts(release_status="helm was ended at its time limit"))
        if found.code == "unknown":
            found = replace(
                found,
                code="helm-timed-out",
                cause=f"helm did not end: {error.problem}",
                remedy="see what the API server was busy with; uninstall the release, which may be pending, "
                "and install again",
            )
        return found.with_evidence(f"{error.evidence}\n{found.evidence}")

    def _refusal(self, helm: Helm, error: CommandFailedError) -> Diagnosis:
        said = error.completed.stderr.strip() or error.completed.stdout.strip()
        return diagnose(self._evidence.facts(release_status=helm.status(), helm_output=said))


if TYPE_CHECKING:
    _: type[Mesh] = TraefikMesh  # mypy holds it to the Protocol here, not where it is first passed on
