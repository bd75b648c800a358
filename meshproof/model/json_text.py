"""JSON as a person reads it."""

from typing import Any

import msgspec

__all__ = ["json_text"]


def json_text(value: Any) -> str:
    """Indented, keys in the order of the fields, without a line end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
