"""A Corefile changed in one respect each. Source of the forms: CoreDNS 1.12 manual, its plugins' pages.

The mesh's zones are server blocks of their own: a pattern leads a mesh name to its shadow service's name,
which the plugin ``kubernetes`` knows. CoreDNS runs the plugins of a block in an order of its own, whatever
theirs is in the file: cache, rewrite, template, kubernetes, forward, erratic.
"""

import re
from collections.abc import Callable
from typing import Final

from meshproof.judge.corefile import blocks
from meshproof.mesh.naming import DOMAIN, OLD_DOMAIN

__all__ = ["in_root", "in_zones", "only_over_udp", "put", "swapped", "without_zones"]

Edit = Callable[[str], str]  # of a Corefile, or of one block of it from brace to brace

_ZONES: Final = (f"{DOMAIN}:53", f"{OLD_DOMAIN}:53")
_KUBERNETES: Final = re.compile(r"^([ \t]*)kubernetes ", re.MULTILINE)


def in_zones(edit: Edit, *zones: str) -> Edit:
    """Edit the blocks of the mesh's zones, or of those that are named."""
    return lambda corefile: _in_blocks(corefile, zones or _ZONES, edit)


def in_root(edit: Edit) -> Edit:
    """Edit the block that serves all names but the mesh's."""
    return lambda corefile: _in_blocks(corefile, (".:53",), edit)


def put(*lines: str) -> Edit:
    """Put lines into a block, before its plugin ``kubernetes``: after the mesh's own rewrites."""

    def edit(block: str) -> str:
        return _KUBERNETES.sub(
            lambda found: "".join(f"    {each}\n" for each in lines) + found[0], block, count=1
        )

    return edit


def swapped(*pairs: tuple[str, str]) -> Edit:
    """Put the second of each pair wherever the first stands."""

    def edit(text: str) -> str:
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    return edit


def without_zones(*zones: str) -> Edit:
    """Take blocks of the mesh's zones away, heads and all."""

    def edit(corefile: str) -> str:
        for zone in zones or _ZONES:
            body = blocks(corefile).get(zone, "")
            corefile = corefile.replace(f"{zone} {body}\n", "")
        return corefile

    return edit


def only_over_udp(block: str) -> str:
    """A block that is not there for questions over TCP."""
    return put("view over-udp {", "    expr proto() == 'udp'", "}")(block)


def _in_blocks(corefile: str, zones: tuple[str, ...], edit: Edit) -> str:
    for zone in zones:
        body = blocks(corefile).get(zone)
        if body is not None:
            corefile = corefile.replace(f"{zone} {body}", f"{zone} {edit(body)}")
    return corefile
