"""A master's log as the conductor prints it, made from the very functions that print it."""

from typing import Any

from loadtests.cells import Cell, line
from meshproof.measure.profile import load_profile
from meshproof.model.load import Profile

ARMS = {"direct": "http://a", "control": "http://a", "mesh": "http://b"}
PHASES = [("mesh", 0, 1.0, 2.0), ("direct", 0, 2.0, 3.0), ("control", 0, 3.0, 4.0)]


def profile() -> Profile:
    return load_profile("smoke")


def start_line(*, workers: int = 2) -> str:
    return line(
        {
            "kind": "start",
            "t0_unix": 1_900_000_000.25,
            "arms": ARMS,
            "workers": workers,
            "warmup_s": 1.0,
            "settle_s": 0.1,
            "phases": PHASES,
        }
    )


def cell_record(arm: str, *, service_ms: float = 1.0, worker: int = 0) -> dict[str, Any]:
    """Ten answers, two in the settle time, one error."""
    cell = Cell(arm=arm, round=0, cpu_s=0.2 + worker / 10, wall_s=1.0, unsent=1)
    for k in range(12):
        cell.sent(lag_ms=0.5, settling=k < 2)
        cell.answered(service_ms=service_ms, lag_ms=0.5, settling=k < 2)
    cell.sent(lag_ms=0.5, settling=False)
    cell.errors["HTTP 503"] += 1
    cell.late_ms.extend([0.7, 0.8, 0.9])
    return cell.as_record() | {"worker": worker}


def lines(*, workers: int = 2) -> list[str]:
    """All of ours, without the end."""
    made = [start_line(workers=workers)]
    for worker in range(workers):
        about = {
            "kind": "worker",
            "worker": worker,
            "lookups_ms": {"mesh": [1.5]},
            "warmup": {"mesh": [5, 1]},
        }
        made.append(line(about))
        made += [line(cell_record(arm, service_ms=1.0 + worker, worker=worker)) for arm in ARMS]
    return made


def end_line(count: int) -> str:
    return line({"kind": "end", "lines": count})


def log(ours: list[str] | None = None) -> str:
    """With some of Locust's own lines in between."""
    made = lines() if ours is None else ours
    return (
        "\n".join(["[WARNING] locust: hello", *made, "Type Name # reqs", end_line(len(made)), "bye"]) + "\n"
    )
