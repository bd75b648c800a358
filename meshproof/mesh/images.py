"""Image references: the same image by its full name, however a manifest writes it.

Source: the distribution project's reference grammar, with Docker Hub's defaults.
"""

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["full_reference", "remedy_for", "tag_of"]

_TAG: Final = re.compile(r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")


def full_reference(image: str) -> str:
    """``traefik:v2`` as ``docker.io/library/traefik:v2``; with neither tag nor digest it is ``:latest``."""
    name, _, digest = image.strip().partition("@")
    tag = _TAG.search(name)
    bare = name[: tag.start()] if tag and "/" not in tag.group() else name
    host, slash, rest = bare.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", bare
    if host in {"docker.io", "index.docker.io"}:
        host, rest = "docker.io", rest if "/" in rest else f"library/{rest}"
    ending = name[len(bare) :] + (f"@{digest}" if digest else "")
    return f"{host}/{rest}{ending or ':latest'}"


def tag_of(image: str) -> str:
    """The tag, empty when there is none."""
    found = _TAG.search(image.partition("@")[0])
    return found.group()[1:] if found else ""


def remedy_for(image: str, locked: Iterable[str]) -> str:
    """What to do about an image that is not locked; names the locked ones of the same repository."""
    wanted = _repository(full_reference(image))
    same = sorted(each for each in locked if _repository(full_reference(each)) == wanted)
    if same:
        return f"name {' or '.join(same)} in the values, or add this one to the bundle's lock"
    return (
        "name an image of the bundle's in the values, or add this one to the bundle's lock and build it again"
    )


def _repository(full: str) -> str:
    return _TAG.sub("", full.partition("@")[0])
