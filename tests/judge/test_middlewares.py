"""Middlewares in a Traefik configuration, from either end."""

from typing import Any

import pytest

from meshproof.judge.middlewares import chains, complaints, middleware

RETRY = {"retry": {"attempts": 2}}
CONTROLLER: dict[str, Any] = {
    "http": {
        "routers": {
            "demo-a-80": {"middlewares": ["demo-a-retry", "demo-a-rate-limit"]},
            "demo-b-80": {"middlewares": None},
            "readiness": {},
        },
        "middlewares": {"demo-a-retry": RETRY},
    },
    "tcp": {},
}
PROXY: dict[str, Any] = {
    "routers": {
        "demo-a-80@http": {
            "middlewares": ["demo-a-retry@http", "demo-a-rate-limit@http"],
            "error": ["invalid middleware", "so is the other"],
        },
        "demo-b-80@http": {"status": "enabled"},
    },
    "middlewares": {"demo-a-retry@http": RETRY},
}


@pytest.mark.parametrize(
    "configuration", [pytest.param(CONTROLLER, id="controller"), pytest.param(PROXY, id="proxy")]
)
def test_chain_of_a_router_is_told_in_its_order(configuration: dict[str, Any]) -> None:
    assert chains(configuration) == {"demo-a-80": ("demo-a-retry", "demo-a-rate-limit")}


@pytest.mark.parametrize(
    "configuration", [pytest.param(CONTROLLER, id="controller"), pytest.param(PROXY, id="proxy")]
)
def test_middleware_is_found_by_its_plain_name(configuration: dict[str, Any]) -> None:
    assert middleware(configuration, "demo-a-retry") == RETRY
    assert middleware(configuration, "demo-b-retry") is None


def test_router_that_a_proxy_refuses_says_why() -> None:
    assert complaints(PROXY) == {"demo-a-80": "invalid middleware; so is the other"}


def test_empty_configuration_has_none() -> None:
    assert (chains({}), complaints({}), middleware({}, "x")) == ({}, {}, None)
