"""A real Traefik v3 on loopback, before a stand-in for the echo program."""

import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from meshproof.engine.process import CommandFailedError
from meshproof.model.errors import HarnessError
from meshproof.model.trace_context import TraceParent
from meshproof.observe import loopback as module
from meshproof.observe.loopback import LoopbackProxy, main, traefik_beside

STAND_IN = """\
#!{python}
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Echo(BaseHTTPRequestHandler):
    def do_GET(self):
        headers = {{}}
        for name in self.headers:
            headers[name] = self.headers.get_all(name)
        seen = dict(hostname="h", ip=[], remoteAddr="", method="GET", url=self.path, host="", proto="",
                    headers=headers, bodyLength=0, bodySha256="")
        body = json.dumps(seen).encode()
        self.send_response({status})
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    log_message = lambda *_: None

host, port = sys.argv[1].removeprefix("-http=").split(":")
HTTPServer((host, int(port)), Echo).serve_forever()
"""


def stand_in(folder: Path, *, status: int = 200) -> Path:
    """A program that is started as the echo program is, and answers as it does."""
    program = folder / "echo"
    program.write_text(STAND_IN.format(python=sys.executable, status=status))
    program.chmod(0o755)
    return program


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackProxy]:
    folder = tmp_path_factory.mktemp("loopback")
    with traefik_beside(echo=stand_in(folder), folder=folder) as found:
        yield found


def test_traefik_stands_between(proxy: LoopbackProxy) -> None:
    seen = proxy.carry([])

    assert seen.header("X-Forwarded-Server")
    assert TraceParent.parse(seen.header("traceparent") or "").sampled


def test_header_lines_are_sent_as_they_are_given(proxy: LoopbackProxy) -> None:
    seen = proxy.carry([("X-One", "1"), ("x-one", "2"), ("X-Two", " blanks \t")])

    assert {name.lower(): values for name, values in seen.headers.items()}["x-one"] == ["1", "2"]
    assert seen.header("X-Two") == "blanks"


def test_answer_that_is_no_servers_breaks_the_claim(proxy: LoopbackProxy) -> None:
    with pytest.raises(AssertionError, match="answered 400"):
        proxy.carry([("Host", "a b")])


def test_proxy_that_is_not_there_says_nothing_of_headers() -> None:
    with pytest.raises(HarnessError, match="did not answer"):
        LoopbackProxy(port=1).carry([])


def test_program_that_does_not_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "echo"
    broken.write_text("#!/bin/sh\necho no such flag\nexit 2\n")
    broken.chmod(0o755)

    with (
        pytest.raises(CommandFailedError, match="no such flag"),
        traefik_beside(echo=broken, folder=tmp_path),
    ):
        pytest.fail("it never ran")


def test_trace_headers_can_be_tried_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = TraceParent.new()
    monkeypatch.setattr(module, "open_bundle", lambda: Mock(echo=stand_in(tmp_path)))

    main([f"traceparent: {trace}", "tracestate: foo=1"])

    told = capsys.readouterr().out
    assert told.startswith(f"traceparent: 00-{trace.trace_id}-")
    assert told.endswith("tracestate: foo=1\n")
