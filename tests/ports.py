"""A port for a program that is told its port before it starts."""

import secrets
import socket
from contextlib import suppress
from typing import Final

_FROM: Final = 12_000
_TO: Final = (
    32_000  # from 32,768 on the kernel hands ports out, to every connection of the tests beside this one
)


def free_port() -> int:
    """A port of loopback that nobody has, and that nobody is given who asks for any."""
    while True:
        port = _FROM + secrets.randbelow(_TO - _FROM)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
