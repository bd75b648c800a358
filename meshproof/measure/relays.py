"""The relays in front of a server: one program, each with a delay of its own. Pure builders."""

from typing import Any, Final

__all__ = ["TELL_PORT", "relay_name", "relay_objects"]

TELL_PORT: Final = 8081  # where a relay tells its delays, out of the way of what it relays

_PORT: Final = 8080
_UID: Final = 65532


def relay_name(delay_us: int) -> str:
    """Of the deployment, the service and the pods' label: ``relay-0``, ``relay-500us``, ``relay-5ms``."""
    if delay_us and delay_us % 1000 == 0:
        return f"relay-{delay_us // 1000}ms"
    return f"relay-{delay_us}us" if delay_us else "relay-0"


def relay_objects(delay_us: int, *, image: str, to: str) -> list[dict[str, Any]]:
    """A deployment of one replica that relays to ``to`` (host:port), and its service on port 80."""
    name = relay_name(delay_us)
    labels = {"app": name}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "automountServiceAccountToken": False,
                        "enableServiceLinks": False,
                        "terminationGracePeriodSeconds": 2,
                        "containers": [_container(delay_us, image, to)],
                    },
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": labels, "ports": [{"name": "web", "port": 80, "targetPort": _PORT}]},
        },
    ]


def _container(delay_us: int, image: str, to: str) -> dict[str, Any]:
    return {
        "name": "relay",
        "image": image,
        "imagePullPolicy": "Never",  # it is in the bundle
        "args": [f"-listen=:{_PORT}", f"-tell=:{TELL_PORT}", f"-to={to}", f"-delay={delay_us}us"],
        # Not through the relay: every piece that it holds is to be a request of the load.
        "readinessProbe": {"httpGet": {"path": "/health", "port": TELL_PORT}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": _UID,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
