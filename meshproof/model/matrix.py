"""``matrix.toml``: which combinations of versions are to be judged. Parsed strictly, refused whole."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from meshproof.model.errors import BadInputError, nearest

__all__ = ["PARTS", "CellRow", "Matrix", "VersionRow", "parse_matrix"]

SCHEMA_VERSION: Final = 1
PARTS: Final = ("mesh", "proxy", "kubernetes", "coredns")

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]*$")]  # a folder is called so
Version = Annotated[str, msgspec.Meta(pattern=r"^v\d+\.\d+\.\d+([-.+][\w.-]+)?$")]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class VersionRow(_Row, frozen=True):
    """A version of a part that the lock does not have; ``found`` is the day of its discovery."""

    part: str
    version: Version
    found: str = ""
    note: str = ""


class CellRow(_Row, frozen=True):
    """A combination to judge, under these profiles of the mesh; a part that is not named is the lock's."""

    name: Name
    mesh: Version | None = None
    proxy: Version | None = None
    kubernetes: Version | None = None
    coredns: Version | None = None
    profiles: tuple[str, ...] = ("plain",)

    def versions(self, locked: Mapping[str, str]) -> dict[str, str]:
        """Version by part; ``locked`` has those of the lock."""
        return {part: getattr(self, part) or locked[part] for part in PARTS}

    def others(self, locked: Mapping[str, str]) -> dict[str, str]:
        """The parts in another version than the lock's."""
        return {part: found for part, found in self.versions(locked).items() if found != locked[part]}


class Matrix(_Row, frozen=True):
    """The whole file."""

    schema_version: int
    version: list[VersionRow] = []
    cell: list[CellRow] = []

    def known(self, part: str, locked: Mapping[str, str]) -> list[str]:
        """Every version of a part that a cell may name, the lock's first."""
        return [locked[part], *(each.version for each in self.version if each.part == part)]

    def called(self, name: str) -> CellRow:
        """The cell of that name. Raises BadInputError with the nearest one."""
        for each in self.cell:
            if each.name == name:
                return each
        known = [each.name for each in self.cell]
        raise BadInputError(where="CELL", problem=f"got {name!r}, no such cell", remedy=nearest(name, known))


def parse_matrix(text: str, *, where: str, locked: Mapping[str, str], profiles: Sequence[str]) -> Matrix:
    """Read the matrix. Raises BadInputError naming the row and field, with the nearest known word.

    ``locked`` is the lock's version by part, ``profiles`` the profiles of the mesh that there are.
    """
    try:
        raw: dict[str, Any] = msgspec.toml.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise BadInputError(where=where, problem=f"not TOML: {error}", remedy="mend that line") from error
    if (version := raw.get("schema_version")) != SCHEMA_VERSION:
        raise BadInputError(
            where=f"{where}/schema_version",
            problem=f"got {version!r}, expected {SCHEMA_VERSION}",
            remedy="use the meshproof that this matrix was written for",
        )
    try:
        matrix = msgspec.convert(raw, Matrix)
    except msgspec.ValidationError as error:
        raise _refusal(where, str(error)) from error
    _check_versions(matrix, where, locked)
    for place, cell in enumerate(matrix.cell):
        _check_cell(matrix, cell, f"{where}/cell[{place}]", locked, profiles)
    _check_twins(matrix, where, locked)
    return matrix


def _refusal(where: str, message: str) -> BadInputError:
    """The words of msgspec with the place in ours, and the nearest field where one is unknown."""
    what, _, at = message.partition(" - at `$")
    place = at.rstrip("`").replace("[...]", "").lstrip(".")
    unknown = re.search(r"unknown field `(.+)`", what)
    remedy = "the fields are described at the top of the file"
    if unknown:
        of = VersionRow if place.startswith("version") else CellRow if place.startswith("cell") else Matrix
        remedy = nearest(unknown[1], list(of.__struct_fields__))
    return BadInputError(
        where=f"{where}/{place}" if place else where, problem=what.replace("`", "'"), remedy=remedy
    )


def _check_versions(matrix: Matrix, where: str, locked: Mapping[str, str]) -> None:
    seen = {(part, locked[part]) for part in PARTS}
    for place, row in enumerate(matrix.version):
        at = f"{where}/version[{place}]"
        if row.part not in PARTS:
            remedy = nearest(row.part, list(PARTS))
            raise BadInputError(where=f"{at}.part", problem=f"got {row.part!r}, no such part", remedy=remedy)
        if (row.part, row.version) in seen:
            problem = f"{row.part} {row.version} is there already, in the lock or above"
            raise BadInputError(where=at, problem=problem, remedy="remove this row")
        seen.add((row.part, row.version))


def _check_cell(
    matrix: Matrix, cell: CellRow, where: str, locked: Mapping[str, str], profiles: Sequence[str]
) -> None:
    for part, version in cell.others(locked).items():
        if version not in (known := matrix.known(part, locked)):
            raise BadInputError(
                where=f"{where}.{part}",
                problem=f"got {version!r}, which has no [[version]] row of {part}",
                remedy=nearest(version, known),
            )
    for profile in cell.profiles or ("",):
        if profile not in profiles:
            problem = f"got {profile!r}, no such profile" if profile else "is empty"
            raise BadInputError(
                where=f"{where}.profiles", problem=problem, remedy=nearest(profile, list(profiles))
            )


def _check_twins(matrix: Matrix, where: str, locked: Mapping[str, str]) -> None:
    """Two cells of one name would share a folder, two of the same versions a row of the table."""
    names: set[str] = set()
    combinations: dict[tuple[str, ...], str] = {}
    for place, cell in enumerate(matrix.cell):
        at = f"{where}/cell[{place}]"
        if cell.name in names:
            raise BadInputError(
                where=f"{at}.name", problem=f"got {cell.name!r} again", remedy="give it a name of its own"
            )
        names.add(cell.name)
        versions = tuple(cell.versions(locked).values())
        if versions in combinations:
            problem = f"has the versions of cell {combinations[versions]!r}"
            raise BadInputError(where=at, problem=problem, remedy="remove one of the two")
        combinations[versions] = cell.name
