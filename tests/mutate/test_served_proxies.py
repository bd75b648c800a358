"""Changes for one of the proxies: told by the node that it asks from."""

import copy
from typing import Any

import pytest

from meshproof.mutate.served import CHANGES, Scope

NS = "mp-1"
NODES = ("10.244.0.0/24", "10.244.1.0/24")
ONE, OTHER = "10.244.0.7", "10.244.1.7"
SERVERS = ["http://10.244.0.2:8080", "http://10.244.1.2:8080", "http://10.244.1.3:8080"]
Config = dict[str, Any]


def a_service(*servers: str) -> Config:
    name = f"{NS}-spread-80"
    router = {"service": name, "middlewares": [f"{NS}-spread-80-rate-limit"]}
    balancer = {"servers": [{"url": each} for each in servers]}
    return {"http": {"routers": {name: router}, "services": {name: {"loadBalancer": balancer}}}}


def served(name: str, caller: str, *, nodes: tuple[str, ...] = NODES, servers: list[str] = SERVERS) -> Config:
    configuration = a_service(*servers)
    CHANGES[name](configuration, Scope(namespace=NS, nodes=nodes, caller=caller))
    return configuration


def urls(configuration: Config) -> list[str]:
    balancer = configuration["http"]["services"][f"{NS}-spread-80"]["loadBalancer"]
    return [each["url"] for each in balancer["servers"]]


def test_one_proxy_lacks_a_server() -> None:
    assert urls(served("backend-dropped-on-one-proxy", ONE)) == SERVERS[:2]


def test_one_proxy_has_no_limit() -> None:
    assert "middlewares" not in served("limit-off-on-one-proxy", ONE)["http"]["routers"][f"{NS}-spread-80"]


@pytest.mark.parametrize("name", ["backend-dropped-on-one-proxy", "limit-off-on-one-proxy"])
def test_the_other_proxy_has_all(name: str) -> None:
    assert served(name, OTHER) == a_service(*SERVERS)


@pytest.mark.parametrize("name", ["backend-dropped-on-one-proxy", "limit-off-on-one-proxy"])
def test_a_proxy_that_is_alone_has_all(name: str) -> None:
    assert served(name, ONE, nodes=NODES[:1]) == a_service(*SERVERS)


def test_one_proxy_lags_whichever_asks_first() -> None:
    scope = Scope(namespace=NS, nodes=NODES)
    told: dict[str, list[int]] = {ONE: [], OTHER: []}

    for servers in (SERVERS[:1], SERVERS):
        for caller, seen in told.items():
            configuration = a_service(*servers)
            CHANGES["one-proxy-lags"](
                configuration, Scope(namespace=NS, memory=scope.memory, nodes=NODES, caller=caller)
            )
            seen.append(len(urls(copy.deepcopy(configuration))))

    assert told == {ONE: [1, 1], OTHER: [1, 3]}


@pytest.mark.parametrize(("caller", "known"), [(ONE, SERVERS[:1]), (OTHER, SERVERS[1:])])
def test_each_proxy_knows_the_servers_of_its_node(caller: str, known: list[str]) -> None:
    assert urls(served("local-backends-only", caller)) == known


def test_service_without_a_server_on_the_node_keeps_the_others() -> None:
    assert urls(served("local-backends-only", ONE, servers=SERVERS[1:])) == SERVERS[1:]
