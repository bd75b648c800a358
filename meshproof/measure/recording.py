"""The lines that a master prints become a Recording: pure, and strict about what is missing.

A log can be cut at either end (rotation, a killed pod) or in the middle of a line; a figure from part of an
experiment would look like any other, so nothing is judged unless all of it arrived.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from hdrh.histogram import HdrHistogram

from meshproof.model.errors import HarnessError
from meshproof.model.load import Profile, RecordedCell, RecordedPhase, Recording, Restart

__all__ = ["PREFIX", "Started", "parse_log", "read_start", "recording_from_json", "recording_to_json"]

PREFIX: Final = "MESHPROOF-LOAD "  # as loadtests/cells.py prints it

_TAIL_LINES: Final = 15  # of the log, as evidence


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """The master's first line: when t0 is, and the plan."""

    t0_unix: float
    arms: dict[str, str]
    workers: int
    warmup_s: float
    settle_s: float
    phases: list[tuple[str, int, float, float]]  # arm, round, start and end in seconds since t0


class _CellLine(msgspec.Struct, frozen=True, kw_only=True):
    worker: int
    arm: str
    round: int
    requests: int
    errors: dict[str, int]
    discarded: int
    beyond: int
    unsent: int
    connections: int
    cpu_s: float
    wall_s: float
    service: str
    response: str
    lag: str
    late: str = ""


class _WorkerLine(msgspec.Struct, frozen=True, kw_only=True):
    worker: int
    lookups_ms: dict[str, list[float]]
    warmup: dict[str, tuple[int, int]]
    cpus: list[int] = []


def read_start(log: str) -> Started | None:
    """The start line, as soon as it is there: for showing progress. Raises HarnessError on a failure line."""
    for record in _records(log, ignore_last_partial=True):
        if record["kind"] == "start":
            return msgspec.convert(record, Started)
    return None


def parse_log(log: str, profile: Profile, *, restarts: Sequence[Restart] = ()) -> Recording:
    """The master's whole log to a Recording, histograms merged over the workers.

    Raises HarnessError, with the end of the log, when the master reported a failure, when lines are missing,
    doubled or damaged, or when the counts of a cell do not add up.
    """
    records = _records(log)
    kinds = [record["kind"] for record in records]
    if kinds.count("start") != 1 or kinds.count("end") != 1 or kinds[-1] != "end":
        raise _refused(f"expected one start and one end line, got {kinds[:1]} ... {kinds[-1:]}", log)
    if records[-1]["lines"] != len(records) - 1:
        raise _refused(f"{len(records) - 1} lines arrived of {records[-1]['lines']}", log)
    try:
        start = msgspec.convert(records[kinds.index("start")], Started)
        cells = [msgspec.convert(r, _CellLine) for r in records if r["kind"] == "cell"]
        workers = [msgspec.convert(r, _WorkerLine) for r in records if r["kind"] == "worker"]
        _check_complete(start, cells, workers, log)
        _check_pinned(profile, workers, log)
        merged = [
            _merged([c for c in cells if (c.arm, c.round) == (arm, number)])
            for arm, number, _, _ in start.phases
        ]
    except (msgspec.ValidationError, ValueError) as error:
        raise _refused(f"a line does not fit: {error}", log) from error
    return Recording(
        profile=profile,
        arms=start.arms,
        started=datetime.fromtimestamp(start.t0_unix, UTC).isoformat(timespec="milliseconds"),
        phases=[RecordedPhase(arm=a, round=r, starts_s=s, ends_s=e) for a, r, s, e in start.phases],
        cells=merged,
        lookups_ms={arm: [ms for w in workers for ms in w.lookups_ms.get(arm, [])] for arm in start.arms},
        warmup={arm: _sum_pairs([w.warmup.get(arm, (0, 0)) for w in workers]) for arm in start.arms},
        restarts=list(restarts),
        worker_cpus=[w.cpus for w in workers],
    )


def recording_to_json(recording: Recording) -> str:
    """The file that is kept beside the report."""
    return msgspec.json.format(msgspec.json.encode(recording), indent=1).decode() + "\n"


def recording_from_json(text: str | bytes) -> Recording:
    """Read it back. Raises msgspec.ValidationError naming the path of what does not fit."""
    return msgspec.json.decode(text, type=Recording)


def _records(log: str, *, ignore_last_partial: bool = False) -> list[dict[str, Any]]:
    lines = log.splitlines(keepends=True)
    ours = [line for line in lines if line.startswith(PREFIX)]
    if ignore_last_partial and ours and lines[-1] is ours[-1] and not ours[-1].endswith("\n"):
        ours.pop()
    records = []
    for line in ours:
        try:
            record = msgspec.json.decode(line[len(PREFIX) :], type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise _refused(f"a line is damaged ({error}): {line[:120]}", log) from error
        if not isinstance(record.get("kind"), str) or (
            record["kind"] == "end" and not isinstance(record.get("lines"), int)
        ):
            raise _refused(f"a line is not a record: {line[:120]}", log)
        if record["kind"] == "failure":
            raise HarnessError(
                where="load generator",
                problem=str(record.get("problem")),
                remedy="see the end of the master's log",
                evidence=_tail(log),
            )
        records.append(record)
    return records


def _check_complete(start: Started, cells: list[_CellLine], workers: list[_WorkerLine], log: str) -> None:
    wanted = {(w, arm, number) for w in range(start.workers) for arm, number, _, _ in start.phases}
    got = [(cell.worker, cell.arm, cell.round) for cell in cells]
    if len(got) != len(set(got)) or set(got) != wanted:
        doubled = sorted({key for key in got if got.count(key) > 1})
        problem = f"missing {sorted(wanted - set(got))[:3]}, doubled {doubled[:3]}, "
        raise _refused(problem + f"unknown {sorted(set(got) - wanted)[:3]} (worker, arm, round)", log)
    if sorted(w.worker for w in workers) != list(range(start.workers)):
        raise _refused(f"{len(workers)} of {start.workers} workers described themselves", log)


def _check_pinned(profile: Profile, workers: list[_WorkerLine], log: str) -> None:
    for worker in workers:
        if profile.cpus and worker.cpus != sorted(profile.cpus):
            raise _refused(
                f"worker {worker.worker} could run on the CPUs {worker.cpus}, expected {profile.cpus}", log
            )


def _merged(lines: list[_CellLine]) -> RecordedCell:
    errors: dict[str, int] = {}
    for cell in lines:
        accounted = sum(cell.errors.values()) + cell.discarded + cell.beyond + _count(cell.service)
        if cell.wall_s <= 0:
            raise ValueError(f"{cell.arm} round {cell.round}: a phase that lasted {cell.wall_s:g} s")
        if accounted != cell.requests:
            raise ValueError(
                f"{cell.arm} round {cell.round}: {cell.requests} sent, {accounted} accounted for"
            )
        for kind, count in cell.errors.items():
            errors[kind] = errors.get(kind, 0) + count
    return RecordedCell(
        arm=lines[0].arm,
        round=lines[0].round,
        requests=sum(cell.requests for cell in lines),
        errors=errors,
        discarded=sum(cell.discarded for cell in lines),
        beyond=sum(cell.beyond for cell in lines),
        unsent=sum(cell.unsent for cell in lines),
        connections=sum(cell.connections for cell in lines),
        cpu_share=max(cell.cpu_s / cell.wall_s for cell in lines),
        cpu_s=sum(cell.cpu_s for cell in lines),
        service=_merge([cell.service for cell in lines]),
        response=_merge([cell.response for cell in lines]),
        lag=_merge([cell.lag for cell in lines]),
        late=_merge([cell.late for cell in lines if cell.late]),
    )


def _decoded(encoded: str) -> HdrHistogram:
    try:
        return HdrHistogram.decode(encoded)
    except Exception as error:  # the codec raises whatever the bytes lead it to
        raise ValueError(f"not a histogram: {encoded[:40]!r} ({error})") from error


def _count(encoded: str) -> int:
    return int(_decoded(encoded).get_total_count())


def _merge(encoded: list[str]) -> str:
    if len(encoded) < 2:
        return "".join(encoded)
    total = _decoded(encoded[0])
    for other in encoded[1:]:
        total.add(_decoded(other))
    return str(total.encode().decode())


def _sum_pairs(pairs: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(first for first, _ in pairs), sum(second for _, second in pairs)


def _refused(problem: str, log: str) -> HarnessError:
    return HarnessError(
        where="load generator's log",
        problem=problem,
        remedy="measure again; nothing is judged from part of an experiment",
        evidence=_tail(log),
    )


def _tail(log: str) -> str:
    return "\n".join(line[:200] for line in log.splitlines()[-_TAIL_LINES:])
