"""Which pods outside the mesh restarted while load was on: from two listings of a namespace. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from meshproof.model.load import Restart

__all__ = ["restarts_between"]


def restarts_between(
    before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]], *, t0_unix: float
) -> list[Restart]:
    """Containers whose restart count rose, and pods that came or went; ``at_s`` counts from ``t0_unix``.

    A pod that was on its way out before is no neighbour any more: that it goes says nothing.
    """
    listed = list(before)
    leaving = {pod["metadata"]["uid"] for pod in listed if "deletionTimestamp" in pod["metadata"]}
    earlier = {pod["metadata"]["uid"]: pod for pod in listed if pod["metadata"]["uid"] not in leaving}
    later = {pod["metadata"]["uid"]: pod for pod in after if pod["metadata"]["uid"] not in leaving}
    found = []
    for uid, pod in later.items():
        if uid not in earlier:
            at = _since(pod["metadata"].get("creationTimestamp"), t0_unix)
            found.append(Restart(pod=pod["metadata"]["name"], at_s=at, reason="a new pod"))
            continue
        counts = {status["name"]: status["restartCount"] for status in _statuses(earlier[uid])}
        found += [
            _restart(pod["metadata"]["name"], status, t0_unix)
            for status in _statuses(pod)
            if status["restartCount"] > counts.get(status["name"], 0)
        ]
    for uid in earlier.keys() - later.keys():
        name = earlier[uid]["metadata"]["name"]
        found.append(Restart(pod=name, at_s=None, reason="the pod is gone"))
    return found


def _restart(pod: str, status: dict[str, Any], t0_unix: float) -> Restart:
    ended = (status.get("lastState") or {}).get("terminated") or {}
    return Restart(
        pod=f"{pod}/{status['name']}",
        at_s=_since(ended.get("finishedAt"), t0_unix),
        reason=f"{ended.get('reason', 'unknown')}, exit code {ended.get('exitCode', 'unknown')}",
    )


def _statuses(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return (pod.get("status") or {}).get("containerStatuses") or []


def _since(stamp: str | None, t0_unix: float) -> float | None:
    return None if stamp is None else datetime.fromisoformat(stamp).timestamp() - t0_unix
