"""The agent at work in a thread, servers for it to send to, its client, and what answers nobody."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from meshproof.engine.waiting import Look, eventually
from meshproof.probe import agent as module
from meshproof.probe.client import Probe
from tests.probe.loopback import Loopback, listening

TOKEN = "the-token-of-the-run"  # noqa: S105  # made up
STARTED_S = 20.0


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with listening() as servers:
        yield servers


@pytest.fixture(scope="session")
def agent_url() -> Iterator[str]:
    """The agent's own program; what its pools hold open is closed at the end."""
    clients: list[httpx.AsyncClient] = []
    new_client = module.new_client

    def noted(**options: Any) -> httpx.AsyncClient:
        clients.append(new_client(**options))
        return clients[-1]

    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
        patch.setattr(module, "new_client", noted)
        settings = uvicorn.Config(module.application(TOKEN), log_level="warning", ws="none", lifespan="off")
        server = uvicorn.Server(settings)

        async def serve() -> None:
            await server.serve(sockets=[listener])
            for each in clients:
                await each.aclose()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with Probe(url, TOKEN) as client:
                wait_until_healthy(client)
            yield url
        finally:
            server.should_exit = True
            thread.join(STARTED_S)


@pytest.fixture
def probe(agent_url: str) -> Iterator[Probe]:
    with Probe(agent_url, TOKEN) as client:
        yield client


@pytest.fixture
def port_of_nobody() -> Iterator[int]:
    """A port that is bound and not listened on: it refuses, and nobody else gets it meanwhile."""
    with socket.socket() as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        yield endpoint.getsockname()[1]


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that knows loopback only, and says so at once."""
    look_up = socket.getaddrinfo

    def known(host: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host).endswith("invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", known)


def wait_until_healthy(client: Probe) -> None:
    """Wait for an agent that was just started."""

    def look() -> Look[None]:
        return Look(met=client.healthy(), value=None, seen="no answer")

    eventually(look, what="the agent answers", within=STARTED_S, every=0.05)
