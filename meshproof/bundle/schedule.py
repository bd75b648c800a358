"""Runs the steps of a build side by side: each after what it needs, each lane at most so many at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from meshproof.engine.process import terminate_all

__all__ = ["Task", "run_tasks"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One step: ``needs`` names the tasks before it, ``lane`` the resource that it takes."""

    name: str
    lane: str
    action: Callable[[], None]
    needs: tuple[str, ...] = ()


def run_tasks(tasks: Sequence[Task], lanes: Mapping[str, int]) -> None:
    """Run every task, earlier ones first where several could. A failure ends the others; it is raised."""
    waiting = list(tasks)
    known = {task.name for task in tasks}
    if unknown := {need for task in tasks for need in task.needs} - known:
        raise ValueError(f"no task is called {sorted(unknown)}")
    running: dict[Future[None], Task] = {}
    done: set[str] = set()
    with ThreadPoolExecutor(max_workers=sum(lanes.values())) as pool:
        try:
            while waiting or running:
                for task in _ready(waiting, running.values(), done, lanes):
                    waiting.remove(task)
                    running[pool.submit(task.action)] = task
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    task = running.pop(future)
                    future.result()
                    done.add(task.name)
        except BaseException:
            terminate_all()
            raise


def _ready(
    waiting: Sequence[Task], running: Iterable[Task], done: set[str], lanes: Mapping[str, int]
) -> list[Task]:
    free = dict(lanes)
    for task in running:
        free[task.lane] -= 1
    chosen = []
    for task in waiting:
        if free[task.lane] > 0 and done.issuperset(task.needs):
            free[task.lane] -= 1
            chosen.append(task)
    return chosen
