"""Frames of a WebSocket's server (RFC 6455, section 5.2), as a front passes them on: they are not masked.

Like ``front.py`` it also runs in a pod: it imports nothing but the standard library.
"""

from collections.abc import Callable
from typing import Final

__all__ = ["closed_normally", "told_from"]

_TEXT, _CLOSE = 0x81, 0x88  # the first byte of a whole message, and of the last frame
_NORMAL: Final = (1000).to_bytes(2, "big")
_HEAD: Final = 2  # bytes of a frame's head without a longer length
_SHORT, _LONG = 126, 65_536  # a length of this and more is told in two, or in eight, bytes of its own

Edit = Callable[[bytes], bytes]


def closed_normally() -> Edit:
    """Has a server's close tell the code 1000."""
    return _frame_by_frame(lambda first, payload: _NORMAL + payload[2:] if first == _CLOSE else payload)


def told_from(own: bytes, peer: bytes) -> Edit:
    """Has a text that a server sends tell another address."""
    return _frame_by_frame(lambda first, payload: payload.replace(own, peer) if first == _TEXT else payload)


def _frame_by_frame(change: Callable[[int, bytes], bytes]) -> Edit:
    """Passes on whole frames, however they are cut into pieces; ``change`` is told first byte and payload."""
    held = b""

    def edit(piece: bytes) -> bytes:
        nonlocal held
        held += piece
        passed = b""
        while (frame := _first_frame(held)) is not None:
            first, payload, end = frame
            passed += _frame(first, change(first, payload))
            held = held[end:]
        return passed

    return edit


def _first_frame(data: bytes) -> tuple[int, bytes, int] | None:
    """First byte, payload and length of the frame that ``data`` begins with; None while it is not whole."""
    if len(data) < _HEAD:
        return None
    size = {_SHORT: 2, _SHORT + 1: 8}.get(data[1], 0)
    begin = _HEAD + size
    if len(data) < begin:
        return None
    end = begin + (int.from_bytes(data[_HEAD:begin], "big") if size else data[1])
    return None if len(data) < end else (data[0], data[begin:end], end)


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    size = 0 if length < _SHORT else 2 if length < _LONG else 8
    told = bytes([{0: length, 2: _SHORT, 8: _SHORT + 1}[size]]) + (
        length.to_bytes(size, "big") if size else b""
    )
    return bytes([first]) + told + payload
