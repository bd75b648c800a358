"""What kind of failure an exchange had, as the agent tells it."""

import httpx
import pytest

from meshproof.model.exchange import FailureKind, Request
from meshproof.probe.agent import failure_kind
from meshproof.probe.client import Probe
from tests.probe.loopback import Loopback


@pytest.mark.usefixtures("no_names")
def test_unknown_name_is_a_dns_failure(probe: Probe) -> None:
    (exchange,) = probe.send([Request(id="1", url="http://nobody.invalid/")])

    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.DNS
    assert "not known" in exchange.failure.text


def test_refused_connection_is_a_connect_failure(probe: Probe, port_of_nobody: int) -> None:
    (exchange,) = probe.send([Request(id="1", url=f"http://127.0.0.1:{port_of_nobody}/")])

    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.CONNECT


@pytest.mark.parametrize(
    ("path", "timeout_s", "kind"),
    [
        pytest.param("/slow", 0.2, FailureKind.TIMEOUT, id="timeout"),
        pytest.param("/garbage", 10.0, FailureKind.PROTOCOL, id="protocol"),
    ],
)
def test_server_that_does_not_answer_in_http(
    probe: Probe, loopback: Loopback, path: str, timeout_s: float, kind: FailureKind
) -> None:
    (exchange,) = probe.send([Request(id="1", url=loopback.url + path, timeout_s=timeout_s)])

    assert exchange.failure is not None
    assert exchange.failure.kind is kind
    assert exchange.timing.first_byte_ms is None


def test_request_that_cannot_be_sent_is_a_failure_among_the_others(probe: Probe, loopback: Loopback) -> None:
    bad, good = probe.send([Request(id="1", url="http://server:port"), Request(id="2", url=loopback.url)])

    assert bad.failure is not None
    assert bad.failure.kind is FailureKind.OTHER
    assert good.status == 200


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(httpx.ConnectTimeout(""), "connect", id="connect-timeout"),
        pytest.param(httpx.ReadTimeout(""), "timeout", id="read-timeout"),
        pytest.param(httpx.RemoteProtocolError(""), "protocol", id="protocol"),
        pytest.param(ValueError(""), "other", id="other"),
    ],
)
def test_kind_of_a_failure(error: Exception, kind: str) -> None:
    assert failure_kind(error) == kind
