"""Changes of TCP and UDP services."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from meshproof.mutate.served import CHANGES, Scope

NS = "mp-1"
Config = dict[str, Any]


def own(name: str, port: int = 80) -> Config:
    key = f"{NS}-{name}-{port}"
    rule = f"Host(`{name}.{NS}.traefik.mesh`) || Host(`{name}.{NS}.maesh`)"
    return {key: {"entryPoints": ["http-5000"], "service": key, "rule": rule, "priority": 1002}}


def pods(*names: str) -> Config:
    servers = {"servers": [{"url": "http://10.0.0.1:8080"}], "passHostHeader": True}
    return {f"{NS}-{name}-80": {"loadBalancer": dict(servers)} for name in names}


def stream(name: str, point: str, *, port: int = 9000) -> tuple[str, Config, Config]:
    key = f"{NS}-{name}-{port}"
    balancer = {"loadBalancer": {"servers": [{"address": f"10.0.0.1:{port}"}]}}
    rule = {} if point.startswith("udp") else {"rule": "HostSNI(`*`)"}
    return key, {"entryPoints": [point], "service": key, **rule}, balancer


def streams(*parts: tuple[str, Config, Config]) -> Config:
    return {
        "routers": {key: router for key, router, _ in parts},
        "services": {key: balancer for key, _, balancer in parts},
    }


STREAMS: Config = {
    "http": {
        "routers": {**own("said-http"), **own("http-beside-udp"), **own("http-same-as-udp")},
        "services": pods("said-http", "http-beside-udp", "http-same-as-udp"),
    },
    "tcp": streams(
        stream("tcp-first", "tcp-10000"),
        stream("said-nothing", "tcp-10001"),
        stream("tcp-same-as-udp", "tcp-10002"),
    ),
    "udp": streams(stream("udp-first", "udp-15000", port=9001), stream("said-udp", "udp-15001", port=9001)),
}


def route(c: Config, name: str, protocol: str = "http") -> Config:
    found: Config = c[protocol]["routers"].get(f"{NS}-{name}", {})
    return found


def server(c: Config, name: str, protocol: str = "http") -> str:
    balancer = c[protocol]["services"][f"{NS}-{name}"]["loadBalancer"]
    return str(next(iter(balancer["servers"][0].values())))


OF_STREAMS: dict[str, Callable[[Config], object]] = {
    "tcp-router-missing": lambda c: "routers" not in c["tcp"] and "routers" in c["udp"],
    "udp-leads-nowhere": lambda c: (
        {str(each["loadBalancer"]["servers"]) for each in c["udp"]["services"].values()}
        == {"[{'address': '127.0.0.1:9'}]"}
    ),
    "tcp-port-taken-over": lambda c: (
        not route(c, "tcp-first-9000", "tcp") and server(c, "tcp-pair-beyond", "tcp") == "10.0.0.1:8080"
    ),
    "udp-port-taken-over": lambda c: server(c, "udp-pair-beyond", "udp") == "10.0.0.1:8080",
    "default-mode-ignored": lambda c: (
        route(c, "said-nothing-9000")["entryPoints"] == ["tcp-10001"]
        and route(c, "tcp-same-as-udp-9000", "tcp")
        and not route(c, "said-nothing-9000", "tcp")
    ),
    "traffic-type-ignored": lambda c: (
        route(c, "said-http-80", "tcp")["rule"] == "HostSNI(`*`)"
        and server(c, "said-udp-9001", "udp") == "127.0.0.1:9"
    ),
    "udp-port-in-http-service": lambda c: (
        route(c, "http-beside-udp-9001") and server(c, "http-same-as-udp-80") == "http://10.0.0.1:9001"
    ),
    "udp-target-in-tcp-service": lambda c: server(c, "tcp-same-as-udp-9000", "tcp") == "10.0.0.1:9001",
    "proxy-protocol-added": lambda c: (
        c["tcp"]["services"][f"{NS}-tcp-first-9000"]["loadBalancer"]["proxyProtocol"] == {"version": 1}
    ),
}


@pytest.mark.parametrize("name", OF_STREAMS)
def test_change_does_what_its_name_says(name: str) -> None:
    configuration = copy.deepcopy(STREAMS)

    CHANGES[name](configuration, Scope(namespace=NS))

    assert OF_STREAMS[name](configuration)
    assert json.loads(json.dumps(configuration)) == configuration
    assert not [sections for sections in configuration.values() if not all(sections.values())]
