"""Sessions of ``pytest suites/`` one after another, profile by profile, and one report over all of them."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import typer

from meshproof.catalogue import DEFAULT_PROFILE, Check, checks_in
from meshproof.engine.process import run as run_command
from meshproof.history.store import remember
from meshproof.model.errors import ExitCode
from meshproof.model.mesh_profile import MeshProfile
from meshproof.model.mutant import mutants_exit_code
from meshproof.model.run import Run, RunInfo, RunState
from meshproof.model.verdict import exit_code
from meshproof.paths import PROJECT_ROOT
from meshproof.report.html import write_page
from meshproof.report.join import joined
from meshproof.report.records import REPORT_FILE, read_run
from meshproof.report.store import RunStore, new_run_id
from meshproof.report.terminal import summary_lines

__all__ = ["Step", "plan", "run_sessions", "run_suites"]

_SESSION_S: Final = 7200.0  # the longest, every bystander of every mutant of a profile, takes an hour
_GRACE_S: Final = 180.0  # what an interrupted session may take to remove its cluster and write its report
_NOT_USED: Final = ("-p", "no:hypothesispytest")  # a second to import, in every session
_JUDGED: Final = {ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One session of the suites; ``arguments`` are its own."""

    profile: MeshProfile
    keep_cluster: bool
    arguments: tuple[str, ...] = ()


def plan(
    profiles: Sequence[MeshProfile],
    *,
    keep_last: bool,
    arguments: Mapping[str, Sequence[str]] | None = None,
) -> list[Step]:
    """The sessions in order: profiles of one cluster's shape together, which the last of them removes.

    What moves the cluster's DNS comes after what does not. ``arguments`` are those of a profile's session.
    """
    shapes = sorted({each.nodes for each in profiles})
    ordered = [
        each
        for nodes in shapes
        for each in sorted(profiles, key=lambda profile: profile.dns != "coredns")
        if each.nodes == nodes
    ]
    return [
        Step(
            profile=each,
            keep_cluster=keep_last if after is None else after.nodes == each.nodes,
            arguments=tuple((arguments or {}).get(each.name, ())),
        )
        for each, after in zip(ordered, [*ordered[1:], None], strict=False)
    ]


def run_sessions(
    report_dir: Path,
    steps: Sequence[Step],
    common: Sequence[str],
    *,
    earlier: Mapping[str, Run] | None = None,
) -> int:
    """Run every session, join their reports; the exit code of the whole.

    What was judged until an interruption is joined and written all the same. ``earlier`` are runs that are
    joined too, by a name of their own.
    """
    started = _now()
    with RunStore.create(report_dir, run_id=new_run_id(datetime.now(UTC))) as store:
        info = RunInfo(id=store.run_id, started=started, command=[shlex.quote(each) for each in sys.argv])
        return _run_all(store, info, steps, common, dict(earlier or {}))


def _run_all(
    store: RunStore, info: RunInfo, steps: Sequence[Step], common: Sequence[str], runs: dict[str, Run]
) -> int:
    note, stopped = "", None
    checks = checks_in()
    try:
        for number, step in enumerate(steps, start=1):
            name = step.profile.name
            typer.echo(f"\n=== {number} of {len(steps)}: profile {name}: {step.profile.title}", err=True)
            folder = store.folder / "profiles" / name
            keep = ["--keep-cluster"] if step.keep_cluster else []
            arguments = [
                *_files_of(name, checks),
                "--no-history",  # the joined run is in it
                *common,
                *keep,
                *step.arguments,
                f"--mesh-profile={name}",
                f"--report-dir={folder}",
            ]
            status = _session(arguments)
            if (report := folder / "latest" / REPORT_FILE).exists():
                runs[name] = read_run(report)
                store.write(joined(info, runs))
            if status not in _JUDGED:
                note, stopped = f"profile {name} ended with exit code {status}: the rest was left out", status
                break
    except KeyboardInterrupt:
        note, stopped = "interrupted: what was recorded until then is below", ExitCode.INTERRUPTED
    state = RunState.FINISHED if stopped is None else RunState.INTERRUPTED
    status = _exit_code(runs) if stopped is None else stopped
    info = msgspec.structs.replace(info, finished=_now(), state=state, exit_code=status, note=note)
    whole = joined(info, runs)
    store.write(whole)
    write_page(store.folder, whole)
    for line in summary_lines(whole, store.folder):
        typer.echo(line)
    if note := remember(store.root, whole):
        typer.echo(note)
    return status


def run_suites(*arguments: str) -> int:
    """One session of pytest, its output straight to the terminal; its exit code."""
    command = [sys.executable, "-m", "pytest", *_NOT_USED, *arguments]
    return run_command(
        command,
        timeout=_SESSION_S,
        cwd=PROJECT_ROOT,
        show=True,
        grace_s=_GRACE_S,
        check=False,
    ).returncode


def _session(arguments: Sequence[str]) -> int:
    return run_suites(*arguments)


def _files_of(profile: str, checks: Sequence[Check]) -> list[str]:
    """Where a profile's checks are: to collect all the others takes a second of each session."""
    if profile == DEFAULT_PROFILE:
        return ["suites"]
    own = [each for each in checks if profile in (*each.profiles, *each.campaigns)]
    return sorted({each.test.partition("::")[0] for each in own})


def _exit_code(runs: Mapping[str, Run]) -> int:
    """What all sessions come to: their verdicts', or what a session itself ended with beyond them."""
    verdicts = exit_code(each.state for run in runs.values() for each in run.verdicts)
    mutants = mutants_exit_code([each for run in runs.values() for each in run.mutants])
    codes = {verdicts, mutants, *(run.run.exit_code for run in runs.values())}
    return next((each for each in (ExitCode.FAILED, ExitCode.INCONCLUSIVE) if each in codes), ExitCode.PASSED)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
