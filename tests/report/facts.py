"""What a test records, as an evidence holds it."""

from typing import Any


def exchange_fact(**changed: Any) -> dict[str, Any]:
    """An exchange as a test records it."""
    fact: dict[str, Any] = {
        "request": {
            "method": "GET",
            "url": "http://echo.default.traefik.mesh:80/path?q=1",
            "headers": [["Accept", "*/*"], ["Uber-Trace-Id", "5af7183fb1d4cf5f:5af7183fb1d4cf5f:0:1"]],
        },
        "total_ms": 1.873,
        "response": {
            "status": 200,
            "http_version": "HTTP/1.1",
            "headers": [["Content-Type", "application/json"], ["X-Echo-Hostname", "echo-5d9c7b-x2x9k"]],
            "body_length": 412,
        },
        "seen_by_server": {
            "hostname": "echo-5d9c7b-x2x9k",
            "ip": ["10.244.0.12"],
            "host": "10.96.14.7:5000",
            "remoteAddr": "10.244.0.17:41234",
            "headers": {
                "X-Forwarded-Server": ["traefik-mesh-proxy-7xk2p"],
                "X-Forwarded-For": ["10.244.0.21"],
            },
        },
    }
    return fact | changed
