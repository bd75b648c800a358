"""The counters of a real Traefik, read as those of a mesh's proxy are."""

import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from meshproof.engine.waiting import Look, eventually
from meshproof.observe.counters import Counters, moved
from tests.observe.traefik_process import Traefik, running

LABEL = "backend@file"
RELOADED_S = 20.0  # the throttle of 0.1 s, on a busy machine


class Backend(BaseHTTPRequestHandler):
    """Answers 503 below /backend/broken, 200 elsewhere."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(503 if self.path.startswith("/backend/broken") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_POST = do_GET  # noqa: N815  # names that http.server calls
    log_message: Callable[..., None] = staticmethod(lambda *_: None)


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def traefik(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traefik]:
    folder: Path = tmp_path_factory.mktemp("traefik")
    with running(folder, {"backend": backend, "other": backend}) as proxy:
        yield proxy


@pytest.fixture
def counters(traefik: Traefik) -> Counters:
    return Counters(traefik)


@pytest.fixture
def http(traefik: Traefik) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=traefik.url, trust_env=False) as client:
        yield client


def test_counter_moves_by_exactly_what_was_sent(counters: Counters, http: httpx.Client) -> None:
    before = counters.scrape()
    for _ in range(7):
        http.get("/backend")

    movement = counters.settled(before, LABEL, expected=7)

    assert movement.requests == {("200", "GET"): 7}


def test_requests_are_told_apart_by_code_and_method(counters: Counters, http: httpx.Client) -> None:
    before = counters.scrape()
    http.get("/backend")
    http.post("/backend", content=b"x")
    http.post("/backend/broken")

    movement = counters.settled(before, LABEL, expected=3)

    assert movement.requests == {("200", "GET"): 1, ("200", "POST"): 1, ("503", "POST"): 1}


def test_another_service_behind_the_same_entry_point_does_not_count(
    counters: Counters, http: httpx.Client
) -> None:
    before = counters.scrape()
    http.get("/other")
    http.get("/backend")

    movement = counters.settled(before, LABEL, expected=1)

    assert movement.total == 1


def test_histogram_is_consistent_with_the_counter(counters: Counters, http: httpx.Client) -> None:
    before = counters.scrape()
    slowest = max(http.get("/backend").elapsed.total_seconds() for _ in range(5))

    movement = counters.settled(before, LABEL, expected=5)

    counts = list(movement.buckets.values())
    assert movement.buckets[math.inf] == movement.total == 5
    assert counts == sorted(counts)
    assert 0 < movement.seconds < 5 * slowest


def test_reload_is_seen_and_the_counters_survive_it(
    counters: Counters, http: httpx.Client, traefik: Traefik, backend: str
) -> None:
    before = counters.scrape()
    http.get("/backend")
    counters.settled(before, LABEL, expected=1)
    traefik.configure({"backend": backend, "other": backend, "third": backend})

    def reloaded() -> Look[int]:
        movement = moved(before, counters.scrape(), LABEL)
        return Look(met=movement.reloads > 0, value=movement.total, seen=str(movement.facts()))

    total = eventually(reloaded, what="the reload is counted", within=RELOADED_S).value

    assert total == 1
