"""A second agent that is asked through the first."""

import httpx
import pytest

from fixtures.relay import RelayedProbe
from meshproof.model.exchange import Request
from meshproof.probe.client import AgentError, Probe
from tests.probe.conftest import TOKEN
from tests.probe.loopback import Loopback


def test_second_agent_sends_what_it_is_asked_to(probe: Probe, agent_url: str, loopback: Loopback) -> None:
    url = httpx.URL(agent_url)
    with RelayedProbe(probe, url.host, TOKEN, port=url.port or 0) as relayed:
        asked = Request(id="1", url=f"{loopback.url}/a", method="POST", body=b"\x00\xff")

        exchange = relayed.send([asked])[0]

        assert relayed.healthy()
        assert exchange.status == 200
        assert exchange.request == asked


def test_token_is_the_second_agents(probe: Probe, agent_url: str, loopback: Loopback) -> None:
    url = httpx.URL(agent_url)
    with RelayedProbe(probe, url.host, "another", port=url.port or 0) as relayed, pytest.raises(AgentError):
        relayed.send([Request(id="1", url=f"{loopback.url}/a")])


def test_second_agent_that_is_not_there_is_an_agents_error(probe: Probe, port_of_nobody: int) -> None:
    with RelayedProbe(probe, "127.0.0.1", TOKEN, port=port_of_nobody) as relayed:
        assert not relayed.healthy()
        with pytest.raises(AgentError):
            relayed.send([Request(id="1", url="http://127.0.0.1/")])
