"""The catalogue as it stands in ``suites/``: requirements, profiles of the mesh, checks of each requirement.

Checks are read from the suites' source rather than from what pytest collected: a selection that never
looked into a folder has left its checks out all the same.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from meshproof.mesh.adapter import Feature
from meshproof.model.errors import BadInputError, nearest
from meshproof.model.mesh_profile import MeshProfile, parse_profiles
from meshproof.model.requirement import Requirement, parse_requirements
from meshproof.paths import PROJECT_ROOT

__all__ = [
    "DEFAULT_PROFILE",
    "SUITES",
    "Check",
    "checks_in",
    "load_catalogue",
    "load_profiles",
    "profiles_by_requirement",
    "statements",
]

SUITES: Final = PROJECT_ROOT / "suites"
DEFAULT_PROFILE: Final = "plain"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One test function: ``<path from the folder's parent>::<function>``; ``claim`` is its docstring.

    ``options`` are those without which it does not run. Under the profiles in ``campaigns`` it runs in a
    campaign of mutants alone.
    """

    test: str
    requirements: tuple[str, ...]
    profiles: tuple[str, ...]
    claim: str
    options: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()


def load_catalogue(suites: Path = SUITES) -> dict[str, Requirement]:
    """The requirements by id. Raises BadInputError naming the row."""
    where = "suites/requirements.toml"
    found = parse_requirements((suites / "requirements.toml").read_text(), where=where)
    known = [each.value for each in Feature]
    for row in found.values():
        if row.feature not in known:
            problem, remedy = f"got {row.feature!r}, which no mesh promises", nearest(row.feature, known)
            raise BadInputError(where=f"{where}/{row.id}.feature", problem=problem, remedy=remedy)
    return found


def statements() -> dict[str, str]:
    """What each requirement says, by its id."""
    return {name: row.statement for name, row in load_catalogue().items()}


def load_profiles(suites: Path = SUITES) -> dict[str, MeshProfile]:
    """The profiles of the mesh by name. Raises BadInputError naming the row."""
    return parse_profiles((suites / "profiles.toml").read_text(), where="suites/profiles.toml")


def checks_in(folder: Path = SUITES) -> list[Check]:
    """Every test function below ``folder`` that checks a requirement."""
    found = []
    for path in sorted(folder.rglob("test_*.py")):
        try:
            tree = ast.parse(path.read_text())
        except SyntaxError:
            continue  # pytest's collection says so
        everywhere = list(_marks_of_module(tree))
        groups = [each.body for each in tree.body if isinstance(each, ast.ClassDef)]
        for node in chain(tree.body, *groups):
            if isinstance(node, ast.FunctionDef):
                marks = [*everywhere, *node.decorator_list]
                if names := _arguments_of(marks, "requirement"):
                    profiles = _arguments_of(node.decorator_list, "profile") or _arguments_of(
                        everywhere, "profile"
                    )
                    found.append(
                        Check(
                            test=f"{path.relative_to(folder.parent)}::{node.name}",
                            requirements=names,
                            profiles=profiles or (DEFAULT_PROFILE,),
                            claim=ast.get_docstring(node) or "",
                            options=_arguments_of(marks, "only_with"),
                            campaigns=_campaigns_of(marks),
                        )
                    )
    return found


def profiles_by_requirement(checks: Iterable[Check], *, in_campaigns: bool = False) -> dict[str, list[str]]:
    """Requirement -> the profiles under which it is checked, or can be in a campaign of mutants."""
    found: dict[str, list[str]] = {}
    for check in checks:
        profiles = (*check.profiles, *check.campaigns) if in_campaigns else check.profiles
        for name in check.requirements:
            known = found.setdefault(name, [])
            known += [each for each in profiles if each not in known]
    return found


def _marks_of_module(tree: ast.Module) -> Iterator[ast.expr]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        ):
            yield from node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]


def _campaigns_of(marks: Iterable[ast.expr]) -> tuple[str, ...]:
    """What the marks called ``profile`` say of campaigns."""
    return tuple(
        str(given.value.value)
        for each in marks
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "profile"
        for given in each.keywords
        if given.arg == "campaigns" and isinstance(given.value, ast.Constant)
    )


def _arguments_of(marks: Iterable[ast.expr], name: str) -> tuple[str, ...]:
    """The words given to the marks called ``name``."""
    return tuple(
        word.value
        for each in marks
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == name
        for word in each.args
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    )
