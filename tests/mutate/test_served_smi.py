"""Changes of splits and access control."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from meshproof.mutate.served import CHANGES, Scope

NS = "mp-1"
Config = dict[str, Any]
CLOSED: Config = {"middlewares": ["block-all-middleware"], "service": "block-all-service", "priority": 1}


def hosts(name: str, namespace: str = NS) -> str:
    return f"Host(`{name}.{namespace}.traefik.mesh`) || Host(`{name}.{namespace}.maesh`)"


def own(name: str, port: int = 80, namespace: str = NS, point: int = 0, **more: Any) -> Config:
    key = f"{namespace}-{name}-{port}"
    points = [f"http-{5000 + point}"]
    rule = hosts(name, namespace)
    return {key: {"entryPoints": points, "service": key, "rule": rule, "priority": 1002} | more}


def divided(name: str, condition: str = "") -> Config:
    key = f"{NS}-{name}-{name}-80-traffic-split"
    rule = f"({hosts(name)}) && {condition}" if condition else hosts(name)
    return {f"{key}-direct": {"entryPoints": ["http-5000"], "service": key, "rule": rule, "priority": 4002}}


def split(name: str, **weights: int) -> Config:
    key = f"{NS}-{name}-{name}-80"
    backends = {each: f"{key}-{each}-traffic-split-backend" for each in weights}
    listed = [{"name": backends[each], "weight": weight} for each, weight in weights.items()]
    found: Config = {f"{key}-traffic-split": {"weighted": {"services": listed}}}
    for each, backend in backends.items():
        url = {"url": f"http://{each}.{NS}.traefik.mesh:80"}
        found[backend] = {"loadBalancer": {"servers": [url], "passHostHeader": False}}
    return found


def pods(*names: str) -> Config:
    servers = {"servers": [{"url": "http://10.0.0.1:8080"}], "passHostHeader": True}
    return {f"{NS}-{name}-80": {"loadBalancer": dict(servers)} for name in names}


SPLITS: Config = {
    "http": {
        "routers": {
            **own("shop"),
            **own("v2"),
            **own("ghostly"),
            **own("selfish"),
            **divided("shop"),
            **divided("ghostly"),
            **divided("matched", "(HeadersRegexp(`X-Tester`, `yes`))"),
        },
        "services": {
            **pods("shop", "v1", "v2", "selfish"),
            f"{NS}-nobody-80": {"loadBalancer": {"passHostHeader": True}},
            **split("shop", v1=80, v2=20),
            **split("market", v1=1, v2=3),
            **split("zero", v1=10, v2=0),
            **split("weak", v1=1, nobody=1),
            **split("outer", shop=1),
            **split("ghostly", v1=1),
        },
    },
    "tcp": {
        "services": {
            f"{NS}-server-tcp-9000": {"loadBalancer": {"servers": [{"address": "10.0.0.1:9000"}]}},
            f"{NS}-shop-tcp-9000": {"weighted": {"services": [{"name": "a", "weight": 80}, {"name": "b"}]}},
            f"{NS}-named-tcp-named-tcp-9000-v1-traffic-split-backend": {
                "loadBalancer": {"servers": [{"address": "v1-tcp.mp-1.traefik.mesh:9000"}]}
            },
        }
    },
}


def target(
    name: str, *sources: str, service: str = "", port: int = 80, way: str = "direct", **more: Any
) -> Config:
    """A target's router and its list."""
    service = service or name
    key = f"{NS}-{service}-{name}"
    listed = f"{key}-whitelist-traffic-target-{way}"
    router = {
        "entryPoints": ["http-5000"],
        "middlewares": [listed],
        "service": f"{key}-{port}-traffic-target",
        "rule": hosts(service),
        "priority": 2002,
    }
    return {
        "routers": {f"{key}-{port}-traffic-target-{way}": router | more},
        "middlewares": {listed: {"ipWhiteList": {"sourceRange": list(sources)}}},
    }


RULES = (
    f"({hosts('guarded')}) && (PathPrefix(`/{{path:reports}}`) || (PathPrefix(`/{{path:by-method}}`)"
    " && Method(`GET`,`HEAD`)) || (PathPrefix(`/{path:by-header}`) && HeadersRegexp(`X-Team`, `^blue$`)))"
)
FORWARDED = " && HeadersRegexp(`X-Forwarded-For`, `.+`)"
TARGETS = [
    target("open", "10.0.0.1"),
    target("guarded", "10.0.0.1", rule=RULES, priority=2007),
    target("guarded", "10.0.0.1", rule=RULES + FORWARDED, way="indirect"),
    target("for-two", "10.0.0.1", "10.0.0.9", service="guarded"),
    target("for-the-intruder", "10.0.0.9", service="guarded"),
    target("branch", "10.0.0.1", service="branch-a"),
    target("branch", "10.0.0.1", service="branch-a", port=8081, entryPoints=["http-5001"]),
    target("ported", "10.0.0.1", service="ported-first"),
    target("ported", "10.0.0.1", service="ported-second", port=8081, entryPoints=["http-5001"]),
    target("new", "10.0.0.9", service="server"),
]
HALF = f"{NS}-half-open-half-open-whitelist-traffic-split-direct"
ACL: Config = {
    "http": {
        "routers": {
            **own("server", **CLOSED),
            **own("guarded", namespace=f"{NS}-b", **CLOSED),
            **own("ported-first", 8081, point=1, **CLOSED),
            **{name: each | {"middlewares": [HALF]} for name, each in divided("half-open").items()},
            **{name: each for part in TARGETS for name, each in part["routers"].items()},
            "readiness": {"service": "readiness", "rule": "Path(`/ping`)"},
        },
        "services": {
            **split("half-open", **{"branch-a": 1, "guarded": 1}),
            "block-all-service": {"loadBalancer": {"passHostHeader": False}},
            "readiness": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:8080"}]}},
        },
        "middlewares": {
            "block-all-middleware": {"ipWhiteList": {"sourceRange": ["255.255.255.255"]}},
            HALF: {"ipWhiteList": {"sourceRange": ["10.0.0.2"]}},
            **{name: each for part in TARGETS for name, each in part["middlewares"].items()},
        },
    },
    "tcp": {
        "routers": {f"{NS}-wired-9000": {"entryPoints": ["tcp-10001"], "middlewares": ["list"]}},
        "services": {f"{NS}-wired-9000": {"loadBalancer": {"servers": [{"address": "10.0.0.1:9000"}]}}},
    },
}


def weights(c: Config, name: str) -> list[int]:
    listed = c["http"]["services"][f"{NS}-{name}-{name}-80-traffic-split"]["weighted"]["services"]
    return [each["weight"] for each in listed]


def route(c: Config, name: str, protocol: str = "http") -> Config:
    found: Config = c[protocol]["routers"].get(f"{NS}-{name}", {})
    return found


def sources(c: Config, name: str, way: str = "direct") -> list[str]:
    found: list[str] = c["http"]["middlewares"][f"{NS}-{name}-whitelist-traffic-target-{way}"]["ipWhiteList"][
        "sourceRange"
    ]
    return found


def server(c: Config, name: str, protocol: str = "http") -> str:
    balancer = c[protocol]["services"][f"{NS}-{name}"]["loadBalancer"]
    return str(next(iter(balancer["servers"][0].values())))


GUARDED, OPEN = "guarded-guarded-80-traffic-target-direct", "open-open-80-traffic-target-direct"
INTRUDERS = "guarded-for-the-intruder-80-traffic-target-direct"

OF_SPLITS: dict[str, Callable[[Config], object]] = {
    "split-weights-swapped": lambda c: weights(c, "shop") == [20, 80] and weights(c, "zero") == [10, 0],
    "split-weights-equal": lambda c: weights(c, "shop") == [1, 1] and weights(c, "market") == [1, 3],
    "split-zero-weight-as-one": lambda c: weights(c, "zero") == [10, 1],
    "split-zero-weight-trickles": lambda c: weights(c, "zero") == [40, 1] and weights(c, "shop") == [80, 20],
    "split-weights-rounded": lambda c: (
        (weights(c, "shop"), weights(c, "zero"), weights(c, "market")) == ([3, 1], [4, 0], [1, 3])
    ),
    "split-weights-shared": lambda c: weights(c, "market") == [80, 20],
    "split-ignored": lambda c: not route(c, "shop-shop-80-traffic-split-direct") and route(c, "shop-80"),
    "split-backend-dropped": lambda c: weights(c, "shop") == [80] and weights(c, "weak") == [1],
    "split-empty-backend-breaks-all": lambda c: weights(c, "weak") == [1] and weights(c, "shop") == [80, 20],
    "split-chain-broken": lambda c: (
        "servers"
        not in c["http"]["services"][f"{NS}-outer-outer-80-shop-traffic-split-backend"]["loadBalancer"]
    ),
    "split-applied-to-backends": lambda c: (
        route(c, "v2-80-divided")["service"] == f"{NS}-market-market-80-traffic-split"
    ),
    "split-matches-ignored": lambda c: (
        route(c, "matched-matched-80-traffic-split-direct")["rule"] == hosts("matched")
    ),
    "split-invalid-backend-kept": lambda c: weights(c, "ghostly") == [1, 1],
    "split-invalid-breaks-service": lambda c: not route(c, "ghostly-80"),
    "split-circle-followed": lambda c: (
        weights(c, "selfish") == [1, 1] and route(c, "selfish-selfish-80-traffic-split-direct")
    ),
    "split-backend-port-wrong": lambda c: (
        server(c, "named-tcp-named-tcp-9000-v1-traffic-split-backend", "tcp") == "v1-tcp.mp-1.traefik.mesh:0"
    ),
    "tcp-split-ignored": lambda c: server(c, "shop-tcp-9000", "tcp") == "10.0.0.1:9000",
    "header-filter-ignored": lambda c: "X-Tester" not in str(c),
    "header-filter-any-value": lambda c: "HeadersRegexp(`X-Tester`, `.*`)" in str(c),
}

OF_ACCESS: dict[str, Callable[[Config], object]] = {
    "acl-off": lambda c: (
        "middlewares" not in route(c, "server-80") and "0.0.0.0/0" in sources(c, "open-open")
    ),
    "deny-becomes-allow": lambda c: (
        server(c, "server-80") == "http://server.mp-1.svc.cluster.local:80"
        and sources(c, "open-open") == ["10.0.0.1", "0.0.0.0/0"]
    ),
    "allow-becomes-deny": lambda c: route(c, OPEN)["middlewares"][0] == "block-all-middleware",
    "deny-after-forwarding": lambda c: (
        c["http"]["services"][f"{NS}-server-80-denied"]["mirroring"]["service"] == "readiness"
    ),
    "path-filter-ignored": lambda c: "(PathPrefix(`/`) ||" in route(c, GUARDED)["rule"],
    "path-prefix-too-wide": lambda c: "/{path:(?:reports|not-)}" in route(c, GUARDED)["rule"],
    "path-filter-unanchored": lambda c: "/{path:.*reports}" in route(c, GUARDED)["rule"],
    "path-case-ignored": lambda c: "/{path:(?i:reports)}" in route(c, GUARDED)["rule"],
    "method-filter-ignored": lambda c: "Method(" not in str(c),
    "path-exact-only": lambda c: (
        "(Path(`/{path:reports}`) ||" in route(c, GUARDED)["rule"] and "PathPrefix(" not in str(c)
    ),
    "options-always-let-in": lambda c: (
        "Method(`GET`,`HEAD`,`OPTIONS`)" in route(c, GUARDED)["rule"]
        and route(c, "server-80-options")["rule"].endswith("&& Method(`OPTIONS`)")
        and "middlewares" not in route(c, "server-80-options")
    ),
    "header-filter-any-value": lambda c: (
        "HeadersRegexp(`X-Team`, `.*`)" in route(c, GUARDED)["rule"] and FORWARDED in str(c)
    ),
    "header-filter-ignored": lambda c: "X-Team" not in str(c) and FORWARDED in str(c),
    "only-first-source": lambda c: sources(c, "guarded-for-two") == ["10.0.0.1"],
    "only-first-target": lambda c: not route(c, INTRUDERS) and route(c, GUARDED),
    "only-first-port": lambda c: (
        not route(c, "branch-a-branch-8081-traffic-target-direct")
        and route(c, "ported-second-ported-8081-traffic-target-direct")
    ),
    "source-filter-dropped": lambda c: (
        "middlewares" not in route(c, OPEN) and route(c, GUARDED)["middlewares"]
    ),
    "targets-merged": lambda c: set(sources(c, "guarded-for-the-intruder")) == {"10.0.0.1", "10.0.0.9"},
    "target-ignored": lambda c: not route(c, OPEN) and not route(c, "server-new-80-traffic-target-direct"),
    "target-namespace-ignored": lambda c: (
        "guarded.mp-1-b.traefik.mesh" in route(c, f"{GUARDED}-in-mp-1-b")["rule"]
    ),
    "target-port-ignored": lambda c: route(c, "ported-first-8081-opened")["service"],
    "target-port-on-first-entrypoint": lambda c: (
        route(c, "ported-second-ported-8081-traffic-target-direct")["entryPoints"] == ["http-5000"]
    ),
    "whitelist-by-header": lambda c: route(c, f"{OPEN}-by-header")["rule"].endswith(FORWARDED),
    "split-whitelist-dropped": lambda c: (
        "middlewares" not in route(c, "half-open-half-open-80-traffic-split-direct")
        and "middlewares" not in route(c, "guarded-guarded-80-traffic-target-indirect")
    ),
    "split-whitelist-any-backend": lambda c: "10.0.0.1" in str(c["http"]["middlewares"][HALF]),
    "tcp-target-ignored": lambda c: "routers" not in c["tcp"],
    "tcp-deny-becomes-allow": lambda c: (
        route(c, "server-tcp-9000", "tcp")["entryPoints"][0] == "tcp-10000"
        and "middlewares" not in route(c, "wired-9000", "tcp")
    ),
}

EVERY = [
    pytest.param(sample, name, effect, id=f"{area} {name}")
    for area, sample, effects in (
        ("splits", SPLITS, OF_SPLITS),
        ("access", ACL, OF_ACCESS),
    )
    for name, effect in effects.items()
]


@pytest.mark.parametrize(("sample", "name", "effect"), EVERY)
def test_change_does_what_its_name_says(
    sample: Config, name: str, effect: Callable[[Config], object]
) -> None:
    configuration = copy.deepcopy(sample)

    CHANGES[name](configuration, Scope(namespace=NS))

    assert effect(configuration)
    assert json.loads(json.dumps(configuration)) == configuration
    assert not [sections for sections in configuration.values() if not all(sections.values())]


def test_target_without_sources_cannot_be_read() -> None:
    name = f"{NS}-server-of-nobody-whitelist-traffic-target-direct"
    configuration: Config = {"http": {"middlewares": {name: {"ipWhiteList": {"sourceRange": []}}}}}

    CHANGES["empty-whitelist-breaks-configuration"](configuration, Scope(namespace=NS))

    assert configuration["http"]["middlewares"] == {name: {"ipWhiteList": {}}}
