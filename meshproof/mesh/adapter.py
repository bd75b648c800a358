"""What meshproof needs of a service mesh: the Protocol, and the values that cross it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from meshproof.mesh.diagnosis import Diagnosis
from meshproof.model.errors import HarnessError
from meshproof.paths import PROJECT_ROOT

__all__ = [
    "DEFAULT_CHART",
    "Feature",
    "Mesh",
    "MeshAccess",
    "MeshInstallError",
    "MeshSettings",
    "MeshUninstallError",
    "ProxyPod",
    "TraceDialect",
]

DEFAULT_CHART: Final = PROJECT_ROOT / "manifests" / "mesh" / "traefik-mesh"


class Feature(StrEnum):
    """What a mesh may promise; requirements name the feature that they need by these words."""

    INSTALL = "install"
    DNS = "dns"
    KUBE_DNS = "kube-dns"
    HTTP = "http"
    TCP = "tcp"
    UDP = "udp"
    H2C = "h2c"
    GRPC = "grpc"
    WEBSOCKET = "websocket"
    RETRY = "retry"
    RATE_LIMIT = "rate-limit"
    CIRCUIT_BREAKER = "circuit-breaker"
    TRAFFIC_SPLIT = "traffic-split"
    ACCESS_CONTROL = "access-control"
    UDP_ACCESS_CONTROL = "udp-access-control"
    TRACING = "tracing"
    METRICS = "metrics"
    TRAFFIC_METRICS = "traffic-metrics"
    CONTROL_API = "control-api"
    MTLS = "mtls"


class TraceDialect(StrEnum):
    """How a proxy writes a trace into a request: named for the header that carries it."""

    UBER_TRACE_ID = "uber-trace-id"
    TRACEPARENT = "traceparent"
    B3 = "x-b3-traceid"


@dataclass(frozen=True, kw_only=True)
class MeshSettings:
    """How to install a mesh: a Helm chart (folder or ``.tgz``), values, names.

    ``defaults`` are laid over the chart's own values, over them ``values``, the user's files (later ones
    win), over those ``overrides``. ``install_timeout_s``
    bounds an install, an upgrade and an uninstall, each.
    """

    chart: Path = DEFAULT_CHART
    defaults: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[Path, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    namespace: str = "traefik-mesh"
    release: str = "traefik-mesh"
    install_timeout_s: float = 120.0


@dataclass(frozen=True, kw_only=True)
class MeshAccess:
    """What an adapter needs of a cluster and a bundle: files, and the references of the locked images.

    ``context`` is the cluster's in that kubeconfig, whose current one may be another cluster's.
    """

    kubeconfig: Path
    context: str
    helm: Path
    locked_images: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class ProxyPod:
    """A live proxy. ``uid`` tells it from a later pod of the same name."""

    name: str
    uid: str
    ip: str
    node: str
    ready: bool


class MeshInstallError(HarnessError):
    """An install or upgrade did not end in a mesh that works; carries the Diagnosis."""

    code = "MESH-INSTALL"

    def __init__(self, *, where: str, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        super().__init__(
            where=where, problem=diagnosis.cause, remedy=diagnosis.remedy, evidence=diagnosis.evidence
        )


class MeshUninstallError(HarnessError):
    """An uninstall did not end; carries the Diagnosis. What it left is what ``Mesh.leftovers`` says."""

    code = "MESH-UNINSTALL"

    def __init__(self, *, where: str, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        super().__init__(
            where=where, problem=diagnosis.cause, remedy=diagnosis.remedy, evidence=diagnosis.evidence
        )


class Mesh(Protocol):
    """One mesh on one cluster."""

    @property
    def name(self) -> str:
        """The mesh's name, as in reports: ``traefik-mesh``."""
        ...

    @property
    def version(self) -> str:
        """The control plane's version, from the chart as rendered: ``v1.4.8``."""
        ...

    @property
    def trace_dialect(self) -> TraceDialect | None:
        """What the proxies are configured to write into requests; None when tracing is off."""
        ...

    def features(self, version: str) -> frozenset[Feature]:
        """What that version does. By version, never by values."""
        ...

    def unsupported(self, version: str) -> Mapping[Feature, str]:
        """What that version does not do, each with the reason and its source."""
        ...

    def check(self) -> None:
        """Refuse whatever can be refused before anything starts; raises BadInputError. Changes nothing."""
        ...

    def install(self) -> float:
        """Install, wait until the mesh works, return the seconds. Raises MeshInstallError, BadInputError."""
        ...

    def upgrade(self, overrides: Mapping[str, Any]) -> float:
        """Change values (laid over the present ones), wait as install does; return the seconds."""
        ...

    def uninstall(self, *, graceful: bool = True) -> float:
        """Remove the mesh with its own cleanup; return the seconds. Raises MeshUninstallError.

        Where nobody uses the mesh any more nothing needs to end in order: not ``graceful`` kills its pods.
        """
        ...

    def leftovers(self) -> tuple[str, ...]:
        """What of the mesh is (still) in the cluster, each as ``kind namespace/name: why it counts``."""
        ...

    def mesh_host(self, service: str, namespace: str) -> str:
        """The name under which a service is reached through the mesh."""
        ...

    def proxies(self) -> tuple[ProxyPod, ...]:
        """The live proxies, by name; one that is being deleted is not among them."""
        ...

    def components(self) -> Mapping[str, str]:
        """Label selectors of the pods in the mesh's namespace: ``proxy`` and ``controller``."""
        ...

    def services(self) -> frozenset[str]:
        """The services that can be reached through the mesh now, by names of its own."""
        ...

    def configuration(self) -> dict[str, Any]:
        """What the control plane wants the proxies to do, in its own form."""
        ...

    def proxy_configuration(self, proxy: ProxyPod) -> dict[str, Any]:
        """What a proxy does, in its own form."""
        ...

    def proxy_metrics(self, proxy: ProxyPod) -> str:
        """A proxy's metrics as Prometheus text."""
        ...

    def diagnose(self, failure: Exception | None = None) -> Diagnosis:
        """Cause, evidence and remedy of an install that failed, from what the cluster shows now."""
        ...
