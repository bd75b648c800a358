"""TCP, UDP and names, as the agent tells of them."""

import pytest

from meshproof.probe.client import Probe
from tests.probe.loopback import Loopback


def test_tcp_half_close_tells_the_server_that_nothing_more_comes(probe: Probe, loopback: Loopback) -> None:
    stream = probe.tcp("127.0.0.1", loopback.tcp, b"\x00hello")

    assert stream.received == b"echo:\x00hello"
    assert stream.peer == f"127.0.0.1:{loopback.tcp}"
    assert stream.local is not None
    assert stream.error is None


def test_refused_tcp_connection_is_told(probe: Probe, port_of_nobody: int) -> None:
    stream = probe.tcp("127.0.0.1", port_of_nobody, b"x")

    assert stream.received == b""
    assert "ConnectionRefusedError" in str(stream.error)


def test_udp_datagram_there_and_back(probe: Probe, loopback: Loopback) -> None:
    stream = probe.udp("127.0.0.1", loopback.udp, b"hello")

    assert stream.received == b"echo:hello"
    assert stream.peer == f"127.0.0.1:{loopback.udp}"


def test_udp_without_an_answer_is_told(probe: Probe, loopback: Loopback) -> None:
    stream = probe.udp("127.0.0.1", loopback.udp, b"silence", timeout_s=0.1)

    assert "TimeoutError" in str(stream.error)


@pytest.mark.usefixtures("no_names")
def test_names_are_resolved_in_their_order(probe: Probe) -> None:
    known, unknown = probe.resolve(["localhost", "nobody.invalid"])

    assert (known.name, known.addresses, known.error) == ("localhost", ["127.0.0.1"], None)
    assert (unknown.addresses, "not known" in str(unknown.error)) == ([], True)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"{'x' * 64}.demo.traefik.mesh", id="label-of-64"),
        pytest.param("a..traefik.mesh", id="empty-label"),
    ],
)
def test_name_that_no_resolver_takes_is_an_error_of_that_name(probe: Probe, name: str) -> None:
    (resolution,) = probe.resolve([name])

    assert resolution.addresses == []
    assert resolution.error


def test_stream_to_a_name_that_no_resolver_takes_is_told(probe: Probe) -> None:
    stream = probe.tcp(f"{'x' * 64}.demo.traefik.mesh", 80, b"x")

    assert stream.error
