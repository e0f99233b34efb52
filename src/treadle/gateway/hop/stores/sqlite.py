"""Keys in a SQLite file: for the hops of one node.

In WAL mode. A claim is synced: once its call is sent, no loss of power takes it back, as far as the disk tells the
truth about its cache (https://www.sqlite.org/pragma.html#pragma_synchronous). How a call ended is written and not
synced, which would cost as much again: the death of a process loses nothing of it; a loss of power may, and then a key
is in doubt that was answered. It is synced with the next claim.

Answers are most of what the file holds. From three quarters of its size on only their status is kept: one consumer's
large answers cost others the replay, and not the call.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from treadle.gateway.hop.idempotency import SEND, Claim, Outcome, Reply, State, judge
from treadle.gateway.hop.stores import sql
from treadle.gateway.hop.stores.batch import BatchStore
from treadle.gateway.hop.stores.store import Settle, StoreAwayError, Work

BYTES_MAX = 2 * 1024 * 1024 * 1024
BUSY_S = 2.0
"""How long another process may hold the file."""
_CLAIM = sql.claim("?")
_READ = sql.read("?")
_SETTLE = sql.settle("?")
_RELEASE = sql.release("?")
_SWEEP = sql.sweep("?")


def sqlite_store(path: Path, *, bytes_max: int = BYTES_MAX, busy_s: float = BUSY_S) -> BatchStore:
    """The store in a file, made for this user alone where it is not there."""
    return BatchStore(lambda: SqliteDatabase(path, bytes_max, busy_s))


class SqliteDatabase:
    """One connection. It belongs to the thread that made it."""

    def __init__(self, path: Path, bytes_max: int = BYTES_MAX, busy_s: float = BUSY_S) -> None:
        """Open the file. Raises StoreAwayError."""
        self._synced = ""
        self._pages_max = 1
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            self._db = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
            try:
                self._prepare(bytes_max, busy_s)
            except sqlite3.Error:
                self._db.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise StoreAwayError(str(error)) from error

    def commit(self, work: list[Work]) -> list[Any]:
        """All of the work in one transaction."""
        try:
            self._sync("FULL" if any(isinstance(each, Claim) for each in work) else "NORMAL")
            self._db.execute("BEGIN IMMEDIATE")
            results = [self._do(each) for each in work]
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise StoreAwayError(str(error)) from error
        return results

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _sync(self, how: str) -> None:
        if how != self._synced:
            self._db.execute(f"PRAGMA synchronous = {how}")
            self._synced = how

    def _prepare(self, bytes_max: int, busy_s: float) -> None:
        (page,) = self._db.execute("PRAGMA page_size").fetchone()
        self._write_ahead(busy_s)
        self._pages_max = max(bytes_max // page, 1)
        self._db.execute(f"PRAGMA max_page_count = {self._pages_max}").fetchone()
        # Answers of an upstream hold records of people: what was forgotten is not to be read from the file.
        self._db.execute("PRAGMA secure_delete = ON").fetchone()
        for statement in sql.create("blob", "integer"):
            self._db.execute(statement)

    def _write_ahead(self, busy_s: float) -> None:
        """Switch to a write-ahead log. SQLite does not wait here for another that does the same in this moment."""
        until = time.monotonic() + busy_s
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
            else:
                return

    def _do(self, work: Work) -> Any:
        if isinstance(work, Claim):
            if self._db.execute(_CLAIM, sql.claim_values(work)).fetchall():
                return SEND
            return judge(sql.record(self._db.execute(_READ, (work.scope,)).fetchone()), work)
        if not isinstance(work, Settle):
            return self._db.execute(_SWEEP, (work.now_ms,)).rowcount
        if work.outcome.state is None:
            self._db.execute(_RELEASE, (work.scope, work.owner))
        else:
            self._db.execute(_SETTLE, sql.settle_values(self._reduced(work)))
        return None

    def _reduced(self, work: Settle) -> Settle:
        """Without the answer where there is little room left."""
        reply = work.outcome.reply
        if not reply or work.outcome.state is not State.DONE:
            return work
        (pages,), (free,) = (self._db.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "freelist_count"))
        if pages - free < self._pages_max * 3 // 4:
            return work
        return replace(work, outcome=Outcome(State.UNKEPT, Reply(reply.status)))
