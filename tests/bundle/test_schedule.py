"""Steps run side by side, after what they need, and a failure ends them all."""

import threading

import pytest

from meshproof.bundle import schedule
from meshproof.bundle.schedule import Task, run_tasks


def test_a_task_runs_after_what_it_needs() -> None:
    order: list[str] = []
    tasks = [
        Task(name="last", lane="a", needs=("first", "second"), action=lambda: order.append("last")),
        Task(name="first", lane="a", action=lambda: order.append("first")),
        Task(name="second", lane="a", needs=("first",), action=lambda: order.append("second")),
    ]

    run_tasks(tasks, {"a": 2})

    assert order == ["first", "second", "last"]


def test_lanes_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=5)

    def meet() -> None:
        both.wait()

    tasks = [
        Task(name="compile", lane="a", action=meet),
        Task(name="fetch", lane="b", action=meet),
    ]

    run_tasks(tasks, {"a": 1, "b": 1})

    assert not both.broken


def test_a_lane_runs_no_more_at_once_than_it_may() -> None:
    alone = threading.Lock()
    together: list[str] = []

    def action() -> None:
        if not alone.acquire(blocking=False):
            together.append("two at once")
            return
        threading.Event().wait(0.01)
        alone.release()

    run_tasks([Task(name=f"{i}", lane="a", action=action) for i in range(4)], {"a": 1, "b": 3})

    assert together == []


def test_a_failure_ends_what_runs_and_starts_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    ran: list[str] = []
    monkeypatch.setattr(schedule, "terminate_all", release.set)

    def fail() -> None:
        raise ValueError("no")

    tasks = [
        Task(name="long", lane="a", action=lambda: None if release.wait(5) else ran.append("timed out")),
        Task(name="broken", lane="b", action=fail),
        Task(name="next", lane="b", needs=("broken",), action=lambda: ran.append("next")),
    ]

    with pytest.raises(ValueError, match="no"):
        run_tasks(tasks, {"a": 1, "b": 1})

    assert release.is_set()
    assert ran == []


def test_an_unknown_need_is_refused_before_anything_runs() -> None:
    ran: list[str] = []
    tasks = [
        Task(name="a", lane="a", action=lambda: ran.append("a")),
        Task(name="b", lane="a", needs=("c",), action=lambda: None),
    ]

    with pytest.raises(ValueError, match="no task is called"):
        run_tasks(tasks, {"a": 1})

    assert ran == []
