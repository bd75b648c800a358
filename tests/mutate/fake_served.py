"""A configuration as the controller serves it, and what is looked at in one that was changed."""

import copy
from collections.abc import Callable
from typing import Any

from meshproof.mutate.served import CHANGES, Scope

NS = "mp-1"
Config = dict[str, Any]


def router(service: str, port: int = 80, *, namespace: str = NS, point: int = 0, **more: Any) -> Config:
    hosts = (f"Host(`{service}.{namespace}.{zone}`)" for zone in ("traefik.mesh", "maesh"))
    name = f"{namespace}-{service}-{port}"
    points = [f"http-{5000 + point}"]
    return {
        name: {"entryPoints": points, "service": name, "rule": " || ".join(hosts), "priority": 1002} | more
    }


def service(name: str, *servers: str, port: int = 80, namespace: str = NS) -> Config:
    listed = {"servers": [{"url": each} for each in servers]} if servers else {}
    return {f"{namespace}-{name}-{port}": {"loadBalancer": {**listed, "passHostHeader": True}}}


A, B, C = "http://10.0.0.1:8080", "http://10.0.0.2:8080", "http://10.0.0.3:8080"
RETRY, LIMIT, BREAKER = (f"{NS}-mw-all-{each}" for each in ("retry", "rate-limit", "circuit-breaker"))

HTTP: Config = {
    "routers": {
        **router("server"),
        **router("server", 8081, point=1),
        **router("server", namespace=f"{NS}-b"),
        **router("deserted"),
        **router("headless", 8080, rule="Host(`headless.mp-1.traefik.mesh`) || Host(`None`)"),
        **router("nameless", 8123),
        **router("server-h2c"),
        **router("secured"),
        **router("overhead"),
        **router("web-wide", 82, point=2),
        **router("older", middlewares=[f"{NS}-older-retry"]),
        **router("eager", middlewares=[f"{NS}-eager-retry"]),
        **router("newer", middlewares=[f"{NS}-newer-retry"]),
        **router("mw-all", middlewares=[RETRY, LIMIT, BREAKER]),
        **router("mw-none"),
        **router("mw-burst", middlewares=[f"{NS}-mw-burst-rate-limit"]),
        **router("mw-neighbour", middlewares=[f"{NS}-mw-burst-rate-limit"]),
        "readiness": {"entryPoints": ["readiness"], "service": "readiness", "rule": "Path(`/ping`)"},
    },
    "services": {
        **service("server", A, B),
        **service("server", A, B, port=8081),
        **service("server", C, namespace=f"{NS}-b"),
        **service("deserted"),
        **service("headless", A, B, port=8080),
        **service("nameless", A, B, port=8123),
        **service("server-h2c", "h2c://10.0.0.1:8080"),
        **service("secured", "https://10.0.0.3:8443"),
        **service("overhead", C),
        **service("web-wide", C, port=82),
        **service("differing", "http://10.0.0.3:8081", "http://10.0.0.4:8080"),
        **service("older", A, B),
        **service("newer", A, B),
        **service("mw-all", A, B),
        **service("mw-none", A, B),
        **service("mw-burst", A, B),
        **service("mw-neighbour", A, B),
        "readiness": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:8080"}]}},
        "block-all-service": {"loadBalancer": {"passHostHeader": False}},
    },
    "middlewares": {
        f"{NS}-older-retry": {"retry": {"attempts": 3}},
        f"{NS}-eager-retry": {"retry": {"attempts": 5}},
        f"{NS}-newer-retry": {"retry": {"attempts": 2}},
        f"{NS}-mw-retry-retry": {"retry": {"attempts": 3}},
        RETRY: {"retry": {"attempts": 2}},
        LIMIT: {"rateLimit": {"average": 1, "burst": 5}},
        BREAKER: {"circuitBreaker": {"expression": "LatencyAtQuantileMS(50.0) > 100"}},
        f"{NS}-mw-burst-rate-limit": {"rateLimit": {"average": 1, "burst": 5}},
        f"{NS}-mw-average-rate-limit": {"rateLimit": {"average": 20, "burst": 10}},
        f"{NS}-mw-breaker-ratio-circuit-breaker": {"circuitBreaker": {"expression": "R() > 0.5"}},
        f"{NS}-mw-breaker-recovers-circuit-breaker": {"circuitBreaker": {"expression": "R() > 0.5"}},
    },
}
SAMPLE: Config = {
    "http": HTTP,
    "tcp": {
        "routers": {f"{NS}-tcp-first-9000": {"entryPoints": ["tcp-10000"], "service": "s", "rule": "x"}},
        "services": {f"{NS}-tcp-first-9000": {"loadBalancer": {"servers": [{"address": "10.0.0.1:9000"}]}}},
    },
    "udp": {
        "routers": {f"{NS}-server-udp-9001": {"entryPoints": ["udp-15000"], "service": "s"}},
        "services": {f"{NS}-server-udp-9001": {"loadBalancer": {"servers": [{"address": "10.0.0.1:9001"}]}}},
    },
}


def changed(name: str, sample: Config = SAMPLE) -> Config:
    configuration = copy.deepcopy(sample)
    CHANGES[name](configuration, Scope(namespace=NS))
    return configuration


def routes(configuration: Config) -> Config:
    found: Config = configuration["http"]["routers"]
    return found


def urls(configuration: Config, name: str) -> list[str]:
    balancer = configuration["http"]["services"][f"{NS}-{name}"]["loadBalancer"]
    return [each["url"] for each in balancer.get("servers", [])]


def chain(configuration: Config, name: str = "server-80") -> list[Any]:
    """The router's middlewares, each with what it says."""
    known = configuration["http"].get("middlewares", {})
    return [known[each] for each in routes(configuration)[f"{NS}-{name}"].get("middlewares", [])]


def middle(configuration: Config, name: str, kind: str) -> Config:
    found: Config = configuration["http"]["middlewares"][f"{NS}-{name}"][kind]
    return found


def told(headers: Config) -> Callable[[Config], bool]:
    return lambda c: chain(c) == [{"headers": {"customRequestHeaders": headers}}]


def without_host(pattern: str) -> Callable[[Config], bool]:
    condition = f"&& !HeadersRegexp(`X-Forwarded-Host`, `{pattern}`)"
    return lambda c: routes(c)[f"{NS}-server-80"]["rule"].endswith(condition)
