"""Mutants of a controller that goes away and comes back, or that loses the API server.

What is served while there is none is up to the change: with an OSError nothing is, as without a mutant.
"""

import copy
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["ALONE", "CHANGES"]

GONE_S: Final = 2.0  # a poll or two; a controller that is replaced is gone for five seconds and more
EMPTY_S: Final = 3.0  # poll 1 s, throttle 2 s: a proxy takes it up
API_S: Final = 0.4  # one that runs answers in milliseconds; two proxies wait in turn, a second at most
MESHS_OWN: Final = ("readiness", "block-all")  # what the controller begins with


def _without_services(configuration: parts.Configuration) -> None:
    """Leave the mesh's own routes alone."""
    for protocol in ("http", "tcp", "udp"):
        for kind in parts.KINDS:
            elements = parts.section(configuration, kind, protocol)
            for name in [each for each in elements if not each.startswith(MESHS_OWN)]:
                del elements[name]


def _is_gone(scope: parts.Scope) -> bool:
    """Whether the controller has been away for longer than a name's look-up may fail by chance."""
    since: float = scope.memory.setdefault("since", time.monotonic())
    return time.monotonic() - since >= GONE_S


def _starts(scope: parts.Scope) -> bool:
    """Whether this is the first answer of a controller that was gone. Raises OSError while it is away."""
    if scope.away:
        _is_gone(scope)
        raise ConnectionRefusedError("the controller does not answer")
    starts = "since" in scope.memory and _is_gone(scope)
    scope.memory.pop("since", None)
    return starts


def proxy_drops_configuration_without_controller(
    configuration: parts.Configuration, scope: parts.Scope
) -> None:
    """A proxy that cannot reach the controller has no route any more."""
    if not scope.away:
        scope.memory.pop("since", None)
    elif _is_gone(scope):
        configuration.clear()
    else:
        raise ConnectionRefusedError("the controller does not answer")


def controller_starts_empty(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A controller that starts has no service for the first 3 s that a proxy asks it."""
    if _starts(scope):
        scope.memory["began"] = {}
    began: dict[str, float] | None = scope.memory.get("began")
    now = time.monotonic()
    if began is not None and now - began.setdefault(scope.caller, now) < EMPTY_S:
        _without_services(configuration)


def controller_forgets_what_it_missed(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A controller that starts goes on with what was so before, and does not look at what is there."""
    if _starts(scope):
        scope.memory["kept"] = scope.memory.get("known", {})
    if "kept" not in scope.memory:
        scope.memory["known"] = copy.deepcopy(configuration)
        return
    configuration.clear()
    configuration.update(copy.deepcopy(scope.memory["kept"]))


def controller_serves_nothing_without_api(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A controller that cannot reach the API server has no service."""
    del scope
    if not _api_answers():
        _without_services(configuration)


def _api_answers() -> bool:
    """Whether the API server answers at all, for which a pod needs no right; where there is none it does."""
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{each}") for each in ("HOST", "PORT"))
    if host is None:
        return True
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"https://{host}:{port}/readyz", timeout=API_S, context=anybody):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    proxy_drops_configuration_without_controller,
    controller_starts_empty,
    controller_forgets_what_it_missed,
    controller_serves_nothing_without_api,
)

ALONE: Final = (
    "proxy-drops-configuration-without-controller",
    "controller-starts-empty",
    "controller-forgets-what-it-missed",
)
