"""fortio's command line, and its results: read whole, held against each other, refused when damaged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.fortio import Window, arguments, read_yield
from tests.measure.fortio_results import BEGAN_NS, GAP_NS, LATENCIES_S, log, printed, result

ALL = Window(begins_ns=0, ends_ns=2**63)


def command(**changed: Any) -> list[str]:
    options: dict[str, Any] = {
        "authority": "overhead.lab.traefik.mesh",
        "requests": 51,
        "rate_per_s": 30.0,
        "payload_bytes": 0,
        "keep_alive": True,
        "timeout_s": 5.0,
        "log": "/scratch/1.log",
    }
    return arguments("http://10.0.0.9:80/", **(options | changed))


def test_run_has_an_exact_number_at_a_fixed_rate_over_one_connection() -> None:
    assert " ".join(command()) == (
        "fortio load -quiet -json - -r 0.00001 -p 50,90 -c 1 -n 51 -qps 30 -nocatchup -jitter -timeout 5s"
        " -H Host: overhead.lab.traefik.mesh -log-errors=false"
        " -access-log-file /scratch/1.log -access-log-format json http://10.0.0.9:80/"
    )


def test_body_and_new_connections_are_what_the_profile_says() -> None:
    made = command(payload_bytes=65536, keep_alive=False)

    assert made[-4:] == ["-payload-size", "65536", "-keepalive=false", "http://10.0.0.9:80/"]


def test_every_request_but_the_first_is_measured_to_the_microsecond() -> None:
    found = read_yield(printed(), log(), ALL)

    assert found.service_ms == pytest.approx([3.452, 0.337, 0.288])
    assert (found.requests, found.discarded, found.sockets) == (4, 1, 1)
    assert found.errors == {}


def test_what_began_outside_the_window_is_discarded() -> None:
    window = Window(begins_ns=BEGAN_NS + 2 * GAP_NS, ends_ns=BEGAN_NS + 3 * GAP_NS)

    found = read_yield(printed(), log(), window)

    assert found.service_ms == pytest.approx([0.337])
    assert (found.requests, found.discarded) == (4, 3)


def test_errors_are_counted_by_kind_whenever_they_began() -> None:
    codes = ["503", "200", "-1", "503"]

    found = read_yield(printed(RetCodes={"503": 2, "200": 1, "-1": 1}, SocketCount=2), log(codes=codes), ALL)

    assert found.errors == {"HTTP 503": 2, "socket": 1}
    assert found.requests == sum(found.errors.values()) + found.discarded + len(found.service_ms)


def _without(key: str) -> str:
    return json.dumps({name: value for name, value in result().items() if name != key})


def _times(**changed: Any) -> str:
    return printed(DurationHistogram=result()["DurationHistogram"] | changed)


@pytest.mark.parametrize(
    ("said", "logged", "why"),
    [
        pytest.param("", log(), "fortio's JSON: not JSON", id="nothing printed"),
        pytest.param(printed()[:300], log(), "fortio's JSON: not JSON", id="cut"),
        pytest.param("[]", log(), "not an object", id="a list"),
        pytest.param(_without("DurationHistogram"), log(), "no DurationHistogram", id="no histogram"),
        pytest.param(_without("RetCodes"), log(), "no RetCodes", id="no codes"),
        pytest.param(_without("SocketCount"), log(), "SocketCount is None", id="no sockets"),
        pytest.param(_times(Count="4"), log(), "Count is '4'", id="count is text"),
        pytest.param(_times(Max=float("nan")), log(), "Max is nan", id="NaN"),
        pytest.param(_times(Min=-1.0), log(), "Min is -1.0", id="negative"),
        pytest.param(_times(Min=True), log(), "Min is True", id="a boolean"),
        pytest.param(_times(Max=0.0036), log(), "slowest request took 0.0036 s", id="another slowest"),
        pytest.param(_times(Min=0.0001), log(), "fastest request took 0.0001 s", id="another fastest"),
        pytest.param(printed(), "", "counted 4 requests and logged 0", id="no log"),
        pytest.param(printed(), log(LATENCIES_S[:3]), "counted 4 requests and logged 3", id="a line lost"),
        pytest.param(printed(), log() * 2, "counted 4 requests and logged 8", id="another run's lines too"),
        pytest.param(printed(), log()[:-20], "line 4 of fortio's log: not JSON", id="log cut"),
        pytest.param(printed(), log().replace("true", '"yes"'), "no ok", id="ok is text"),
        pytest.param(printed(), log().replace("0.000337", "-0.000337"), "latency is -0.0003", id="backwards"),
        pytest.param(printed(), log().replace('"iter":2', '"iter":-2'), "iter is -2", id="iter"),
        pytest.param(printed(), log(codes=["200", "200", "503", "200"]), "the codes", id="another status"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(said: str, logged: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("[", r"\[")):
        read_yield(said, logged, ALL)


@given(st.text(), st.text())
def test_any_text_is_read_or_refused(said: str, logged: str) -> None:
    for one, other in ((said, log()), (printed(), logged)):
        try:
            read_yield(one, other, ALL)
        except ValueError:
            continue
