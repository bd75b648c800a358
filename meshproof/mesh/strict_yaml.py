"""YAML from others: plain values only, and none that a few aliases blow up (a "billion laughs" document)."""

from typing import Any, Final

import yaml

__all__ = ["UnsafeYamlError", "load_all", "load_one"]

_NODES: Final = (
    1_000_000  # values in one document with every alias written out; a large chart has some 10,000
)


class UnsafeYamlError(ValueError):
    """The document is well-formed and yet not read: too large written out, cyclic, or nested too deep."""


def load_one(text: str) -> Any:
    """The one document of ``text``. Raises yaml.YAMLError and UnsafeYamlError."""
    try:
        return _checked(yaml.safe_load(text))
    except RecursionError as error:
        raise UnsafeYamlError("nested too deep") from error


def load_all(text: str) -> list[Any]:
    """All documents of ``text`` that are not empty. Raises yaml.YAMLError and UnsafeYamlError."""
    try:
        return [_checked(each) for each in yaml.safe_load_all(text) if each is not None]
    except RecursionError as error:
        raise UnsafeYamlError("nested too deep") from error


def _checked(document: Any) -> Any:
    if _size(document, {}) > _NODES:
        raise UnsafeYamlError(f"more than {_NODES} values when its aliases are written out")
    return document


def _size(value: Any, known: dict[int, int | None]) -> int:
    """How many values there are, aliased ones counted each time; each is visited once."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) in known:
        size = known[id(value)]
        if size is None:
            raise UnsafeYamlError("it contains itself")
        return size
    known[id(value)] = None
    below = value.values() if isinstance(value, dict) else value
    total = 1 + sum(_size(each, known) for each in below)
    known[id(value)] = total
    return total
