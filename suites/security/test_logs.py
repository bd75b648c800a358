"""What the mesh writes down: nothing that a request carries in confidence, no line of somebody else's."""

import secrets
from collections.abc import Iterator
from typing import Final

import pytest

from fixtures.catalogue import requirement, stage
from fixtures.mesh_logs import MeshLogs
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.wire import Wire
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.workloads import Workloads
from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.traefik_mesh import TraefikMesh

LOGGED_S: Final = 15.0  # a Service that is wrong is logged as soon as its event arrives
MARK: Final = "meshproof-forged-line"
FORGED: Final = f'\ntime="2026-01-01T00:00:00Z" level=error msg="{MARK}"'


@pytest.fixture
def logs(mesh: TraefikMesh, kube: KubeApi) -> MeshLogs:
    """The logs of the controller and of every proxy."""
    return MeshLogs(mesh, kube)


@requirement("TM-SEC-025")
def test_logs_hold_no_credentials_of_a_request(
    client: Client, echo: Echo, logs: MeshLogs, evidence: Facts
) -> None:
    """A token, a cookie and a query's secret cross the mesh, fail there as well, and are in no log of it."""
    secret = secrets.token_hex(12)
    headers = [("Authorization", f"Bearer {secret}"), ("Cookie", f"session={secret}"), ("X-Api-Key", secret)]
    stranger = ("Host", f"stranger.{echo.namespace}.traefik.mesh")

    arrived = client.get(echo.mesh_url(f"/?format=json&token={secret}"), headers=headers).seen_by_server
    client.send(
        [
            client.request(echo.mesh_url(f"/status/503?token={secret}"), headers=headers),
            client.request(echo.mesh_url(f"/?token={secret}"), headers=[stranger, *headers]),
        ]
    )

    assert arrived.header("Authorization") == f"Bearer {secret}"
    found = logs.all()
    evidence.record({"logs": {name: len(text) for name, text in found.items()}})
    assert any(found.values()), "every log is empty: nothing was proven"
    assert [name for name, text in found.items() if secret in text] == []


@pytest.fixture
def service_with_forged_lines(workloads: Workloads) -> Iterator[str]:
    """A Service whose annotations hold a line break and what looks like a line of the log."""
    name = "forger"
    annotations = {
        "mesh.traefik.io/scheme": f"http{FORGED}",
        "mesh.traefik.io/retry-attempts": f"2{FORGED}",
        "mesh.traefik.io/circuit-breaker-expression": f"NetworkErrorRatio() > {FORGED}",
    }
    try:
        workloads.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "annotations": annotations},
                "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]},
            }
        )
        yield name
    finally:
        workloads.remove_service(name)


@requirement("TM-SEC-026")
@stage("change")
def test_nobody_can_write_a_line_of_the_log(
    wire: Wire, logs: MeshLogs, service_with_forged_lines: str, evidence: Facts
) -> None:
    """Line breaks in annotations, targets, hosts and headers are written down escaped, if at all."""
    wire.get(f"/%0a{MARK}")
    wire.get("/", host=f"stranger%0a{MARK}")
    wire.send(f"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\n{MARK}: c\r\n\x0b\n{MARK}\r\n\r\n".encode())

    def mentioned() -> Look[dict[str, str]]:
        found = logs.controller()
        met = any(service_with_forged_lines in text for text in found.values())
        return Look(met=met, value=found, seen=str({name: text[-500:] for name, text in found.items()}))

    eventually(mentioned, what="the controller's log tells of the service", within=LOGGED_S)
    forged = [
        f"{name}: {line}"
        for name, text in logs.all().items()
        for line in text.splitlines()
        if MARK in line and (line.startswith(MARK) or line.lstrip().startswith(FORGED.strip()))
    ]
    evidence.record(
        {"mentions": [line for text in logs.all().values() for line in text.splitlines() if MARK in line]}
    )
    assert forged == []
