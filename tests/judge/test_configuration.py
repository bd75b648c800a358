"""The controller's and a proxy's configuration reduce to the same, whatever else stands beside them."""

from typing import Any

import pytest

from meshproof.judge.configuration import lacks_address, routers, servers_by_service

CONTROLLER: dict[str, Any] = {
    "http": {
        "routers": {
            "demo-server-80": {
                "entryPoints": ["http-5000"],
                "service": "demo-server-80",
                "rule": "Host(`server.demo.traefik.mesh`)",
            }
        },
        "services": {
            "demo-server-80": {
                "loadBalancer": {"servers": [{"url": "http://10.0.0.2:80"}, {"url": "http://10.0.0.1:80"}]}
            },
            "split": {"weighted": {"services": []}},
        },
    },
    "tcp": {
        "routers": {
            "demo-db-1": {"entryPoints": ["tcp-10000"], "service": "demo-db-1", "rule": "HostSNI(`*`)"}
        },
        "services": {"demo-db-1": {"loadBalancer": {"servers": [{"address": "10.0.0.3:1"}]}}},
    },
    "udp": {
        "routers": {"demo-log-1": {"entryPoints": ["udp-15000"], "service": "demo-log-1"}},
        "services": {"demo-log-1": {"loadBalancer": {"servers": [{"address": "10.0.0.4:1"}]}}},
    },
}


def as_a_proxy_tells_it() -> dict[str, Any]:
    """The same in the runtime form: flat, names with their provider, others' beside them."""
    told: dict[str, Any] = {}
    for protocol, prefix in (("http", ""), ("tcp", "tcp"), ("udp", "udp")):
        for what in ("routers", "services"):
            key = prefix + (what.capitalize() if prefix else what)
            told[key] = {
                f"{name}@http": {**each, "status": "enabled"}
                for name, each in CONTROLLER[protocol][what].items()
            }
    told["routers"]["api@internal"] = {"entryPoints": ["traefik"], "service": "api@internal", "rule": "x"}
    told["services"]["api@internal"] = {"status": "enabled"}
    return told


ROUTERS = {
    "demo-server-80": "Host(`server.demo.traefik.mesh`) on http-5000 to demo-server-80",
    "tcp:demo-db-1": "HostSNI(`*`) on tcp-10000 to demo-db-1",
    "udp:demo-log-1": " on udp-15000 to demo-log-1",
}
SERVERS = {
    "demo-server-80": ["http://10.0.0.1:80", "http://10.0.0.2:80"],
    "split": [],
    "tcp:demo-db-1": ["10.0.0.3:1"],
    "udp:demo-log-1": ["10.0.0.4:1"],
}

BOTH_ENDS = pytest.mark.parametrize(
    "configuration",
    [pytest.param(CONTROLLER, id="controller"), pytest.param(as_a_proxy_tells_it(), id="proxy")],
)


@BOTH_ENDS
def test_routers_of_either_end(configuration: dict[str, Any]) -> None:
    assert routers(configuration) == ROUTERS


@BOTH_ENDS
def test_servers_of_either_end(configuration: dict[str, Any]) -> None:
    assert servers_by_service(configuration) == SERVERS


@pytest.mark.parametrize(
    "configuration",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"http": None, "tcp": {}}, id="controller-without-services"),
        pytest.param({"http": {"routers": None, "services": None}}, id="controller-with-null"),
        pytest.param({"routers": None, "overview": {}}, id="proxy-with-null"),
    ],
)
def test_empty_configuration_has_no_routes(configuration: dict[str, Any]) -> None:
    assert routers(configuration) == {}
    assert servers_by_service(configuration) == {}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"rule": "Host(`other`)"}, id="rule"),
        pytest.param({"entryPoints": ["http-5001"]}, id="entry-point"),
        pytest.param({"service": "other@http"}, id="service"),
    ],
)
def test_router_that_differs_is_told_apart(change: dict[str, Any]) -> None:
    proxy = as_a_proxy_tells_it()
    proxy["routers"]["demo-server-80@http"] |= change

    assert routers(proxy) != ROUTERS


@pytest.mark.parametrize(
    ("server", "lacks"),
    [
        ("http://10.0.0.1:80", False),
        ("h2c://[fd00::1]:80", False),
        ("10.0.0.1:80", False),
        ("http://:8080", True),
        ("https://:8443", True),
        (":9000", True),
    ],
)
def test_server_without_an_address_is_told(server: str, *, lacks: bool) -> None:
    assert lacks_address(server) is lacks
