"""The agent's part for traffic that goes on in the background while something else happens to the mesh.

Requests leave at a fixed rate, whatever became of those before: a proxy that stalls is not given a rest.
Stands beside agent.py in the client pod.
"""

import asyncio
import base64
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

TOLD: Final = 20  # troubles that are told in full, the last to be sent among them; all are counted
IN_FLIGHT: Final = 200  # requests at once; beyond it the traffic waits, which its summary shows as fewer sent

Exchange = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Steady:
    """One run of constant traffic, bounded in time and in number."""

    def __init__(self, asked: dict[str, Any], exchange: Exchange) -> None:
        self._asked = asked
        self._exchange = exchange
        self._gate = asyncio.Semaphore(IN_FLIGHT)
        self._stop = asyncio.Event()
        self._begun = time.time()
        self._sent = 0
        self._answered: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._served_by: Counter[str] = Counter()
        self._troubles: list[dict[str, Any]] = []
        self._last_success: float | None = None
        self._longest_gap = 0.0
        self._task = asyncio.create_task(self._run())

    async def end(self) -> dict[str, Any]:
        """Send nothing more, wait for what is on its way, and tell."""
        self._stop.set()
        await self._task
        return {
            "seconds": time.time() - self._begun,
            "sent": self._sent,
            "answered": dict(self._answered),
            "failed": dict(self._failed),
            "served_by": dict(self._served_by),
            "troubles": self._troubles,
            "longest_gap_ms": self._longest_gap * 1000.0,
        }

    async def _run(self) -> None:
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            while not self._stop.is_set() and self._sent < self._asked["most"]:
                due = begun + self._sent / self._asked["rate"]
                if due - begun > self._asked["seconds"]:
                    return
                wait = due - time.perf_counter()
                if wait > 0:
                    try:
                        await asyncio.wait_for(self._stop.wait(), wait)
                    except TimeoutError:
                        pass
                    else:
                        return
                await self._gate.acquire()
                url = self._asked["urls"][self._sent % len(self._asked["urls"])]
                group.create_task(self._one(url, self._sent))
                self._sent += 1

    async def _one(self, url: str, number: int) -> None:
        request = {
            "id": str(number),
            "url": url,
            "method": "GET",
            "headers": self._asked["headers"],
            "body": "",
            "timeout_s": self._asked["timeout_s"],
            "fresh": self._asked["fresh"],
            "http2": False,
            "chunked": False,
        }
        try:
            told = await self._exchange(request)
        finally:
            self._gate.release()
        at = told["timing"]["started_at"]
        if failure := told.get("failure"):
            self._failed[failure["kind"]] += 1
            self._trouble(at, url, failure["kind"], failure["text"])
            return
        response = told["response"]
        self._answered[str(response["status"])] += 1
        if 200 <= response["status"] < 300:
            self._succeeded(response)
        else:
            body = base64.b64decode(response["body"]).decode(errors="replace")
            self._trouble(at, url, str(response["status"]), body)

    def _succeeded(self, response: dict[str, Any]) -> None:
        now = time.perf_counter()
        if self._last_success is not None:
            self._longest_gap = max(self._longest_gap, now - self._last_success)
        self._last_success = now
        server = next((value for name, value in response["headers"] if name.lower() == "x-echo-hostname"), "")
        self._served_by[server] += 1

    def _trouble(self, at: float, url: str, what: str, text: str) -> None:
        trouble = {"at": at, "url": url, "what": what, "text": text[:500]}
        if len(self._troubles) < TOLD:
            self._troubles.append(trouble)
        elif at > self._troubles[-1]["at"]:
            self._troubles[-1] = trouble


class Traffic:
    """The runs that are under way, by number."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._runs: dict[int, Steady] = {}
        self._number = 0

    def start(self, asked: dict[str, Any]) -> int:
        """Begin one; the number ends it."""
        self._number += 1
        self._runs[self._number] = Steady(asked, self._exchange)
        return self._number

    async def stop(self, number: int) -> dict[str, Any]:
        """End one. Raises KeyError for a number that is not under way."""
        return await self._runs.pop(number).end()
