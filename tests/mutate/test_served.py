"""Changes of routers, servers, requests and annotations; and what holds for every change there is."""

import copy
import json
from collections.abc import Callable

import pytest

from meshproof.mutate.served import CHANGES
from tests.mutate.fake_served import (
    BREAKER,
    HTTP,
    NS,
    RETRY,
    SAMPLE,
    A,
    B,
    C,
    Config,
    chain,
    changed,
    middle,
    routes,
    told,
    urls,
    without_host,
)

EFFECTS: dict[str, Callable[[Config], object]] = {
    "route-dropped": lambda c: not {f"{NS}-server-80", f"{NS}-server-8081"} & routes(c).keys(),
    "port-dropped": lambda c: f"{NS}-server-8081" not in routes(c) and f"{NS}-server-80" in routes(c),
    "service-dropped-beyond-limit": lambda c: f"{NS}-web-wide-82" not in routes(c),
    "nameless-port-dropped": lambda c: f"{NS}-nameless-8123" not in routes(c),
    "headless-ignored": lambda c: f"{NS}-headless-8080" not in routes(c),
    "catch-all-route": lambda c: routes(c)[f"{NS}-server-80-everything"]["rule"] == "PathPrefix(`/`)",
    "host-ignored": lambda c: "HostRegexp" in routes(c)[f"{NS}-server-80-any-address"]["rule"],
    "host-rule-dropped": lambda c: routes(c)[f"{NS}-server-80"]["rule"] == "PathPrefix(`/`)",
    "forwarded-host-routes": lambda c: "X-Forwarded-Host" in routes(c)[f"{NS}-server-80-forwarded"]["rule"],
    "short-names-routed": lambda c: "Host(`server.mp-1`) || Host(`server`)" in str(routes(c)),
    "longer-host-routed": lambda c: (
        "(?:[^.]+[.])*server[.]mp-1[.]traefik[.]mesh(?:[.]" in routes(c)[f"{NS}-server-80-longer"]["rule"]
    ),
    "empty-service-not-found": lambda c: (
        f"{NS}-deserted-80" not in routes(c) and f"{NS}-older-80" in routes(c)
    ),
    "any-port-routed": lambda c: (
        len(routes(c)[f"{NS}-server-80"]["entryPoints"]) == 9
        and "http-5001" not in routes(c)[f"{NS}-server-80"]["entryPoints"]
    ),
    "namespace-ignored": lambda c: routes(c)[f"{NS}-b-server-80"]["service"] == f"{NS}-server-80",
    "external-name-routed": lambda c: routes(c)[f"{NS}-external-80"] and urls(c, "external-80"),
    "kube-system-taken-up": lambda c: "kube-dns.kube-system" in str(routes(c)),
    "controller-in-the-mesh": lambda c: "traefik-mesh-controller.traefik-mesh" in str(routes(c)),
    "watched-namespaces-ignored": lambda c: "outside.mp-1-left-out" in str(routes(c)),
    "proxy-api-on-mesh-port": lambda c: routes(c)["mutant-api"]["service"] == "readiness",
    "ping-on-mesh-port": lambda c: routes(c)["mutant-ping"]["rule"] == "Path(`/ping`)",
    "readiness-route-wide": lambda c: routes(c)["readiness"]["rule"] == "PathPrefix(`/`)",
    "readiness-leads-to-metrics": lambda c: "Path(`/metrics`)" in routes(c)["readiness"]["rule"],
    "backend-dropped": lambda c: urls(c, "server-80") == [A] and urls(c, "overhead-80") == [C],
    "backend-foreign": lambda c: urls(c, "server-80") == [A, B, C] and len(urls(c, "secured-80")) == 1,
    "weights-unequal": lambda c: urls(c, "server-80") == [A, B, f"{A}/"],
    "backend-favoured-a-little": lambda c: (
        [sum(url.startswith(each) for url in urls(c, "server-80")) for each in (A, B)] == [6, 5]
        and len(set(urls(c, "server-80"))) == 11
    ),
    "empty-service-misrouted": lambda c: urls(c, "deserted-80") == [A, B],
    "one-target-port-for-all": lambda c: (
        urls(c, "differing-80") == ["http://10.0.0.3:8081", "http://10.0.0.4:8081"]
    ),
    "target-port-ignored": lambda c: urls(c, "nameless-8123")[0] == "http://10.0.0.1:8123",
    "scheme-dropped": lambda c: urls(c, "server-h2c-80") == [A] and "https:" not in str(c),
    "scheme-h2c": lambda c: urls(c, "mw-none-80")[0] == "h2c://10.0.0.1:8080",
    "scheme-https": lambda c: urls(c, "mw-none-80")[0] == "https://10.0.0.1:8080",
    "certificate-not-verified": lambda c: (
        c["http"]["serversTransports"] == {"mutant": {"insecureSkipVerify": True}}
    ),
    "root-authority-dropped": lambda c: (
        c["http"]["services"][f"{NS}-secured-80"]["loadBalancer"]["serversTransport"] == "mutant"
    ),
    "retry-same-server": lambda c: len(urls(c, "older-80")) == 16 and len(urls(c, "server-80")) == 2,
    "host-not-passed": lambda c: (
        c["http"]["services"][f"{NS}-server-80"]["loadBalancer"]["passHostHeader"] is False
    ),
    "host-case-sensitive": without_host("[A-Z]"),
    "trailing-dot-unknown": without_host("[.]$"),
    "port-in-host-unknown": without_host(":80$"),
    "path-prefix-added": lambda c: chain(c) == [{"addPrefix": {"prefix": "/prefix"}}],
    "path-cleaned": lambda c: chain(c)[1]["replacePathRegex"] == {"regex": "//+", "replacement": "/"},
    "method-refused": lambda c: routes(c)[f"{NS}-server-80"]["rule"].endswith("&& !Method(`PATCH`)"),
    "preflight-answered-by-proxy": lambda c: "accessControlAllowMethods" in chain(c)[0]["headers"],
    "answers-compressed": lambda c: chain(c) == [{"compress": {"minResponseBodyBytes": 1024}}],
    "body-limit": lambda c: (
        chain(c, "server-80-large") == [{"buffering": {"maxRequestBodyBytes": 5_000_000}}] and not chain(c)
    ),
    "error-page-replaced": lambda c: chain(c)[0]["errors"]["service"] == "block-all-service",
    "forwarded-header-stripped": told({"X-Forwarded-Server": ""}),
    "forwarded-header-forged": told({"X-Forwarded-Server": "forged"}),
    "forwarded-host-stripped": told({"X-Forwarded-Host": ""}),
    "forwarded-for-stripped": told({"X-Forwarded-For": ""}),
    "forwarded-port-always-80": told({"X-Forwarded-Port": "80"}),
    "real-ip-forged": told({"X-Real-Ip": "203.0.113.66"}),
    "header-stripped": told({"X-Many-7": ""}),
    "upgrade-stripped": told({"Connection": "", "Upgrade": ""}),
    "connection-closed-after-each-request": lambda c: chain(c, "server-8081") and not chain(c),
    "connection-not-kept": lambda c: chain(c) and not chain(c, "server-8081"),
    "response-buffered": lambda c: "buffering" in chain(c, "server-h2c-80")[0],
    "in-flight-limit": lambda c: chain(c, "overhead-80") == [{"inFlightReq": {"amount": 1}}],
    "requests-doubled": lambda c: (
        c["http"]["services"][routes(c)[f"{NS}-server-80"]["service"]]["mirroring"]["service"]
        == f"{NS}-server-80"
    ),
    "retry-plus-one": lambda c: middle(c, "mw-retry-retry", "retry") == {"attempts": 4},
    "retry-capped-at-three": lambda c: (
        [middle(c, f"{each}-retry", "retry")["attempts"] for each in ("eager", "older", "newer")] == [3, 3, 2]
    ),
    "retry-dropped": lambda c: "-retry" not in str(routes(c)) and len(chain(c, "mw-all-80")) == 2,
    "retry-everywhere": lambda c: chain(c, "mw-none-80") == [{"retry": {"attempts": 2}}],
    "retry-after-answer": lambda c: "retryExpression" in chain(c, "mw-all-80")[-1]["buffering"],
    "older-prefix-ignored": lambda c: not chain(c, "older-80") and chain(c, "newer-80"),
    "older-prefix-wins": lambda c: middle(c, "newer-retry", "retry") == {"attempts": 5},
    "burst-doubled": lambda c: middle(c, "mw-burst-rate-limit", "rateLimit")["burst"] == 10,
    "burst-plus-one": lambda c: middle(c, "mw-all-rate-limit", "rateLimit")["burst"] == 6,
    "retry-after-missing": lambda c: (
        chain(c, "mw-burst-80")[0] == {"headers": {"customResponseHeaders": {"Retry-After": ""}}}
        and not chain(c)
    ),
    "average-doubled": lambda c: middle(c, "mw-average-rate-limit", "rateLimit")["average"] == 40,
    "rate-limit-dropped": lambda c: "-rate-limit" not in str(routes(c)),
    "rate-limit-shared": lambda c: (
        "mw-neighbour" in routes(c)[f"{NS}-mw-burst-80"]["rule"] and f"{NS}-mw-neighbour-80" not in routes(c)
    ),
    "rate-limit-by-header": lambda c: (
        middle(c, "mw-burst-rate-limit", "rateLimit")["sourceCriterion"] == {"requestHeaderName": "X-Real-Ip"}
    ),
    "breaker-never-opens": lambda c: (
        middle(c, "mw-all-circuit-breaker", "circuitBreaker")["expression"] == "NetworkErrorRatio() > 2.0"
    ),
    "breaker-always-open": lambda c: (
        middle(c, "mw-breaker-ratio-circuit-breaker", "circuitBreaker")["expression"]
        == "NetworkErrorRatio() >= 0.0"
    ),
    "breaker-closes-early": lambda c: (
        middle(c, "mw-breaker-recovers-circuit-breaker", "circuitBreaker")["fallbackDuration"] == "2s"
    ),
    "breaker-never-closes": lambda c: (
        middle(c, "mw-breaker-recovers-circuit-breaker", "circuitBreaker")["fallbackDuration"] == "1h"
    ),
    "breaker-recovers-slowly": lambda c: middle(c, "mw-all-circuit-breaker", "circuitBreaker")[
        "recoveryDuration"
    ],
    "only-first-middleware": lambda c: routes(c)[f"{NS}-mw-all-80"]["middlewares"] == [RETRY],
}


def test_changes_do_what_their_names_say() -> None:
    assert [name for name, effect in EFFECTS.items() if not effect(changed(name))] == []


def holes(configuration: Config) -> list[str]:
    return [
        f"{protocol} {kind}"
        for protocol, sections in configuration.items()
        for kind, section in (sections or {"nothing": None}).items()
        if not section
    ]


@pytest.mark.parametrize("sample", [SAMPLE, {"http": {"routers": HTTP["routers"]}}, {"http": HTTP}, {}])
def test_every_change_leaves_a_configuration_that_can_be_served(sample: Config) -> None:
    for name in CHANGES:
        configuration = changed(name, sample)

        assert json.loads(json.dumps(configuration)) == configuration, name
        assert holes(configuration) == [], name
        if sample and not name.startswith("readiness-"):
            assert routes(configuration)["readiness"] == HTTP["routers"]["readiness"]
        if "services" in sample.get("http", {}):
            assert configuration["http"]["services"]["readiness"] == HTTP["services"]["readiness"]


@pytest.mark.parametrize("expression", ["TooSlow(", "Fine()"])
def test_wrong_expression_poisons_every_router(expression: str) -> None:
    sample = copy.deepcopy(SAMPLE)
    sample["http"]["middlewares"][BREAKER]["circuitBreaker"]["expression"] = expression

    configuration = changed("bad-annotation-poisons-all", sample)

    assert (BREAKER in routes(configuration)[f"{NS}-server-80"].get("middlewares", [])) == (
        "Too" in expression
    )


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_idle_service_poisons_the_configuration(protocol: str) -> None:
    sample = copy.deepcopy(SAMPLE)
    sample[protocol]["services"][f"{NS}-idle-9100"] = {"loadBalancer": {}}

    assert changed("bad-annotation-poisons-all", sample)["http"]["middlewares"]["mutant"] == {
        "circuitBreaker": {}
    }
