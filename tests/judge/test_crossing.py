"""Whether a request crossed the mesh, and whether requests were balanced evenly."""

from collections import Counter
from typing import Any

import pytest

from meshproof.judge.crossing import backends, evenness, went_around
from meshproof.mesh.adapter import ProxyPod
from tests.model.exchanges import an_exchange, echoed

PROXIES = [
    ProxyPod(name="proxy-1", uid="1", ip="10.244.0.5", node="n", ready=True),
    ProxyPod(name="proxy-2", uid="2", ip="10.244.0.6", node="n", ready=True),
]


def test_request_that_a_live_proxy_sent_on_crossed_the_mesh() -> None:
    assert went_around(echoed().seen_by_server, PROXIES) is None


@pytest.mark.parametrize(
    ("changes", "proxies", "why"),
    [
        pytest.param({"headers": {}}, PROXIES, "X-Forwarded-Server is None", id="no-header"),
        pytest.param(
            {"headers": {"X-Forwarded-Server": ["proxy-0"]}},
            PROXIES,
            "names no live proxy (live: proxy-1, proxy-2)",
            id="dead-proxy",
        ),
        pytest.param({}, [], "names no live proxy (live: none)", id="no-proxies"),
        pytest.param(
            {"remoteAddr": "10.244.0.7:1"}, PROXIES, "from 10.244.0.7, not from proxy-1", id="forged-header"
        ),
        pytest.param(
            {"remoteAddr": "10.244.0.6:1"}, PROXIES, "from 10.244.0.6, not from proxy-1", id="another-proxy"
        ),
        pytest.param(
            {"headers": {"X-Forwarded-Server": ["proxy-1", "proxy-2"]}},
            PROXIES,
            "'proxy-1, proxy-2'",
            id="two-names",
        ),
    ],
)
def test_request_that_went_around_is_told_with_the_reason(
    changes: dict[str, Any], proxies: list[ProxyPod], why: str
) -> None:
    told = went_around(echoed(**changes).seen_by_server, proxies)

    assert told is not None
    assert why in told


def test_backends_are_counted_by_who_answered() -> None:
    exchanges = [echoed(hostname=name) for name in ("a", "b", "a")]

    assert backends(exchanges) == Counter(a=2, b=1)


def test_exchange_that_nobody_answered_is_not_counted_in_silence() -> None:
    with pytest.raises(AssertionError, match="did not reach an echo server"):
        backends([echoed(), an_exchange()])


@pytest.mark.parametrize(
    ("counts", "proxies", "why"),
    [
        pytest.param({"a": 10, "b": 10}, 1, None, id="equal"),
        pytest.param({"a": 11, "b": 10}, 1, None, id="one-apart"),
        pytest.param({"a": 12, "b": 10}, 2, None, id="two-apart-over-two-proxies"),
        pytest.param({"a": 12, "b": 10}, 1, "not even", id="two-apart-over-one-proxy"),
        pytest.param({"a": 20}, 1, "never reached: b", id="one-missed"),
        pytest.param({"a": 10, "b": 10, "c": 1}, 1, "not ready replicas: c", id="stranger"),
        pytest.param({"c": 1}, 1, "not ready replicas: c", id="only-a-stranger"),
        pytest.param({}, 1, "never reached: a, b", id="nothing-sent"),
    ],
)
def test_evenness(counts: dict[str, int], proxies: int, why: str | None) -> None:
    told = evenness(Counter(counts), ["a", "b"], proxies=proxies)

    assert (told is None) if why is None else (told is not None and why in told)
