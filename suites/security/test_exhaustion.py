"""Requests made to use a proxy up: too large, or never finished."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pytest

from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.verdicts import Facts
from fixtures.wire import Wire
from fixtures.workloads import Echo
from meshproof.cluster.kube import KubeApi
from meshproof.judge.crossing import went_around
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.exchange import Exchange
from meshproof.model.raw_http import raw_request
from meshproof.probe.client import Probe

TOO_LARGE: Final = 1_060_000  # bytes: a little more than the 1 MiB and 4 KiB that Go reads
HELD: Final = 60  # connections held open, far more than a proxy has threads
HELD_S: Final = (4.0, 12.0)  # to open them all and for the others' requests; the second on a busy machine
OTHERS: Final = 40  # requests of the others
SERVED_MS: Final = 2000.0  # a request alone takes 10 ms; one that waits for a held connection, HELD_S
GIVEN_UP_S: Final = 2.0  # the profile's readTimeout
NOT_AT_ONCE_S: Final = 1.0  # a proxy that hangs up sooner did not wait for the rest


def unfinished(host: str) -> bytes:
    """A request whose head never ends."""
    return raw_request("/", [f"Host: {host}", "X-Slow: a"]).removesuffix(b"\r\n")


@requirement("TM-SEC-016")
@pytest.mark.parametrize(
    ("target", "lines"),
    [
        pytest.param("/", ["X-Large: " + "x" * TOO_LARGE], id="one header"),
        pytest.param(
            "/", [f"X-Many-{number}: {'x' * 80}" for number in range(TOO_LARGE // 90)], id="many headers"
        ),
        pytest.param("/" + "x" * TOO_LARGE, [], id="target"),
    ],
)
def test_oversized_head_is_refused(
    client: Client, wire: Wire, echo: Echo, mesh: TraefikMesh, target: str, lines: list[str]
) -> None:
    """More than a mebibyte of head is answered 431, 414 or 400, reaches no server, and the proxy lives on."""
    before = mesh.proxies()

    refused = wire.send(raw_request(target, [f"Host: {echo.mesh_host}", *lines]))
    after = client.get(echo.mesh_url("/?format=json"))

    assert [each.status for each in refused] in ([400], [414], [431])
    assert refused[0].seen is None
    assert went_around(after.seen_by_server, mesh.proxies()) is None
    assert mesh.proxies() == before


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """What became of the held connections, and of the requests that others sent meanwhile.

    ``open_all_along``: every connection was open until the last of these was answered; ``answered`` of them
    got an answer, ``hung_up`` were closed by the proxy.
    """

    exchanges: list[Exchange]
    open_all_along: bool
    answered: int
    hung_up: int


def crowd(client: Client, probe: Probe, echo: Echo, held_s: float) -> Crowd:
    """Hold connections with unfinished requests for some seconds, and send the others' requests."""
    data = unfinished(echo.mesh_host)
    with ThreadPoolExecutor(HELD) as pool:
        held = [
            pool.submit(probe.tcp, echo.mesh_host, 80, data, half_close=False, timeout_s=held_s)
            for _ in range(HELD)
        ]
        exchanges = client.send([client.request(echo.mesh_url("/?format=json")) for _ in range(OTHERS)])
        open_all_along = not any(each.done() for each in held)
    ended = [each.result() for each in held]
    return Crowd(
        exchanges=exchanges,
        open_all_along=open_all_along,
        answered=sum(bool(each.received) for each in ended),
        hung_up=sum(each.error is None for each in ended),
    )


@requirement("TM-SEC-017")
def test_unfinished_requests_hold_nobody_up(
    client: Client, probe: Probe, echo: Echo, mesh: TraefikMesh, evidence: Facts
) -> None:
    """While many connections never finish their heads, everybody else is served as ever."""
    for held_s in HELD_S:
        crowded = crowd(client, probe, echo, held_s)
        if crowded.open_all_along or crowded.hung_up:
            break
    exchanges, answered = crowded.exchanges, crowded.answered

    slowest = max(each.timing.total_ms for each in exchanges)
    evidence.record(
        {"held_s": held_s, "slowest_ms": slowest, "answered": answered, "hung_up": crowded.hung_up}
    )
    assert crowded.open_all_along, "the connections were not open while the others asked"
    assert answered == 0
    assert not [said for each in exchanges if (said := went_around(each.seen_by_server, mesh.proxies()))]
    assert slowest < SERVED_MS


@requirement("TM-SEC-018")
def test_proxies_give_unfinished_requests_up(mesh: TraefikMesh, kube: KubeApi, evidence: Facts) -> None:
    """Every HTTP entry point of every proxy has a limit on the time that a request takes to arrive."""
    for proxy in mesh.proxies():
        points = entry_points(kube, mesh.settings.namespace, proxy.name)
        limits = {name: read_timeout(each) for name, each in points.items() if name.startswith("http-")}

        evidence.record({"proxy": proxy.name, "read_timeouts": limits})
        assert limits
        assert [name for name, limit in limits.items() if limit in {"", "0", "0s"}] == []


@requirement("TM-SEC-018")
@profile("limits")
def test_unfinished_request_is_given_up(wire: Wire, echo: Echo, evidence: Facts, probe: Probe) -> None:
    """A head that never ends is given up after the entry point's limit: the proxy hangs up."""
    del wire
    exchange = probe.tcp(
        echo.mesh_host, 80, unfinished(echo.mesh_host), half_close=False, timeout_s=2 * GIVEN_UP_S
    )

    evidence.record(exchange.facts())
    assert exchange.error is None, "the proxy still held the connection"
    assert NOT_AT_ONCE_S < exchange.total_ms / 1000 < 2 * GIVEN_UP_S


def entry_points(kube: KubeApi, namespace: str, pod: str) -> dict[str, dict[str, Any]]:
    """A proxy's entry points by name, from its API."""
    listed = json.loads(kube.pod_get(namespace, pod, 8080, "api/entrypoints?per_page=1000"))
    return {each["name"]: each for each in listed}


def read_timeout(entry_point: Mapping[str, Any]) -> str:
    """How long a request may take to arrive, as the API writes it: a Go duration."""
    return str(entry_point.get("transport", {}).get("respondingTimeouts", {}).get("readTimeout", ""))
