"""``meshproof requirements``: what a mesh must do, why, how that is checked, how to see it by hand."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from meshproof.bundle import open_bundle
from meshproof.catalogue import Check, checks_in, load_catalogue, load_profiles, profiles_by_requirement
from meshproof.model.errors import BadInputError, MeshproofError, nearest
from meshproof.model.requirement import AREAS, Requirement
from meshproof.paths import PROJECT_ROOT

__all__ = ["REFERENCE", "explanation", "reference", "requirements"]

REFERENCE: Final = PROJECT_ROOT / "docs" / "reference" / "requirements.md"

_PREPARE: Final = 'eval "$(meshproof requirements --prelude)"'
_PRELUDE: Final = """\
kubectl() {{ command "{kubectl}" --kubeconfig="{kubeconfig}" --context="kind-{cluster}" "$@"; }}
MESH=traefik-mesh
helm() {{ command "{helm}" --kubeconfig="{kubeconfig}" --kube-context="kind-{cluster}" -n "$MESH" "$@"; }}
NS=$(kubectl get namespaces -l dev.meshproof/run -o jsonpath='{{.items[0].metadata.name}}')
in_client() {{ kubectl -n "$NS" exec deploy/client -- "$@"; }}
proxy() {{ kubectl -n "$MESH" get pods -l component=maesh-mesh -o jsonpath='{{.items[0].metadata.name}}'; }}
proxy=$(proxy 2> /dev/null)
"""


def requirements(
    requirement: Annotated[str, typer.Argument(metavar="[ID]", help="explain this one: TM-ROUTE-001")] = "",
    *,
    area: Annotated[str, typer.Option(help=f"only this area: {', '.join(AREAS)}")] = "",
    profile: Annotated[str, typer.Option(help="only what is checked under this profile of the mesh")] = "",
    prelude: Annotated[
        bool, typer.Option("--prelude", help="print the shell functions that the commands by hand use")
    ] = False,
    cluster_name: Annotated[str, typer.Option(help="with --prelude: the kept cluster")] = "meshproof",
    kubeconfig: Annotated[
        Path | None, typer.Option(help="with --prelude: where it was given to pytest with --kubeconfig")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help=f"write {REFERENCE.name} of docs/reference")] = False,
) -> None:
    """List what a mesh must do, or explain one requirement: why, how it is checked, how to see it by hand."""
    if prelude:
        typer.echo(_prelude(cluster_name, kubeconfig), nl=False)
        return
    catalogue, checks = load_catalogue(), checks_in()
    if write:
        REFERENCE.parent.mkdir(parents=True, exist_ok=True)
        REFERENCE.write_text(reference(catalogue, checks))
        typer.echo(REFERENCE.relative_to(PROJECT_ROOT))
    elif requirement:
        if requirement not in catalogue:
            problem, remedy = "no such requirement", nearest(requirement, list(catalogue))
            raise BadInputError(where=requirement, problem=problem, remedy=remedy)
        typer.echo(explanation(catalogue[requirement], checks))
    else:
        _list(catalogue, checks, area=area, profile=profile)


def explanation(requirement: Requirement, checks: Iterable[Check]) -> str:
    """One requirement in words, with the commands that show it by hand."""
    mine = [each for each in checks if requirement.id in each.requirements]
    return "\n".join(
        [
            f"{requirement.id}  ({requirement.area}, {requirement.level.value})",
            "",
            f"  {requirement.statement}",
            "",
            f"Why:      {requirement.why}",
            f"Source:   {requirement.source}",
            f"Subject:  {requirement.subject.value} (whose fault a failure is)",
            f"Feature:  {requirement.feature}",
            f"Mutants:  {_mutants(requirement)}",
            "",
            "How it is checked:",
            *(
                f"  {each.claim.splitlines()[0]}  [{', '.join(each.profiles)}]\n    {each.test}"
                for each in mine
            ),
            "",
            "By hand, in the project's folder:",
            *(f"  {line}" for line in _by_hand(requirement, mine)),
        ]
    )


def reference(catalogue: Mapping[str, Requirement], checks: Sequence[Check]) -> str:
    """The whole catalogue as Markdown."""
    profiles = profiles_by_requirement(checks)
    lines = [
        "# Requirements",
        "",
        "Made by `meshproof requirements --write` from `suites/requirements.toml` and the checks:",
        "change those, not this file.",
        "",
        "Core: documented by the mesh. Extended: what a user would rely on. The commands work by paste after",
        f"`{_PREPARE}`, beside a cluster that a session with `--keep-cluster` and the profile has left.",
    ]
    for area in AREAS:
        rows = [each for each in catalogue.values() if each.area == area]
        lines += ["", f"## {area}", "", "| id | level | profiles | |", "| --- | --- | --- | --- |"]
        lines += [
            f"| [{each.id}](#{each.id.lower()}) | {each.level.value}"
            f" | {', '.join(profiles.get(each.id, []))} | {each.statement} |"
            for each in rows
        ]
        for each in rows:
            lines += ["", *_section(each, [check for check in checks if each.id in check.requirements])]
    return "\n".join(lines) + "\n"


def _section(requirement: Requirement, mine: Sequence[Check]) -> list[str]:
    return [
        f"### {requirement.id}",
        "",
        f"**{requirement.statement}** {requirement.why}",
        "",
        f"Source: {requirement.source}. Subject: {requirement.subject.value}.",
        f"Feature: {requirement.feature}. Mutants: {_mutants(requirement)}.",
        "",
        *(f"- {each.claim.splitlines()[0]} (`{each.test}`)" for each in mine if each.claim),
        "",
        "```sh",
        *_by_hand(requirement, mine),
        "```",
    ]


def _mutants(requirement: Requirement) -> str:
    return ", ".join(requirement.mutants) or f"none: {requirement.no_mutant}"


def _by_hand(requirement: Requirement, mine: Sequence[Check]) -> list[str]:
    if not mine:
        return ["# no check yet"]
    test, profile = mine[0].test, mine[0].profiles[0]
    return [
        f"pytest {test} --mesh-profile={profile} --expectations --keep-cluster",
        _PREPARE,
        *requirement.reproduce.strip().splitlines(),
    ]


def _list(catalogue: Mapping[str, Requirement], checks: Iterable[Check], *, area: str, profile: str) -> None:
    profiles = profiles_by_requirement(checks)
    for option, got, words in (("--area", area, list(AREAS)), ("--profile", profile, list(load_profiles()))):
        if got and got not in words:
            raise BadInputError(where=f"{option}={got}", problem="not known", remedy=nearest(got, words))
    rows = [
        each
        for each in catalogue.values()
        if (not area or each.area == area) and (not profile or profile in profiles.get(each.id, []))
    ]
    table = Table(box=None, pad_edge=False)
    for title in ("id", "level", "profiles"):
        table.add_column(title, no_wrap=True)
    table.add_column("what it MUST do")
    for each in rows:
        cells = (each.id, each.level.value, ", ".join(profiles.get(each.id, [])), each.statement)
        table.add_row(*map(Text, cells))
    Console().print(table)
    typer.echo(f"{len(rows)} requirements; explain one with: meshproof requirements {next(iter(catalogue))}")


def _prelude(cluster: str, kubeconfig: Path | None) -> str:
    programs: dict[str, Path | str] = {"kubectl": "kubectl", "helm": "helm"}
    try:
        bundle = open_bundle()
        programs = {"kubectl": bundle.kubectl, "helm": bundle.helm}
    except MeshproofError:
        pass  # those of the path stand in
    file = kubeconfig or PROJECT_ROOT / ".pytest-kind" / cluster / "kubeconfig"
    return _PRELUDE.format(**programs, kubeconfig=file.absolute(), cluster=cluster)
