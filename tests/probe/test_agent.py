"""What the agent sends over HTTP, and what it tells of it: over real connections, to servers on loopback."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from meshproof.model.exchange import Request
from meshproof.paths import PROJECT_ROOT
from meshproof.probe.client import AgentError, Probe
from tests.observe.traefik_process import Traefik, running
from tests.ports import free_port
from tests.probe.conftest import TOKEN, wait_until_healthy
from tests.probe.loopback import Loopback

PATHS = [
    f"/v1/{each}" for each in ("exchange", "resolve", "tcp", "udp", "events", "websocket", "grpc", "steady")
]

# Runs a program as if meshproof were not installed.
ALONE = """
import runpy, sys
sys.modules["meshproof"] = None
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize("path", [pytest.param(each, id=each) for each in PATHS])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no-token"),
        pytest.param({"Authorization": "Bearer another"}, id="another-token"),
        pytest.param({"Authorization": TOKEN}, id="no-scheme"),
    ],
)
def test_stranger_is_refused(agent_url: str, path: str, headers: dict[str, str]) -> None:
    answer = httpx.post(agent_url + path, json={}, headers=headers, trust_env=False)

    assert answer.status_code == 401


def test_health_is_open(agent_url: str) -> None:
    assert httpx.get(f"{agent_url}/health", trust_env=False).text == "ok\n"


def test_exchange_holds_both_ends_view(probe: Probe, loopback: Loopback) -> None:
    request = Request(
        id="1",
        url=f"{loopback.url}/path?a=b",
        method="POST",
        headers=[("X-Twice", "1"), ("X-Twice", "2"), ("Host", "server.demo.traefik.mesh")],
        body=b"\x00\xff",
    )

    (exchange,) = probe.send([request])

    assert exchange.request == request
    seen = exchange.seen_by_server
    assert (seen.method, seen.url, seen.body_length) == ("POST", "/path?a=b", 2)
    assert (seen.host, seen.header("X-Twice")) == ("server.demo.traefik.mesh", "1, 2")
    assert exchange.response is not None
    assert (exchange.status, exchange.response.http_version) == (200, "HTTP/1.1")
    assert exchange.response.peer == "127.0.0.1"


def test_times_are_in_order(probe: Probe, loopback: Loopback) -> None:
    (exchange,) = probe.send([Request(id="1", url=loopback.url)])

    timing = exchange.timing
    assert timing.connect_ms is not None
    assert timing.first_byte_ms is not None
    assert 0 < timing.connect_ms < timing.first_byte_ms <= timing.total_ms


def test_exchanges_come_in_the_order_of_the_requests(probe: Probe, loopback: Loopback) -> None:
    requests = [Request(id=str(each), url=f"{loopback.url}/{each}") for each in range(20)]

    exchanges = probe.send(requests, concurrency=4)

    assert [each.request.id for each in exchanges] == [str(each) for each in range(20)]
    assert [each.seen_by_server.url for each in exchanges] == [f"/{each}" for each in range(20)]


def test_long_body_is_told_by_length_and_hash(probe: Probe, loopback: Loopback) -> None:
    (exchange,) = probe.send([Request(id="1", url=f"{loopback.url}/big")])

    assert exchange.response is not None
    assert exchange.response.body == b"x" * 65_536
    assert exchange.response.body_length == 100_000
    assert exchange.response.body_sha256 == hashlib.sha256(b"x" * 100_000).hexdigest()


def test_redirect_is_told_and_not_followed(probe: Probe, loopback: Loopback) -> None:
    (exchange,) = probe.send([Request(id="1", url=f"{loopback.url}/moved")])

    assert exchange.status == 302


def test_fresh_requests_connect_each_time(probe: Probe, loopback: Loopback) -> None:
    exchanges = probe.send([Request(id="1", url=loopback.url)] * 2, concurrency=1)

    assert all(each.timing.connect_ms is not None for each in exchanges)


def test_pooled_requests_share_a_connection(probe: Probe, loopback: Loopback) -> None:
    request = Request(id="1", url=loopback.url, fresh=False)

    first, second = probe.send([request, request], concurrency=1)

    assert first.timing.connect_ms is not None
    assert second.timing.connect_ms is None
    assert first.seen_by_server.remote_addr == second.seen_by_server.remote_addr


def test_pooled_request_carries_no_cookie_of_an_earlier_answer(probe: Probe, loopback: Loopback) -> None:
    probe.send([Request(id="1", url=f"{loopback.url}/cookie", fresh=False)])

    (exchange,) = probe.send([Request(id="2", url=loopback.url, fresh=False)])

    assert exchange.seen_by_server.header("Cookie") is None


def test_proxy_of_the_environment_is_not_used(
    probe: Probe, loopback: Loopback, monkeypatch: pytest.MonkeyPatch, port_of_nobody: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port_of_nobody}")

    (exchange,) = probe.send([Request(id="1", url=loopback.url)])

    assert exchange.status == 200


@pytest.fixture
def h2c(tmp_path: Path, loopback: Loopback) -> Iterator[Traefik]:
    """A server that speaks HTTP/2 without TLS."""
    with running(tmp_path, {"echo": loopback.url}) as proxy:
        yield proxy


def test_http2_with_prior_knowledge(probe: Probe, h2c: Traefik) -> None:
    request = Request(id="1", url=f"{h2c.url}/echo", http2=True, fresh=False)

    first, second = probe.send([request, request], concurrency=1)

    assert first.response is not None
    assert first.response.http_version == "HTTP/2"
    assert first.seen_by_server.hostname == "loopback"
    assert second.timing.connect_ms is None


def test_body_in_chunks_arrives_whole(probe: Probe, h2c: Traefik) -> None:
    body = b"0123456789" * 5_000
    request = Request(id="1", url=f"{h2c.url}/echo", method="POST", body=body, chunked=True)

    exchanges = probe.send([request, msgspec.structs.replace(request, http2=True)])

    arrived = [each.seen_by_server for each in exchanges]
    assert [each.header("Content-Length") for each in arrived] == [None, None]
    assert [each.body_sha256 for each in arrived] == [hashlib.sha256(body).hexdigest()] * 2


def test_program_takes_token_and_port_from_its_environment(loopback: Loopback, tmp_path: Path) -> None:
    """As in the pod: its files side by side, with nothing of this project on the path."""
    for each in (PROJECT_ROOT / "meshproof/probe").glob("agent*.py"):
        shutil.copy(each, tmp_path)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", ALONE, str(tmp_path / "agent.py")],
        env={**os.environ, "PYTHONPATH": "", "MESHPROOF_TOKEN": "t", "MESHPROOF_AGENT_PORT": str(port)},
        cwd="/",
    )
    try:
        with Probe(f"http://127.0.0.1:{port}", "t") as client:
            wait_until_healthy(client)

            (exchange,) = client.send([Request(id="1", url=loopback.url, body=b"x")])

        with Probe(f"http://127.0.0.1:{port}", "u") as stranger, pytest.raises(AgentError, match="401"):
            stranger.resolve(["localhost"])
    finally:
        process.terminate()
        process.wait(10)

    assert exchange.seen_by_server.hostname == "loopback"
