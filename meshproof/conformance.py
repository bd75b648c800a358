"""``meshproof conformance``: the profiles of the mesh one after another, and one report over all of them."""

from pathlib import Path
from typing import Annotated

import typer

from meshproof.catalogue import load_profiles
from meshproof.model.mesh_profile import choose_profile
from meshproof.report.store import DEFAULT_ROOT
from meshproof.sessions import plan, run_sessions

__all__ = ["conformance"]


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
    common = [f"--cluster-name={cluster_name}"]
    common += ["--expectations"] if expectations else []
    common += [] if overhead else ["-m", "not overhead"]
    raise typer.Exit(run_sessions(report_dir, plan(chosen, keep_last=keep_cluster), common))
