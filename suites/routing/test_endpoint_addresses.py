"""A service's endpoints are where Kubernetes says, whatever else is known of their pods."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from fixtures.catalogue import requirement, stage
from fixtures.convergence import proxies_have
from fixtures.crowd import service_of, write_endpoints
from fixtures.probe import Client
from fixtures.session import Session
from fixtures.verdicts import Facts
from fixtures.workloads import Echo, echo_of
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.judge.configuration import servers_by_service
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh

NAME: Final = "without-address"  # of the pod and of the Service

# A pod that no node may run stays without an address, as one that has just started is for a moment.
POD: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": NAME},
    "spec": {
        "nodeSelector": {"dev.meshproof/nowhere": "true"},
        "containers": [
            {
                "name": "echo",
                "image": "meshproof.dev/echo:0.2.0",
                "imagePullPolicy": "Never",
                "ports": [{"name": "web", "containerPort": 8080}],
            }
        ],
    },
}


@pytest.fixture
def known_by_endpoints(
    session: Session, kube: KubeApi, mesh: TraefikMesh, workloads: Workloads
) -> Iterator[Echo]:
    """A service whose endpoints tell the server's addresses as those of a pod that has none yet."""
    service = service_of("nobody", NAME)
    del service["spec"]["selector"]
    try:
        workloads.create(POD)
        workloads.create(service)
        write_endpoints(kube, NAME, workloads, pod=NAME)
        yield echo_of(session, mesh, workloads, NAME)
    finally:
        workloads.remove_service(NAME)
        for kind in ("endpoints", "pods"):
            kube.delete(f"/api/v1/namespaces/{workloads.namespace}/{kind}/{NAME}")


@requirement("TM-ROUTE-092")
@stage("change")
def test_endpoint_is_reached_at_its_address(
    client: Client, mesh: TraefikMesh, known_by_endpoints: Echo, evidence: Facts
) -> None:
    """That a pod's own status does not yet say where it is leads no request elsewhere."""
    service = f"{known_by_endpoints.namespace}-{NAME}-80"
    proxies_have(mesh, lambda has: bool(servers_by_service(has).get(service)), what=f"{service} has a server")
    servers = [servers_by_service(mesh.proxy_configuration(each))[service] for each in mesh.proxies()]
    evidence.record({"servers": servers})

    direct = client.get(known_by_endpoints.direct_url("/?format=json"))
    meshed = client.get(known_by_endpoints.mesh_url("/?format=json"))

    assert direct.seen is not None, "it does not work without the mesh either"
    assert went_around(meshed.seen_by_server, mesh.proxies()) is None
