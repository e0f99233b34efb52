"""The smallest HTTP request that tells whether a process serves. No client library: the supervisor stays small."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from treadle.base.printable import printable

TIMEOUT_S = 1.0
_SAID_BYTES = 1024
_SAID_CHARS = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process said when it was asked. `said` is for people: one line, empty where it is ready."""

    ready: bool
    silent: bool = False
    said: str = ""


READY = Answer(ready=True)
SILENT = Answer(ready=False, silent=True, said="no answer")

Probe = Callable[[], Awaitable[Answer]]


async def ask(address: int | Path, path: str) -> Answer:
    """GET `path` on a loopback port or a Unix socket.

    200 is ready; any other status is an answer too, told in the process's own words. No listener, or no status within
    `TIMEOUT_S`, is silence.
    """
    status, rest = b"", bytearray(b"\r\n")  # the end of the status line, where there are no headers
    try:
        async with asyncio.timeout(TIMEOUT_S):
            if isinstance(address, Path):
                reader, writer = await asyncio.open_unix_connection(address)
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", address)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                status = b"".join((await reader.readline()).split(b" ")[1:2])
                while status not in {b"", b"200"} and len(rest) < _SAID_BYTES:
                    chunk = await reader.read(_SAID_BYTES)
                    if not chunk:
                        break
                    rest += chunk
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        pass  # what was said until then counts
    if not status:
        return SILENT
    if status == b"200":
        return READY
    said = b" ".join([b"says", status, *rest.partition(b"\r\n\r\n")[2].split()])
    return Answer(ready=False, said=printable(said.decode(errors="replace"))[:_SAID_CHARS])
