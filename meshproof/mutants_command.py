"""``meshproof mutants``: break the mesh on purpose, profile by profile, and see that the checks notice it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from meshproof.catalogue import checks_in, load_catalogue, load_profiles, profiles_by_requirement
from meshproof.model.errors import BadInputError, nearest
from meshproof.model.mutant import MutantResult, MutantState
from meshproof.model.run import Run
from meshproof.mutate.plan import killers_of
from meshproof.mutate.registry import INSTALLING, MUTANTS, PROFILES, QUICK, profiles_of, quick_killers_of
from meshproof.paths import PROJECT_ROOT
from meshproof.report.records import LATEST, REPORT_FILE, read_run
from meshproof.sessions import plan, run_sessions

__all__ = ["by_profile", "mutants", "undone"]

_SLOW_AREA: Final = "resilience"  # each of its checks takes a fault of half a minute
_REPORTS: Final = PROJECT_ROOT / "reports" / "mutants"


def mutants(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="of `--list`; default: all that are quick, some others"),
    ] = None,
    *,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="every mutant, the slow ones too, and every other check against each: some hours"
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="leave out what the last campaign judged, and join both")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="say what there is, and touch nothing")] = False,
    keep_cluster: Annotated[bool, typer.Option("--keep-cluster", help="keep the cluster")] = False,
    cluster_name: Annotated[str, typer.Option(help="name of the kind cluster")] = "meshproof",
    report_dir: Annotated[Path, typer.Option(help="where runs/<run id>/ is written")] = _REPORTS,
) -> None:
    """Break the mesh in every way that there is, one at a time, and see that the checks notice each.

    A mutant is applied to a ready mesh. The checks of the requirements that name it must fail, a sample of
    the others must not; then it is taken back. Exit code 0: all killed, and nothing else failed; 1: one
    survived, or a check failed that is not meant to; 6: one could not be judged; 2: interrupted (`--resume`).
    """
    given = _chosen(names or ())
    chosen = given or list(MUTANTS if full or listing else QUICK)
    if listing:
        _list(chosen)
        return
    wanted = by_profile(chosen, quick=not given and not full)
    earlier: dict[str, Run] = {}
    if resume:
        last = report_dir / LATEST / REPORT_FILE
        if not last.exists():
            raise BadInputError(
                where="--resume", problem=f"{last}: no such report", remedy="start without --resume"
            )
        earlier = {"before": read_run(last)}
        wanted = undone(wanted, earlier["before"].mutants)
    known = load_profiles()
    how = "full" if full else "sample" if given else "quick"
    arguments = {
        profile: [f"--mutants={how}", *(f"--mutant={name}" for name in names)]
        for profile, names in wanted.items()
    }
    steps = plan([known[name] for name in arguments], keep_last=keep_cluster, arguments=arguments)
    common = [f"--cluster-name={cluster_name}", "--expectations", "-q"]
    raise typer.Exit(run_sessions(report_dir, steps, common, earlier=earlier))


def by_profile(names: Iterable[str], *, quick: bool = False) -> dict[str, list[str]]:
    """Profile -> the mutants that are judged under it: each killer in the first of its profiles.

    With ``quick`` without those that a check would have to take something down for, or install the mesh
    itself, and each killer of what keeps killers waiting once.
    """
    catalogue = load_catalogue()
    checked = profiles_by_requirement(checks_in(), in_campaigns=True)
    found: dict[str, dict[str, set[str]]] = {name: {} for name in PROFILES}
    for name in names:
        able = [each for each in profiles_of(MUTANTS[name]) if not (quick and each in INSTALLING)]
        for killer in (quick_killers_of if quick else killers_of)(name, catalogue):
            profile = next((each for each in able if each in checked.get(killer, [])), None)
            if profile:
                found[profile].setdefault(name, set()).add(catalogue[killer].area)
    left = {
        profile: [name for name, areas in given.items() if not (quick and _SLOW_AREA in areas)]
        for profile, given in found.items()
    }
    return {profile: given for profile, given in left.items() if given}


def undone(wanted: Mapping[str, list[str]], results: Iterable[MutantResult]) -> dict[str, list[str]]:
    """What of ``wanted`` was not judged yet."""
    done = {(each.profile, each.name) for each in results if each.state is not MutantState.NOT_JUDGED}
    left = {
        profile: [name for name in names if (profile, name) not in done] for profile, names in wanted.items()
    }
    return {profile: names for profile, names in left.items() if names}


def _chosen(names: Iterable[str]) -> list[str]:
    for name in names:
        if name not in MUTANTS:
            raise BadInputError(
                where="meshproof mutants",
                problem=f"{name}: no such mutant",
                remedy=nearest(name, list(MUTANTS)),
            )
    return list(dict.fromkeys(names))


def _list(names: Iterable[str]) -> None:
    catalogue = load_catalogue()
    table = Table("mutant", "kind", "what is wrong", "killers", title="Ways in which the mesh is broken")
    for name in names:
        mutant = MUTANTS[name]
        table.add_row(
            name, mutant.change.kind.value, mutant.breaks, " ".join(killers_of(name, catalogue)) or "-"
        )
    Console().print(table)
