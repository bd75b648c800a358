"""Requirements: what a mesh must do, each with its source, and whose fault a failure is."""

import re
from enum import StrEnum
from typing import Final

import msgspec

from meshproof.model.errors import BadInputError

__all__ = ["AREAS", "Level", "Requirement", "Subject", "parse_requirements"]

_AREAS: Final = {
    "INSTALL": "install",
    "DNS": "dns",
    "ROUTE": "routing",
    "MW": "middlewares",
    "SMI": "smi",
    "TRACE": "tracing",
    "METRIC": "metrics",
    "API": "metrics",
    "SEC": "security",
    "RES": "resilience",
    "OVERHEAD": "overhead",
}
AREAS: Final = tuple(dict.fromkeys(_AREAS.values()))  # the folders below suites/, in the order of reports
_ID: Final = re.compile(r"TM-([A-Z]+)-\d{3}")


class Level(StrEnum):
    """``core``: documented by the mesh. ``extended``: what a user would rely on."""

    CORE = "core"
    EXTENDED = "extended"


class Subject(StrEnum):
    """Whose fault a failure is."""

    MESH = "mesh"
    PROXY = "proxy"
    CHART = "chart"
    DNS = "dns"
    HARNESS = "harness"


class Requirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of ``suites/requirements.toml``.

    ``why`` is what goes wrong for a user where it does not hold, ``mutants`` names the ways to break the mesh
    that its checks must notice, ``no_mutant`` why there is none, ``reproduce`` the commands with which a
    person sees it by hand.
    """

    id: str
    statement: str
    level: Level
    feature: str
    source: str
    subject: Subject
    why: str = ""
    mutants: list[str] = []
    no_mutant: str = ""
    reproduce: str = ""

    @property
    def area(self) -> str:
        """The folder below ``suites/`` where its check stands; ``TM-API`` is checked beside the metrics."""
        return _AREAS[self.id.split("-")[1]]


def parse_requirements(text: str, *, where: str) -> dict[str, Requirement]:
    """The catalogue by id, in the order of the file. Raises BadInputError naming the row and the field."""
    try:
        rows = msgspec.toml.decode(text, type=dict[str, dict[str, object]])
    except msgspec.MsgspecError as error:
        raise _refused(where, error) from error
    found = {}
    for name, row in rows.items():
        if not (matched := _ID.fullmatch(name)) or matched[1] not in _AREAS:
            raise BadInputError(
                where=f"{where}/{name}",
                problem="not the id of a requirement",
                remedy=f"use TM-<AREA>-<number of three digits>, AREA one of {', '.join(_AREAS)}",
            )
        if "id" in row:
            raise BadInputError(
                where=f"{where}/{name}", problem="a row's id is its name", remedy="take the field `id` out"
            )
        try:
            found[name] = msgspec.convert({"id": name, **row}, Requirement, strict=True)
        except msgspec.ValidationError as error:
            raise _refused(f"{where}/{name}", error) from error
    return found


def _refused(where: str, error: msgspec.MsgspecError) -> BadInputError:
    remedy = "see the rows beside it for the fields of a requirement"
    return BadInputError(where=where, problem=str(error), remedy=remedy)
