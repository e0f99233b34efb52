"""The connectors' state in one SQLite file: cursors, what was seen, and the spool of webhooks.

WAL with `synchronous=FULL`: a committed transaction is on the disk, for the price of one fsync.
Source: https://www.sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from treadle.base.errors import EngineError

SCHEMA = """
CREATE TABLE IF NOT EXISTS cursor (
  connector TEXT PRIMARY KEY, at_us INTEGER NOT NULL,
  source_us INTEGER, wall_us INTEGER NOT NULL, steady_us INTEGER NOT NULL, run TEXT NOT NULL,
  hold_at_us INTEGER, hold_until_us INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS seen (
  connector TEXT NOT NULL, identity TEXT NOT NULL, at_us INTEGER NOT NULL,
  PRIMARY KEY (connector, identity)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_by_age ON seen (connector, at_us);
CREATE TABLE IF NOT EXISTS webhook (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, connector TEXT NOT NULL, id TEXT NOT NULL,
  received_us INTEGER NOT NULL, traceparent TEXT NOT NULL, body BLOB, done_us INTEGER,
  UNIQUE (connector, id)
) STRICT;
CREATE INDEX IF NOT EXISTS webhook_waiting ON webhook (connector, seq) WHERE done_us IS NULL;
CREATE INDEX IF NOT EXISTS webhook_done ON webhook (done_us) WHERE done_us IS NOT NULL;
"""


class Database:
    """One connection, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Its folder must be there."""
        # A large wait: the other connection of this process may be in its fsync.
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(SCHEMA)
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or none of it; on the disk when the block has ended.

        Raises EngineError `connect-unstored`; the next transaction may succeed.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                self._roll_back()
                raise EngineError(
                    "connect-unstored",
                    f"the state of the connectors cannot be stored: {error}",
                    "make room on the disk; it is tried again by itself",
                ) from error
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        """SQLite has done so itself where the disk was full."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the database for the whole block; it waits for no writer and stops none."""
        with self._lock:
            self._connection.execute("BEGIN DEFERRED")
            try:
                yield self._connection
            finally:
                self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection; further use is an error."""
        with self._lock:
            self._connection.close()
