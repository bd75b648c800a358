"""Mutants of the middlewares that annotations ask for: retry, rate limit, circuit breaker."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

NEVER: Final = "NetworkErrorRatio() > 2.0"  # a ratio is at most 1
ALWAYS: Final = "NetworkErrorRatio() >= 0.0"  # ... and at least 0
AGAIN: Final = "Attempts() < 2 && (ResponseCode() == 500 || ResponseCode() == 503)"
POISON: Final[dict[str, Any]] = {"circuitBreaker": {}}  # Traefik refuses a configuration that has this


def _of(
    configuration: parts.Configuration, scope: parts.Scope, kind: str, *services: str
) -> Iterator[dict[str, Any]]:
    """What stands in the namespace's middlewares of a kind; of these services, if any is named."""
    wanted = {f"{scope.namespace}-{each}-" for each in services} or {f"{scope.namespace}-"}
    for name, middleware in parts.section(configuration, "middlewares").items():
        stem = name.removesuffix("retry").removesuffix("rate-limit").removesuffix("circuit-breaker")
        mine = stem in wanted if services else name.startswith(tuple(wanted))
        if mine and kind in middleware:
            yield middleware[kind]


def _drop(configuration: parts.Configuration, scope: parts.Scope, ending: str, *services: str) -> None:
    """Take middlewares out of routers."""
    for _, router in parts.routers(configuration, scope, *services):
        left = [each for each in router.get("middlewares", []) if not each.endswith(ending)]
        router.pop("middlewares", None)
        if left:
            router["middlewares"] = left


def retry_plus_one(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service's refused connection is tried once more than annotated."""
    for retry in _of(configuration, scope, "retry", "mw-retry"):
        retry["attempts"] = retry.get("attempts", 0) + 1


def retry_capped_at_three(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A refused connection is tried three times at most, whatever the annotation says."""
    for retry in _of(configuration, scope, "retry"):
        retry["attempts"] = min(retry.get("attempts", 0), 3)


def retry_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """No service has its retry."""
    _drop(configuration, scope, "-retry")


def retry_everywhere(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A service that asks for no retry has one."""
    for _, router in parts.routers(configuration, scope):
        if not any(each.endswith("-retry") for each in router.get("middlewares", [])):
            router["middlewares"] = [*router.get("middlewares", []), "mutant"]
            parts.add(configuration, "middlewares", "mutant", {"retry": {"attempts": 2}})


def retry_after_answer(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Where retries are asked for, a request that was answered with 500 or 503 is sent again."""
    for _, router in parts.routers(configuration, scope):
        if any(each.endswith("-retry") for each in router.get("middlewares", [])):
            router["middlewares"].append("mutant")
            parts.add(configuration, "middlewares", "mutant", {"buffering": {"retryExpression": AGAIN}})


def older_prefix_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Annotations of the older prefix count for nothing."""
    _drop(configuration, scope, "-retry", "older")


def older_prefix_wins(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Where both prefixes are given the older one counts: five tries."""
    for retry in _of(configuration, scope, "retry", "newer"):
        retry["attempts"] = 5


def burst_doubled(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Twice the burst passes at once."""
    for limit in _of(configuration, scope, "rateLimit", "mw-burst", "mw-all", "mw-all-too", "limited"):
        limit["burst"] = 2 * limit.get("burst", 1)


def burst_plus_one(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """One more than the burst passes at once."""
    for limit in _of(configuration, scope, "rateLimit"):
        limit["burst"] = limit.get("burst", 1) + 1


def retry_after_missing(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Who is beyond a rate limit is not told when to come again."""
    silent = {"headers": {"customResponseHeaders": {"Retry-After": ""}}}
    for _, router in parts.routers(configuration, scope):
        if any(each.endswith("-rate-limit") for each in router.get("middlewares", [])):
            router["middlewares"] = ["mutant", *router["middlewares"]]
            parts.add(configuration, "middlewares", "mutant", silent)


def average_doubled(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Twice the average passes over time."""
    for limit in _of(configuration, scope, "rateLimit", "mw-average"):
        limit["average"] = 2 * limit.get("average", 1)


def rate_limit_dropped(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """No service has its rate limit."""
    _drop(configuration, scope, "-rate-limit")


def rate_limit_shared(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Two services are one to the proxies, and have one rate limit and one set of pods."""
    neighbours = list(parts.routers(configuration, scope, "mw-neighbour"))
    for _, router in parts.routers(configuration, scope, "mw-burst"):
        for name, neighbour in neighbours:
            if router.get("entryPoints") == neighbour.get("entryPoints"):
                router["rule"] = f"{router['rule']} || {neighbour['rule']}"
                del parts.section(configuration, "routers")[name]


def rate_limit_by_header(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A client has the limit of whoever it says that it is."""
    for limit in _of(configuration, scope, "rateLimit"):
        limit["sourceCriterion"] = {"requestHeaderName": "X-Real-Ip"}


def breaker_never_opens(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """No circuit breaker's expression is ever true."""
    for breaker in _of(configuration, scope, "circuitBreaker"):
        if _is_whole(breaker.get("expression", "")):
            breaker["expression"] = NEVER


def breaker_always_open(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A circuit breaker opens at the first answer, whatever that is."""
    for breaker in _of(configuration, scope, "circuitBreaker", "mw-breaker-ratio"):
        breaker["expression"] = ALWAYS


def breaker_closes_early(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """An open circuit breaker lets requests through after 2 s."""
    for breaker in _of(configuration, scope, "circuitBreaker", "mw-breaker-recovers"):
        breaker["fallbackDuration"] = "2s"


def breaker_never_closes(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """An open circuit breaker stays open for an hour."""
    for breaker in _of(configuration, scope, "circuitBreaker", "mw-breaker-recovers"):
        breaker["fallbackDuration"] = "1h"


def breaker_recovers_slowly(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A circuit breaker that begins to close again takes 30 s until it lets everything through."""
    for breaker in _of(configuration, scope, "circuitBreaker"):
        if _is_whole(breaker.get("expression", "")):
            breaker["recoveryDuration"] = "30s"


def only_first_middleware(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """Of a service's middlewares only the first is in use."""
    for _, router in parts.routers(configuration, scope):
        if router.get("middlewares"):
            del router["middlewares"][1:]


def bad_annotation_poisons_all(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """One service's meaningless annotation, or one without pods, takes all the others down."""
    middlewares = parts.section(configuration, "middlewares")
    wrong = [
        name
        for name, each in middlewares.items()
        if name.startswith(f"{scope.namespace}-")
        and not _is_whole(each.get("circuitBreaker", {}).get("expression", ""))
    ]
    if wrong:
        for _, router in parts.routers(configuration, scope):
            router["middlewares"] = [*router.get("middlewares", []), *wrong]
    if any(map(_is_empty, middlewares.values())) or _has_idle_service(configuration, scope):
        parts.add(configuration, "middlewares", "mutant", POISON)


def _is_whole(expression: str) -> bool:
    """Whether an expression has as many brackets that open as that close."""
    return expression.count("(") == expression.count(")")


def _is_empty(middleware: Mapping[str, Any]) -> bool:
    """Whether a middleware says nothing: no expression, or no try."""
    for kind, field in (("circuitBreaker", "expression"), ("retry", "attempts")):
        if kind in middleware and not middleware[kind].get(field):
            return True
    return False


def _has_idle_service(configuration: parts.Configuration, scope: parts.Scope) -> bool:
    """Whether a TCP or UDP service has no server."""
    return any(
        not balancer.get("servers")
        for protocol in ("tcp", "udp")
        for _, balancer in parts.balancers(configuration, scope, protocol=protocol)
    )


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    retry_plus_one,
    retry_capped_at_three,
    retry_dropped,
    retry_everywhere,
    retry_after_answer,
    older_prefix_ignored,
    older_prefix_wins,
    burst_doubled,
    burst_plus_one,
    retry_after_missing,
    average_doubled,
    rate_limit_dropped,
    rate_limit_shared,
    rate_limit_by_header,
    breaker_never_opens,
    breaker_always_open,
    breaker_closes_early,
    breaker_never_closes,
    breaker_recovers_slowly,
    only_first_middleware,
    bad_annotation_poisons_all,
)
