"""Verified webhooks, kept until they are published. Nothing is answered 2xx before it is on the disk.

A row lives through: stored (body) -> published (body gone, id kept for a day, so that a late repeat is recognised).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from treadle.base.errors import EngineError
from treadle.connect.cursor import SECOND_US
from treadle.connect.database import Database

WAITING_MAX = 100_000
"""Webhooks of all connectors that may wait; more are refused, and their senders keep them."""
REMEMBERED_US = 24 * 3600 * SECOND_US


class SpoolFullError(EngineError):
    """Too much waits for the bus."""

    def __init__(self) -> None:
        super().__init__("spool-full", f"{WAITING_MAX} webhooks wait for the bus", "bring the bus back; see 'status'")


@dataclass(frozen=True, slots=True)
class Stored:
    """One webhook of the spool. `received_us` is Unix time, `traceparent` the header of the call that brought it."""

    seq: int
    id: str
    received_us: int
    traceparent: str
    body: bytes


class Spool:
    """The spool of all connectors. Calls block for the time of one fsync; use a thread."""

    def __init__(self, database: Database, *, waiting_max: int = WAITING_MAX) -> None:
        self._database = database
        self._waiting_max = waiting_max

    def put(self, connector: str, id: str, body: bytes, *, traceparent: str, received_us: int) -> bool:
        """Keep a webhook; True if it is new. On return it is on the disk. Raises SpoolFullError."""
        with self._database.transaction() as rows:
            (waiting,) = rows.execute("SELECT count(*) FROM webhook WHERE done_us IS NULL").fetchone()
            if waiting >= self._waiting_max:
                raise SpoolFullError
            found = rows.execute(
                "INSERT OR IGNORE INTO webhook (connector, id, received_us, traceparent, body) VALUES (?, ?, ?, ?, ?)",
                (connector, id, received_us, traceparent, body),
            )
            return found.rowcount == 1

    def waiting(self, connector: str, limit: int = 64) -> list[Stored]:
        """The oldest that wait, in the order in which they came."""
        with self._database.reading() as rows:
            found = rows.execute(
                "SELECT seq, id, received_us, traceparent, body FROM webhook"
                " WHERE connector = ? AND done_us IS NULL ORDER BY seq LIMIT ?",
                (connector, limit),
            ).fetchall()
        return [Stored(*each) for each in found]

    def done(self, seqs: Sequence[int], *, now_us: int | None = None) -> None:
        """Let go of the bodies of what was published, and of ids that nobody will repeat any more."""
        at_us = int(time.time() * SECOND_US) if now_us is None else now_us
        with self._database.transaction() as rows:
            rows.executemany(
                "UPDATE webhook SET body = NULL, done_us = ? WHERE seq = ?", [(at_us, seq) for seq in seqs]
            )
            rows.execute("DELETE FROM webhook WHERE done_us < ?", (at_us - REMEMBERED_US,))

    def depth(self, connector: str) -> int:
        """How many wait."""
        with self._database.reading() as rows:
            found = rows.execute(
                "SELECT count(*) FROM webhook WHERE connector = ? AND done_us IS NULL", (connector,)
            ).fetchone()
        return int(found[0])
