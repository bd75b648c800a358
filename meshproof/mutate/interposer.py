"""The shim: stands between the controller and its proxies, and serves them a changed configuration.

It runs in a pod (``python3 interposer.py``), mounted from a ConfigMap together with served*.py, front*.py,
gate.py and wire.py, and imports nothing else of meshproof. Without a mutant it passes everything on as it
is, but for the marker: an unused middleware whose name tells which order the configuration was made by.

Ports: ``SERVED`` as the controller's own; ``ORDERS`` for the harness alone, reached through the API server:
``/mutant?name=...&namespace=...&proxies=...``, answered by the order's number in JSON.
"""

import json
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

try:
    from meshproof.mutate import front, front_behaviours, gate, served
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import front  # type: ignore[import-not-found, no-redef]
    import front_behaviours  # type: ignore[import-not-found, no-redef]
    import gate  # type: ignore[import-not-found, no-redef]
    import served  # type: ignore[import-not-found, no-redef]
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["MARKER", "ORDERS", "SERVED", "Interposer"]

SERVED: Final = 9000
ORDERS: Final = 9001
MARKER: Final = "meshproof-order-"  # and the order's number

_CURRENT: Final = "/api/configuration/current"
_UPSTREAM_S: Final = 5.0
_UNUSED: Final = {"addPrefix": {"prefix": "/"}}  # Traefik refuses an element that is there and empty


class Interposer:
    """What is in force: one mutant, or none."""

    def __init__(self, upstream: str, address: str, nodes: Iterable[str] = ()) -> None:
        self._upstream = upstream
        self._address = address
        self._nodes = tuple(nodes)
        self._lock = threading.Lock()
        self._listeners = front.Listeners()
        self._gates = gate.Gates()
        self._order = 0
        self._name = ""
        self._scope = served.Scope(namespace="")

    def command(self, name: str, namespace: str, proxies: Sequence[str] = ()) -> dict[str, Any]:
        """Put a mutant in force; "" is none. A gate hands on to ``proxies``."""
        behaviour = front_behaviours.named(name)
        if name and not any((name in served.CHANGES, behaviour, gate.named(name))):
            return {"error": f"{name}: no such mutant"}
        with self._lock:
            self._order += 1
            self._name = name
            self._scope = served.Scope(namespace=namespace, nodes=self._nodes)
            self._listeners.behaviour = behaviour or front_behaviours.Behaviour()
            host = f"server.{namespace}.traefik.mesh"
            self._gates.put(gate.named(name), host=host, proxies=proxies)
            return {"order": self._order}

    def answer(self, path: str, caller: str = "") -> tuple[int, str, bytes]:
        """What the controller answers to a caller, changed where it is the configuration.

        Raises OSError where there is no controller.
        """
        away = False
        try:
            with urllib.request.urlopen(f"{self._upstream}{path}", timeout=_UPSTREAM_S) as answer:  # noqa: S310 - http, by us
                status, kind, body = answer.status, answer.headers.get("Content-Type", ""), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("Content-Type", ""), error.read()
        except OSError:
            if path != _CURRENT or self._name not in served.ALONE:
                raise
            away, status, kind, body = True, 200, "application/json", b"{}"
        if path != _CURRENT:
            return status, kind, body
        with self._lock:
            scope = replace(self._scope, caller=caller, away=away)
            configuration = self._changed(json.loads(body), scope)
            middlewares = configuration.setdefault("http", {}).setdefault("middlewares", {})
            middlewares[f"{MARKER}{self._order}"] = _UNUSED
            return status, kind, json.dumps(configuration).encode()

    def _changed(self, configuration: dict[str, Any], scope: served.Scope) -> dict[str, Any]:
        if change := served.CHANGES.get(self._name):
            change(configuration, scope)
        elif front_behaviours.named(self._name):
            self._redirect(configuration)
        return configuration

    def _redirect(self, configuration: dict[str, Any]) -> None:
        """Lead the services that the behaviour is for to a port of this pod."""
        for protocol, field in (("http", "url"), ("tcp", "address"), ("udp", "address")):
            for name, balancer in parts.balancers(configuration, self._scope, protocol=protocol):
                if self._stands_before(name, protocol):
                    for server in balancer.get("servers") or []:
                        self._lead(server, field, protocol)

    def _stands_before(self, name: str, protocol: str) -> bool:
        wanted = self._listeners.behaviour.services
        return name.removeprefix(f"{self._scope.namespace}-") in wanted or (
            "*" in wanted and protocol == "http"
        )

    def _lead(self, server: dict[str, str], field: str, protocol: str) -> None:
        """A server that is spoken to in TLS or in HTTP/2 alone, or refuses, stays as it is."""
        scheme, _, address = server[field].rpartition("//")
        if scheme in {"", "http:"} and (port := self._listeners.port_for(address, protocol)):
            own = f"{self._address}:{port}"
            server[field] = f"{scheme}//{own}" if scheme else own


def main() -> None:
    """Serve until the pod ends."""
    nodes = os.environ.get("NODES", "").split()
    interposer = Interposer(os.environ["UPSTREAM"], os.environ.get("POD_IP", ""), nodes)

    class Served(_Handler):
        def answer(self) -> tuple[int, str, bytes]:
            return interposer.answer(self.path, str(self.client_address[0]))

    class Orders(_Handler):
        def answer(self) -> tuple[int, str, bytes]:
            asked = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(asked.query).items()}
            proxies = given.get("proxies", "").split(",")
            told = interposer.command(given.get("name", ""), given.get("namespace", ""), proxies)
            return (400 if "error" in told else 200), "application/json", json.dumps(told).encode()

    orders = _Server(("", ORDERS), Orders)
    threading.Thread(target=orders.serve_forever, daemon=True).start()
    _Server(("", SERVED), Served).serve_forever()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    address_family = socket.AF_INET


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> tuple[int, str, bytes]:
        """Status, content type, body."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer; a controller that does not is a bad gateway."""
        try:
            status, kind, body = self.answer()
        except OSError as error:
            status, kind, body = 502, "text/plain", str(error).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """A poll a second is no news."""


if __name__ == "__main__":
    main()
