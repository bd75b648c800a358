"""What mutants of the served configuration disturb beside what they break, and why: no hole in a check."""

from collections.abc import Mapping
from typing import Final

__all__ = ["DISTURBS"]

_HOST: Final = "it asks for a host that nobody has, and this mutant answers for it"
_SERVERS: Final = "it compares a service's servers, which are others"
_STALE: Final = "what changes is not taken up in time"
_TOLD: Final = "its witness is what the proxy tells the server of itself"
_PATHS: Final = "it compares the path that arrives"
_BODIES: Final = "it sends bodies, which the server takes for requests"
_SHOP: Final = "it asks the same split service"
_WITNESS: Final = "its witness is the trace that the server is told"
_BREAKER: Final = "it opens a breaker, which is open still"
_LIMIT: Final = "it counts on a limit"
_STREAM: Final = "a TCP server gets a line more"
_BY_PATH: Final = "its rules are of a path, too"
_LET_IN: Final = "it has somebody let in first"
_SHUT_OUT: Final = "it has somebody shut out"

# Mutant -> requirement, or the beginning of requirements -> why its checks may fail.
DISTURBS: Final[Mapping[str, Mapping[str, str]]] = {
    "backend-dropped": {
        **dict.fromkeys(
            ["TM-ROUTE-016", "TM-ROUTE-017", "TM-ROUTE-040", "TM-ROUTE-04", "TM-ROUTE-05"], _SERVERS
        )
    },
    "backend-stale": {"TM-ROUTE-04": _SERVERS},
    "backend-foreign": dict.fromkeys(["TM-ROUTE-", "TM-SMI-", "TM-MW-", "TM-METRIC-"], _SERVERS),
    "body-forwarded-raw": dict.fromkeys(
        ["TM-ROUTE-00", "TM-ROUTE-02", "TM-ROUTE-03", "TM-METRIC-017", "TM-SEC-0"], _BODIES
    ),
    "host-not-passed": dict.fromkeys(
        ["TM-SEC-007", "TM-SMI-004", "TM-SMI-007"], "it compares the Host that arrives"
    ),
    "path-prefix-added": dict.fromkeys(
        ["TM-ROUTE-02", "TM-ROUTE-03", "TM-SEC-01", "TM-METRIC-017", "TM-TRACE-0"], _PATHS
    ),
    "error-page-replaced": {"TM-TRACE-011": "the page is a span of its own"},
    "forwarded-header-stripped": dict.fromkeys(["TM-ROUTE-", "TM-SEC-", "TM-TRACE-"], _TOLD),
    "forwarded-header-forged": dict.fromkeys(["TM-ROUTE-", "TM-SEC-", "TM-TRACE-"], _TOLD),
    "catch-all-route": dict.fromkeys(
        ["TM-ROUTE-042", "TM-ROUTE-047", "TM-ROUTE-054", "TM-ROUTE-069", "TM-SEC-0", "TM-METRIC-018"], _HOST
    ),
    "host-rule-dropped": dict.fromkeys(
        ["TM-ROUTE-011", "TM-ROUTE-04", "TM-ROUTE-05", "TM-ROUTE-069", "TM-SEC-0", "TM-METRIC-018"], _HOST
    ),
    "port-dropped": dict.fromkeys(
        ["TM-ROUTE-052", "TM-ROUTE-053", "TM-ROUTE-06", "TM-MW-"], "it asks a service's second port"
    ),
    "tcp-router-missing": dict.fromkeys(["TM-ROUTE-02", "TM-ROUTE-033", "TM-ROUTE-07"], "it is about TCP"),
    "udp-leads-nowhere": {"TM-ROUTE-072": "it is about UDP"},
    "configuration-frozen": dict.fromkeys(["TM-ROUTE-", "TM-MW-", "TM-SMI-", "TM-METRIC-016"], _STALE),
    "controller-stalls-on-error": dict.fromkeys(["TM-ROUTE-06", "TM-ROUTE-07"], _STALE),
    "proxy-lags": dict.fromkeys(["TM-ROUTE-", "TM-MW-", "TM-SMI-", "TM-METRIC-016"], _STALE),
    "one-proxy-lags": {"TM-ROUTE-084": _STALE},
    "response-buffered": dict.fromkeys(
        ["TM-ROUTE-02", "TM-ROUTE-03", "TM-ROUTE-055", "TM-SEC-00"], "a buffer changes framing and trailers"
    ),
    "route-kept-after-deletion": {"TM-ROUTE-05": "services that are gone answer"},
    "router-dropped-on-change": {"TM-": "it follows a check that changed something"},
    "route-flaps": {"TM-": "nothing of `server` can be relied upon"},
    "empty-service-misrouted": dict.fromkeys(["TM-ROUTE-046", "TM-SMI-005"], "it begins without pods"),
    "bad-annotation-poisons-all": {"TM-": "everything has a middleware that cannot be built"},
    "traffic-type-ignored": {"TM-ROUTE-07": "one TCP route takes every service of its port"},
    "tcp-port-taken-over": {"TM-ROUTE-06": "the first TCP port is another's"},
    "tcp-port-leaked": {"TM-ROUTE-06": "who got a port that another had left has none"},
    "udp-port-leaked": {"TM-ROUTE-06": "who got a port that another had left has none"},
    "connection-not-kept": dict.fromkeys(
        ["TM-ROUTE-019", "TM-ROUTE-023", "TM-ROUTE-026"], "it counts on a connection that is kept"
    ),
    "retry-plus-one": {"TM-MW-020": "it counts the same service's tries"},
    "retry-dropped": dict.fromkeys(["TM-MW-013", "TM-MW-018", "TM-ROUTE-050"], "it counts tries"),
    "retry-same-server": {"TM-MW-018": "some of its requests meet the server that refuses"},
    "retry-after-answer": {"TM-MW-0": "bodies are buffered to be sent again"},
    "rate-limit-dropped": dict.fromkeys(["TM-MW-007", "TM-MW-012"], _LIMIT),
    "trace-header-stripped": {"TM-TRACE-008": _WITNESS},
    "trace-restarted": {"TM-TRACE-008": _WITNESS},
    "status-rewritten": {"TM-METRIC-01": "it compares failures"},
    "tcp-bytes-changed": {"TM-ROUTE-070": "what it gets by HTTP is in upper case, too"},
    "breaker-never-closes": {"TM-MW-008": _BREAKER},
    "breaker-never-opens": {"TM-MW-009": "it needs a breaker that is open"},
    "split-weights-equal": {"TM-SMI-012": _SHOP},
    "split-ignored": dict.fromkeys(["TM-SMI-011", "TM-SMI-012"], _SHOP),
    "split-backend-dropped": {"TM-SMI-012": _SHOP},
    "split-applied-to-backends": {"TM-SMI-009": "its witness is a backend that is asked by its own name"},
    "forwarded-host-stripped": dict.fromkeys(["TM-ROUTE-0", "TM-SEC-0"], "it compares that header"),
    "forwarded-for-stripped": dict.fromkeys(
        ["TM-ROUTE-0", "TM-SEC-0", "TM-SMI-0"], "it compares that header"
    ),
    "real-ip-forged": dict.fromkeys(["TM-ROUTE-0", "TM-SEC-0"], "it compares that header"),
    "deny-becomes-allow": dict.fromkeys(["TM-SMI-029", "TM-SMI-033"], _SHUT_OUT),
    "deny-after-forwarding": {"TM-SMI-033": _SHUT_OUT},
    "acl-off": {"TM-SMI-": _SHUT_OUT},
    "allow-becomes-deny": {"TM-SMI-": _LET_IN},
    "path-filter-ignored": dict.fromkeys(["TM-SMI-025", "TM-SMI-026"], _BY_PATH),
    "only-first-target": dict.fromkeys(["TM-SMI-027", "TM-SMI-032"], _LET_IN),
    "source-filter-dropped": {"TM-SMI-029": _SHUT_OUT},
    "targets-merged": dict.fromkeys(["TM-SMI-024", "TM-SMI-032"], _SHUT_OUT),
    "target-ignored": dict.fromkeys(["TM-SMI-03", "TM-SMI-041", "TM-SMI-05"], _LET_IN),
    "removal-does-not-revoke": dict.fromkeys(
        ["TM-SMI-020", "TM-SMI-021"], "a target of an earlier check goes on letting in"
    ),
    "host-lowercased": dict.fromkeys(["TM-ROUTE-058", "TM-SEC-007"], "it compares the Host that arrives"),
    "escapes-capitalised": {"TM-SEC-01": _PATHS},
    "encoded-nul-dropped": {"TM-SEC-012": _PATHS},
    "error-headers-dropped": dict.fromkeys(
        ["TM-ROUTE-016", "TM-ROUTE-017", "TM-ROUTE-04", "TM-ROUTE-05"], _SERVERS
    ),
    "forwarded-port-always-80": dict.fromkeys(["TM-ROUTE-0", "TM-SEC-0"], "it compares that header"),
    "longer-host-routed": dict.fromkeys(["TM-ROUTE-054", "TM-SEC-0"], _HOST),
    "empty-service-not-found": dict.fromkeys(["TM-ROUTE-046", "TM-ROUTE-09"], "it begins without pods"),
    "endpoints-follow-late": dict.fromkeys(["TM-ROUTE-", "TM-MW-", "TM-SMI-"], _STALE),
    "proxy-protocol-added": dict.fromkeys(["TM-ROUTE-02", "TM-ROUTE-03", "TM-ROUTE-06", "TM-SMI-"], _STREAM),
    "burst-plus-one": dict.fromkeys(["TM-MW-007", "TM-MW-01"], _LIMIT),
    "breaker-recovers-slowly": dict.fromkeys(["TM-MW-008", "TM-MW-01"], _BREAKER),
    "split-weights-rounded": dict.fromkeys(["TM-SMI-003", "TM-SMI-005", "TM-SMI-01", "TM-SMI-043"], _SHOP),
    "path-exact-only": {"TM-SMI-0": _BY_PATH},
}
