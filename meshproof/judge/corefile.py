"""A Corefile as its server blocks. Source of the form: CoreDNS manual, "Configuration"."""

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["CorefileError", "blocks", "missing_blocks"]

_HEAD: Final = re.compile(r"^(?P<zones>[^\s{#][^{\n]*?)[ \t]*(?P<brace>\{)[ \t]*$", re.MULTILINE)
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)


class CorefileError(ValueError):
    """The text is no Corefile: whoever wrote it last broke the cluster's DNS."""


def blocks(corefile: str) -> dict[str, str]:
    """Zones (as written) -> the block's text from its opening brace to its closing one, to the letter.

    Raises CorefileError for a block that never closes, and for two of the same zones.
    """
    found: dict[str, str] = {}
    position = 0
    # Comments may hold braces: blanked out, at the same length, where braces are counted.
    bare = _COMMENT.sub(lambda comment: " " * len(comment[0]), corefile)
    while head := _HEAD.search(bare, position):
        end = _closing_brace(bare, head.end("brace"))
        zones = head["zones"]
        if zones in found:
            raise CorefileError(f"two blocks for {zones}")
        found[zones] = corefile[head.start("brace") : end]
        position = end
    return found


def missing_blocks(corefile: str, zones: Iterable[str]) -> str | None:
    """Which of the zones (as server blocks name them) a Corefile lacks, in words, or None: it has them all.

    A Corefile that cannot be read lacks them as well: CoreDNS refuses it.
    """
    try:
        there = blocks(corefile)
    except CorefileError as error:
        return f"CoreDNS's configuration is broken: {error}"
    lost = [each for each in zones if each not in there]
    kept = ", ".join(there) or "none"
    return f"no server block for {', '.join(lost)} (there: {kept}): somebody replaced it" if lost else None


def _closing_brace(text: str, start: int) -> int:
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    raise CorefileError(f"the block that begins {text[max(0, start - 40) : start]!r} never closes")
