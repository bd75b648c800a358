"""SMI objects as they stand in a proxy's configuration."""

from typing import Any

from meshproof.judge.smi import split_weights, target_sources, tcp_split_weights

KEY = "demo-shop-canary"

CONFIGURATION: dict[str, Any] = {
    "routers": {
        f"{KEY}-80-traffic-split-direct@http": {"status": "enabled"},
        "demo-shop-friends-80-traffic-target-direct@http": {"status": "enabled"},
        "demo-shop-broken-80-traffic-target-direct@http": {"status": "disabled"},
    },
    "services": {
        f"{KEY}-80-traffic-split@http": {
            "weighted": {
                "services": [
                    {"name": f"{KEY}-80-v1-traffic-split-backend", "weight": 80},
                    {"name": f"{KEY}-80-v2-traffic-split-backend@http", "weight": 20},
                ]
            }
        }
    },
    "middlewares": {
        "demo-shop-friends-whitelist-traffic-target-direct@http": {
            "ipWhiteList": {"sourceRange": ["10.0.0.2", "10.0.0.1"]}
        }
    },
    "tcpServices": {
        "demo-lines-9000@http": {
            "weighted": {
                "services": [{"name": "demo-lines-canary-9000-v1-traffic-split-backend", "weight": 3}]
            }
        }
    },
}


def test_split_is_its_backends_and_their_weights() -> None:
    assert split_weights(CONFIGURATION, "canary", service="shop", namespace="demo") == {"v1": 80, "v2": 20}


def test_split_of_tcp_stands_at_the_service_itself() -> None:
    found = tcp_split_weights(CONFIGURATION, "canary", service="lines", namespace="demo", port=9000)

    assert found == {"v1": 3}


def test_split_that_a_proxy_has_not_is_none() -> None:
    assert split_weights(CONFIGURATION, "other", service="shop", namespace="demo") is None
    assert split_weights({}, "canary", service="shop", namespace="demo") is None
    assert tcp_split_weights({}, "canary", service="lines", namespace="demo", port=9000) is None


def test_target_is_the_addresses_that_it_lets_in() -> None:
    found = target_sources(CONFIGURATION, "friends", service="shop", namespace="demo")

    assert found == ["10.0.0.1", "10.0.0.2"]


def test_target_that_a_proxy_refused_or_has_not_is_none() -> None:
    assert target_sources(CONFIGURATION, "broken", service="shop", namespace="demo") is None
    assert target_sources(CONFIGURATION, "other", service="shop", namespace="demo") is None
