"""Constant traffic goes on by itself, ends when asked, and tells what became of every request."""

import time

import pytest

from meshproof.model.exchange import Request
from meshproof.model.streams import SteadyTraffic
from meshproof.probe.client import AgentError, Probe
from tests.probe.loopback import Loopback


def run(probe: Probe, *urls: str, seconds: float, rate: float = 100.0, **options: float) -> SteadyTraffic:
    number = probe.start_traffic(
        urls, rate=rate, seconds=options.get("most_seconds", 60.0), most=int(options.get("most", 10_000))
    )
    time.sleep(seconds)
    return probe.end_traffic(number)


def test_every_request_is_accounted_for(probe: Probe, loopback: Loopback) -> None:
    traffic = run(probe, f"{loopback.url}/", f"{loopback.url}/moved", seconds=0.4)

    assert sum(traffic.answered.values()) + sum(traffic.failed.values()) == traffic.sent
    assert abs(traffic.answered[200] - traffic.answered[302]) <= 1
    assert traffic.succeeded == traffic.answered[200] == traffic.served_by["loopback"]
    assert traffic.lost == traffic.answered[302] == traffic.sent - traffic.succeeded


def test_rate_is_kept(probe: Probe, loopback: Loopback) -> None:
    traffic = run(probe, f"{loopback.url}/", seconds=0.5)

    assert traffic.lost == 0
    assert 0 < traffic.sent <= traffic.seconds * 100.0 + 1
    assert 0 < traffic.longest_gap_ms < traffic.seconds * 1000.0


def test_ends_by_itself(probe: Probe, loopback: Loopback) -> None:
    counted = run(probe, f"{loopback.url}/", seconds=0.3, most=5)
    timed = run(probe, f"{loopback.url}/", seconds=0.5, most_seconds=0.1)

    assert counted.sent == 5
    assert 0 < timed.sent <= 11


def test_troubles_are_told_in_full_up_to_a_limit(probe: Probe, port_of_nobody: int) -> None:
    url = f"http://127.0.0.1:{port_of_nobody}/"

    traffic = run(probe, url, seconds=0.5, rate=200.0)

    assert traffic.failed == {"connect": traffic.sent}
    assert len(traffic.troubles) == 20
    assert {(each.url, each.what) for each in traffic.troubles} == {(url, "connect")}
    assert "ConnectError" in traffic.told()


def test_crowded_traffic_does_not_close_a_kept_connection(probe: Probe, loopback: Loopback) -> None:
    """Beyond fifty connections a pool closes those that are idle."""
    request = Request(id="1", url=loopback.url, fresh=False)
    probe.send([request])

    number = probe.start_traffic(
        [f"{loopback.url}/slow"], rate=400.0, seconds=0.3, most=80, fresh=False, timeout_s=0.6
    )
    time.sleep(0.4)
    (again,) = probe.send([request])
    traffic = probe.end_traffic(number)

    assert traffic.failed == {"timeout": 80}
    assert again.timing.connect_ms is None


def test_traffic_that_is_not_under_way_cannot_be_ended(probe: Probe) -> None:
    with pytest.raises(AgentError):
        probe.end_traffic(10_000)
