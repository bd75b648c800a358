"""``meshproof conformance``: the profiles of the mesh one after another, and one report over all of them."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from meshproof.catalogue import load_profiles
from meshproof.engine.process import run as run_command
from meshproof.model.errors import ExitCode
from meshproof.model.mesh_profile import MeshProfile, choose_profile
from meshproof.model.run import Run, RunInfo, RunState
from meshproof.model.verdict import exit_code
from meshproof.paths import PROJECT_ROOT
from meshproof.report.html import write_page
from meshproof.report.join import joined
from meshproof.report.records import REPORT_FILE, read_run
from meshproof.report.store import DEFAULT_ROOT, RunStore, new_run_id
from meshproof.report.terminal import summary_lines

__all__ = ["conformance", "plan"]

_SESSION_S: Final = 3600.0  # the longest, overhead included, takes five minutes
_GRACE_S: Final = 180.0  # what an interrupted session may take to remove its cluster and write its report
_JUDGED: Final = {ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One session of the suites."""

    profile: MeshProfile
    keep_cluster: bool


def conformance(
    profiles: Annotated[
        list[str] | None, typer.Argument(metavar="[PROFILE]...", help="of suites/profiles.toml; default: all")
    ] = None,
    *,
    overhead: Annotated[
        bool, typer.Option("--overhead/--no-overhead", help="measure the overhead, too (profile plain)")
    ] = True,
    expectations: Annotated[
        bool,
        typer.Option(
            "--expectations/--no-expectations", help="known deviations do not turn the exit code red"
        ),
    ] = True,
    keep_cluster: Annotated[bool, typer.Option("--keep-cluster", help="keep the last cluster")] = False,
    cluster_name: Annotated[str, typer.Option(help="name of the kind cluster")] = "meshproof",
    report_dir: Annotated[Path, typer.Option(help="where runs/<run id>/ is written")] = DEFAULT_ROOT,
) -> None:
    """Judge the mesh under its profiles, one session of `pytest suites/` each, and join them into one report.

    Profiles with as many nodes follow one another on one cluster. Exit code 0: every requirement holds, or is
    a known deviation; 1: one failed; 6: something could not be judged; 2: interrupted.
    """
    known = load_profiles()
    chosen = [choose_profile(known, name) for name in dict.fromkeys(profiles or known)]
    started = _now()
    with RunStore.create(report_dir, run_id=new_run_id(datetime.now(UTC))) as store:
        common = [f"--cluster-name={cluster_name}"]
        common += ["--expectations"] if expectations else []
        common += [] if overhead else ["-m", "not overhead"]
        info = RunInfo(id=store.run_id, started=started, command=[shlex.quote(each) for each in sys.argv])
        ended = _run_all(store, info, plan(chosen, keep_last=keep_cluster), common)
    raise typer.Exit(ended)


def plan(profiles: Sequence[MeshProfile], *, keep_last: bool) -> list[Step]:
    """The sessions in order: profiles of one cluster's shape together, which the last of them removes.

    What moves the cluster's DNS comes after what does not.
    """
    shapes = sorted({each.nodes for each in profiles})
    ordered = [
        each
        for nodes in shapes
        for each in sorted(profiles, key=lambda profile: profile.dns != "coredns")
        if each.nodes == nodes
    ]
    return [
        Step(profile=each, keep_cluster=keep_last if after is None else after.nodes == each.nodes)
        for each, after in zip(ordered, [*ordered[1:], None], strict=False)
    ]


def _run_all(store: RunStore, info: RunInfo, steps: Sequence[Step], common: Sequence[str]) -> int:
    """Run every session; what was judged until an interruption is joined and written all the same."""
    runs: dict[str, Run] = {}
    note, stopped = "", None
    try:
        for number, step in enumerate(steps, start=1):
            name = step.profile.name
            typer.echo(f"\n=== {number} of {len(steps)}: profile {name}: {step.profile.title}", err=True)
            folder = store.folder / "profiles" / name
            keep = ["--keep-cluster"] if step.keep_cluster else []
            arguments = [*common, *keep, f"--mesh-profile={name}", f"--report-dir={folder}"]
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
    return status


def _session(arguments: Sequence[str]) -> int:
    """One session of the suites, its output straight to the terminal; its exit code."""
    command = [sys.executable, "-m", "pytest", "suites", *arguments]
    return run_command(
        command, timeout=_SESSION_S, cwd=PROJECT_ROOT, show=True, grace_s=_GRACE_S, check=False
    ).returncode


def _exit_code(runs: Mapping[str, Run]) -> int:
    """What all sessions come to: their verdicts', or what a session itself ended with beyond them."""
    verdicts = exit_code(each.state for run in runs.values() for each in run.verdicts)
    codes = {run.run.exit_code for run in runs.values()}
    if verdicts is ExitCode.PASSED and ExitCode.INCONCLUSIVE in codes:
        return ExitCode.INCONCLUSIVE
    return verdicts


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
