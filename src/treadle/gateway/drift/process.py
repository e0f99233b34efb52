"""The drift process: takes sampled answers from the gateway on a Unix socket and writes what differs to a journal.

Nothing waits for it: the gateway gives an answer away and forgets it. What comes faster than it is looked at is dropped
and counted. Bodies are held in memory only, and for as long as they are looked at.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from treadle.base.errors import InputError
from treadle.gateway.drift.journal import encode, encode_unseen
from treadle.gateway.drift.judge import Judge, Seen
from treadle.gateway.drift.table import decode
from treadle.gateway.drift.tally import EVERY_US, Tally

BODY_MAX = 256 * 1024
WAITING_MAX = 64
"""Answers that wait to be looked at: 16 MB at most."""
RATE_MAX = 200
"""Answers that are looked at in a second."""
JOURNAL_MAX = 16 * 1024 * 1024
"""When the journal is this large it is renamed to `.1`."""
_TURN_S = 0.25
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Drift:
    """Looks at sampled answers. `table` and `journal` are files; times come from the clock here and nowhere else."""

    table: Path
    journal: Path
    judge: Judge = field(default_factory=lambda: Judge({}))
    tally: Tally = field(default_factory=Tally)
    unseen: int = 0
    _waiting: deque[tuple[str, str, Seen]] = field(default_factory=deque)
    _read: tuple[int, int] | None = None
    _told_us: int = 0

    def app(self) -> Starlette:
        """What listens on the socket."""
        return Starlette(routes=[Route("/", self._take, methods=["POST"]), Route("/healthz", _healthz)])

    async def run(self) -> None:
        """Look at what comes until cancelled; then tell what is left."""
        try:
            while True:
                self.reload()
                for _ in range(int(RATE_MAX * _TURN_S)):
                    if not self._waiting:
                        break
                    self._look(*self._waiting.popleft())
                    await asyncio.sleep(0)
                self.tell()
                await asyncio.sleep(_TURN_S)
        finally:
            for each in self._waiting:
                self._look(*each)
            self.tell(all=True)

    def reload(self) -> None:
        """Read the table where it is another file than the last time; one that cannot be read changes nothing."""
        try:
            info = self.table.stat()
            now = (info.st_ino, info.st_mtime_ns)
            if now == self._read:
                return
            self._read = now
            self.judge = Judge(decode(self.table.read_bytes()))
        except FileNotFoundError:
            return
        except InputError as error:
            _LOG.warning("%s", error)

    def tell(self, *, all: bool = False) -> None:
        """Write what is due."""
        now_us = time.time_ns() // 1000
        known = self.judge.table
        lines = [
            encode(line, known[line.operation]) for line in self.tally.due(now_us, all=all) if line.operation in known
        ]
        if (self.unseen or self.tally.uncounted) and (all or now_us - self._told_us >= EVERY_US):
            lines.append(encode_unseen(self.unseen + self.tally.uncounted, now_us))
            self.unseen = self.tally.uncounted = 0
            self._told_us = now_us
        if lines:
            self._write(b"".join(lines))

    def _write(self, data: bytes) -> None:
        try:
            if self.journal.exists() and self.journal.stat().st_size > JOURNAL_MAX:
                self.journal.replace(self.journal.with_name(f"{self.journal.name}.1"))
            # One write, appended: a reader never sees a part of a line but at a crash.
            file = os.open(self.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(file, data)
            finally:
                os.close(file)
        except OSError as why:
            _LOG.warning("the journal cannot be written: %s", why)

    def _look(self, operation: str, trace_id: str, seen: Seen) -> None:
        now_us = time.time_ns() // 1000
        for fault in self.judge.faults(operation, seen):
            self.tally.add(operation, fault, seen.status, trace_id, now_us)

    async def _take(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_MAX:
                return Response(status_code=413)
        headers = request.headers
        status = headers.get("x-drift-status", "")
        if not (status.isascii() and status.isdigit() and len(status) == 3):
            return Response(status_code=400)
        if len(self._waiting) >= WAITING_MAX:
            self.unseen += 1
            return Response(status_code=204)
        seen = Seen(
            status=int(status),
            media=headers.get("x-drift-media", ""),
            names=frozenset(headers.get("x-drift-names", "").split()),
            body=None if headers.get("x-drift-cut") else bytes(body),
            encoded=headers.get("x-drift-encoding", "") not in {"", "identity"},
        )
        self._waiting.append((headers.get("x-drift-operation", ""), headers.get("x-drift-trace", ""), seen))
        return Response(status_code=204)


async def _healthz(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")
