"""Unix sockets of our own processes: who may open one is the whole of what is believed about a caller."""

from __future__ import annotations

import socket
from pathlib import Path

from treadle.base.errors import InputError

PATH_BYTES_MAX = 107
"""sun_path of Linux holds 108 bytes with its closing zero (unix(7))."""


def listen(path: Path, backlog: int) -> socket.socket:
    """A Unix socket that only this user may open. Raises InputError `socket-path-too-long`, OSError."""
    if len(bytes(path)) > PATH_BYTES_MAX:
        raise InputError("socket-path-too-long", f"{path} is longer than {PATH_BYTES_MAX} bytes", "use a shorter path")
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(str(path))
        path.chmod(0o600)
        made.listen(backlog)
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


def close(listening: socket.socket, path: Path) -> None:
    """Stop listening, and remove the socket."""
    listening.close()
    path.unlink(missing_ok=True)
