"""Ways to change the configuration that the controller serves to its proxies, each a mutant of the mesh.

This file and its siblings ``served_*.py`` also run by themselves, beside ``interposer.py`` in a pod: they
import nothing but the standard library and each other. A configuration is Traefik's dynamic one as JSON:
``http``, ``tcp`` and ``udp`` with ``routers`` and ``services``, ``http`` with ``middlewares``, too; what
is empty may be absent. Names are ``<namespace>-<service>-<port>``; ``readiness`` and ``block-all-*`` are the
mesh's own.
"""

from collections.abc import Mapping
from typing import Final

try:
    from meshproof.mutate import (
        served_access,
        served_backends,
        served_control,
        served_http,
        served_middlewares,
        served_proxies,
        served_routes,
        served_rules,
        served_splits,
        served_streams,
        served_time,
    )
    from meshproof.mutate.served_parts import Change, Scope
except ImportError:  # in the pod they lie side by side
    import served_access  # type: ignore[import-not-found, no-redef]
    import served_backends  # type: ignore[import-not-found, no-redef]
    import served_control  # type: ignore[import-not-found, no-redef]
    import served_http  # type: ignore[import-not-found, no-redef]
    import served_middlewares  # type: ignore[import-not-found, no-redef]
    import served_proxies  # type: ignore[import-not-found, no-redef]
    import served_routes  # type: ignore[import-not-found, no-redef]
    import served_rules  # type: ignore[import-not-found, no-redef]
    import served_splits  # type: ignore[import-not-found, no-redef]
    import served_streams  # type: ignore[import-not-found, no-redef]
    import served_time  # type: ignore[import-not-found, no-redef]
    from served_parts import Change, Scope  # type: ignore[import-not-found, no-redef]

__all__ = ["ALONE", "CHANGES", "Change", "Scope"]

CHANGES: Final[Mapping[str, Change]] = {
    **served_routes.CHANGES,
    **served_backends.CHANGES,
    **served_http.CHANGES,
    **served_time.CHANGES,
    **served_proxies.CHANGES,
    **served_control.CHANGES,
    **served_middlewares.CHANGES,
    **served_splits.CHANGES,
    **served_access.CHANGES,
    **served_rules.CHANGES,
    **served_streams.CHANGES,
}

# Those that are asked although the controller does not answer; they may raise OSError, and then nobody does.
ALONE: Final = frozenset(served_control.ALONE)
