"""A real Traefik on loopback: metrics on one entry point, a service behind another."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from meshproof.engine.waiting import Look, eventually
from meshproof.mesh.adapter import ProxyPod

TRAEFIK = Path(sys.executable).parent / "traefik"

STARTED_S = 20.0  # under one second on an idle machine
ENDED_S = 10.0


class Traefik:
    """One proxy; also the part of a mesh that Counters needs, with this proxy as its only one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as web, socket.socket() as metrics:
            for each in (web, metrics):
                each.bind(("127.0.0.1", 0))
            self.port, self.metrics_port = web.getsockname()[1], metrics.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def proxies(self) -> tuple[ProxyPod, ...]:
        return (ProxyPod(name="traefik", uid="u-1", ip="127.0.0.1", node="n", ready=True),)

    def proxy_metrics(self, _proxy: ProxyPod) -> str:
        return httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", trust_env=False).text

    def configure(self, services: Mapping[str, str]) -> None:
        """Route ``/<service>`` to its server, in one step as the file provider wants it."""
        routers = {
            name: {"rule": f"PathPrefix(`/{name}`)", "service": name, "entryPoints": ["web"]}
            for name in services
        }
        servers = {name: {"loadBalancer": {"servers": [{"url": url}]}} for name, url in services.items()}
        text = json.dumps({"http": {"routers": routers, "services": servers}} if services else {})
        temporary = self.folder / "routes.tmp"
        temporary.write_text(text)
        temporary.replace(self.folder / "routes.yaml")

    def routes(self, name: str) -> Look[None]:
        """Look whether a service is routed: answered by anything but Traefik's own 404."""
        try:
            status = httpx.head(f"{self.url}/{name}", trust_env=False).status_code
        except httpx.TransportError as error:
            return Look(met=False, value=None, seen=str(error))
        return Look(met=status != 404, value=None, seen=str(status))

    def answers(self) -> Look[None]:
        """Look whether the metrics are served."""
        try:
            status = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", trust_env=False).status_code
        except httpx.TransportError as error:
            return Look(met=False, value=None, seen=str(error))
        return Look(met=status == 200, value=None, seen=str(status))


@contextmanager
def running(folder: Path, services: Mapping[str, str]) -> Iterator[Traefik]:
    """Traefik, routing each of ``services`` (name -> URL), until the block ends."""
    traefik = Traefik(folder)
    traefik.configure(services)
    process = subprocess.Popen(_arguments(traefik), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(traefik.answers, what="Traefik's metrics are served", within=STARTED_S, every=0.05)
        for name in services:
            eventually(_routed(traefik, name), what=f"{name} is routed", within=STARTED_S, every=0.05)
        yield traefik
    finally:
        process.terminate()
        try:
            process.wait(ENDED_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(ENDED_S)


def _routed(traefik: Traefik, name: str) -> Any:
    return lambda: traefik.routes(name)


def _arguments(traefik: Traefik) -> list[str]:
    return [
        str(TRAEFIK),
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
        "--log.level=ERROR",
        f"--entryPoints.web.address=127.0.0.1:{traefik.port}",
        f"--entryPoints.metrics.address=127.0.0.1:{traefik.metrics_port}",
        "--metrics.prometheus=true",
        "--metrics.prometheus.addServicesLabels=true",
        "--metrics.prometheus.entryPoint=metrics",
        "--providers.providersThrottleDuration=100ms",
        f"--providers.file.filename={traefik.folder / 'routes.yaml'}",
        "--providers.file.watch=true",
    ]
