"""Frames of a WebSocket's server (RFC 6455, section 5.2), as a front passes them on: they are not masked.

Like ``front.py`` it also runs in a pod: it imports nothing but the standard library.
"""

from collections.abc import Callable
from typing import Final

__all__ = ["closed_normally", "told_from"]

_TEXT, _CLOSE = 0x81, 0x88  # the first byte of a whole message, and of the last frame
_NORMAL: Final = (1000).to_bytes(2, "big")
_SHORT, _LONG = 126, 65_536  # a length of this and more is told in two, or in eight, bytes of its own

Edit = Callable[[bytes], bytes]


def closed_normally() -> Edit:
    """Has a server's close tell the code 1000."""
    return lambda piece: piece[:2] + _NORMAL + piece[4:] if piece[:1] == bytes([_CLOSE]) else piece


def told_from(own: bytes, peer: bytes) -> Edit:
    """Has a text that a server sends tell another address; the frame must have come in one piece."""

    def edit(piece: bytes) -> bytes:
        if piece[:1] != bytes([_TEXT]) or own not in piece:
            return piece
        size = {126: 2, 127: 8}.get(piece[1], 0)
        begin = 2 + size
        length = int.from_bytes(piece[2:begin], "big") if size else piece[1]
        payload, rest = piece[begin : begin + length], piece[begin + length :]
        return _text(payload.replace(own, peer)) + rest

    return edit


def _text(payload: bytes) -> bytes:
    length = len(payload)
    size = 0 if length < _SHORT else 2 if length < _LONG else 8
    told = bytes([{0: length, 2: 126, 8: 127}[size]]) + (length.to_bytes(size, "big") if size else b"")
    return bytes([_TEXT]) + told + payload
