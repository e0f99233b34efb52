"""Checks that are too heavy for the event loop, in a process of their own that may be killed.

    -> 4 bytes of length, the digest of a schema (32 bytes), `?` or the schema, a zero byte, the body
    <- 4 bytes of length, faults as JSON; or `null`: send the schema too

One process, one check at a time: a schema that takes for ever takes one core, and only for its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from collections import OrderedDict
from typing import Any, BinaryIO

import jsonschema_rs
import orjson

from treadle.contract.model import Json
from treadle.gateway.hop import judge

DEADLINE_S = 1.0
"""A body that takes longer is refused."""
WAITING_MAX = 64
SCHEMAS_MAX = 256
MEMORY_MAX = 1024 * 1024 * 1024
FRAME_MAX = 64 * 1024 * 1024
_DIGEST = 32


class Worker:
    """The process, started when it is first needed and again when it was killed."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        """Nothing runs yet."""
        self._deadline_s = deadline_s
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: asyncio.subprocess.Process | None = None

    async def check(self, schema: Json, body: bytes) -> list[judge.Fault]:
        """What a body disagrees with. Raises TimeoutError, OSError, or OverflowError where too much waits."""
        if self._waiting >= WAITING_MAX:
            raise OverflowError(f"{self._waiting} bodies wait to be checked")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._checked(schema, body)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _checked(self, schema: Json, body: bytes) -> list[judge.Fault]:
        text = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
        digest = hashlib.blake2b(text, digest_size=_DIGEST).digest()
        process = await self._running()
        try:
            async with asyncio.timeout(self._deadline_s):
                said = await _asked(process, digest + b"?\0" + body)
                if said is None:
                    said = await _asked(process, digest + text + b"\0" + body)
        except (OSError, EOFError, TimeoutError) as error:
            await self.close()
            if isinstance(error, TimeoutError):
                raise
            raise OSError(f"the process that checks bodies ended: {error}") from error
        return [judge.Fault(each["in"], each["pointer"], each["reason"]) for each in said or ()]

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "treadle.gateway.hop.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C is for the supervisor
            )
            self._process = process
            assert process.stdout  # noqa: S101 - for the type only
            await process.stdout.readexactly(1)  # it has imported what it needs: from here on time counts
        return self._process


async def _asked(process: asyncio.subprocess.Process, data: bytes) -> Any:
    assert process.stdin  # noqa: S101 - for the type only
    assert process.stdout  # noqa: S101 - for the type only
    process.stdin.write(len(data).to_bytes(4, "big"))
    process.stdin.write(data)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(4), "big")
    return orjson.loads(await process.stdout.readexactly(size))


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the source ends."""
    known: OrderedDict[bytes, jsonschema_rs.Draft202012Validator] = OrderedDict()
    sink.write(b"!")
    sink.flush()
    while len(head := source.read(4)) == 4:
        data = source.read(int.from_bytes(head, "big"))
        digest, text = data[:_DIGEST], data[_DIGEST : data.index(b"\0", _DIGEST)]
        body = data[_DIGEST + len(text) + 1 :]
        # If nobody kills us in time, since our parent died, we end: the default of this signal, in C code too.
        signal.setitimer(signal.ITIMER_PROF, 5 * DEADLINE_S)
        if text != b"?":
            known[digest] = judge.compiled(orjson.loads(text))
            if len(known) > SCHEMAS_MAX:
                known.popitem(last=False)
        said = judge.said(judge.check(known[digest], body)) if digest in known else None
        signal.setitimer(signal.ITIMER_PROF, 0)
        out = orjson.dumps(said)
        sink.write(len(out).to_bytes(4, "big") + out)
        sink.flush()


def _bounded() -> None:
    """No more memory than a check may take, no core file with what callers sent."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX * 4, MEMORY_MAX * 4))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MAX, MEMORY_MAX))
    os.nice(5)


if __name__ == "__main__":
    _bounded()
    serve(sys.stdin.buffer, sys.stdout.buffer)
