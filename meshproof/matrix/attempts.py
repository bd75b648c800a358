"""What came of each cell the last time, and when the night began: ``cells.json`` beside the matrix's runs."""

from pathlib import Path
from typing import Final

import msgspec

from meshproof.matrix.plan import Attempt
from meshproof.model.errors import BadInputError
from meshproof.model.json_text import json_text
from meshproof.report.store import write_chosen

__all__ = ["Night", "read_night", "write_night"]

_FILE: Final = "cells.json"


class Night(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``began`` is when the last night began (RFC 3339, UTC); ``attempts`` are by the name of the cell."""

    began: str = ""
    attempts: dict[str, Attempt] = {}

    def with_attempt(self, name: str, attempt: Attempt) -> "Night":
        """The same after one more cell."""
        return msgspec.structs.replace(self, attempts={**self.attempts, name: attempt})


def read_night(root: Path) -> Night:
    """What is known of the cells; nothing where none was tried. Raises BadInputError for a broken file."""
    path = root / _FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Night)
    except FileNotFoundError:
        return Night()
    except (OSError, msgspec.MsgspecError) as error:
        remedy = "delete it: every cell counts as new then"
        raise BadInputError(where=str(path), problem=f"cannot be read: {error}", remedy=remedy) from error


def write_night(root: Path, night: Night) -> None:
    """Write it whole or not at all. Raises BadInputError."""
    root.mkdir(parents=True, exist_ok=True)
    write_chosen(root / _FILE, f"{json_text(night)}\n")
