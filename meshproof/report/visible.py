"""Foreign text made harmless and readable: what a cluster sends must not steer a terminal or a page."""

import unicodedata
from typing import Final

__all__ = ["cut", "one_line", "visible"]

_KEPT: Final = "\n\t"
_HARMFUL: Final = frozenset(  # control, format (bidirectional and invisible), half a pair, line separators
    ("Cc", "Cf", "Cs", "Zl", "Zp")
)
_ELLIPSIS: Final = "…"


def visible(text: str) -> str:
    r"""``text`` with the code of every control, invisible or bidirectional character: ``\x1b``, ``\u202e``.

    Line ends and tabs stay; CRLF becomes LF. ``visible(visible(t)) == visible(t)``.
    """
    return "".join(_shown(character) for character in text.replace("\r\n", "\n"))


def one_line(text: str, width: int) -> str:
    """``text`` visible, on one line, cut to ``width`` characters with an ellipsis."""
    return cut(" ".join(visible(text).split()), width)


def cut(line: str, width: int) -> str:
    """``line`` as it is when it has at most ``width`` (1 or more) characters, else cut with an ellipsis."""
    return line if len(line) <= width else line[: width - 1].rstrip() + _ELLIPSIS


def _shown(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in _HARMFUL:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
