"""The records of one system in one SQLite file, and the messages about their changes in the same transaction."""

import json
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (id TEXT PRIMARY KEY, updated_at TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS record_by_change ON record (updated_at, id);
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, traceparent TEXT NOT NULL, body BLOB NOT NULL
);
"""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Records:
    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / f"{name}.sqlite", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        self._database.close()

    def get(self, id: str) -> Record | None:
        found = self._database.execute("SELECT body FROM record WHERE id = ?", (id,)).fetchone()
        return json.loads(found[0]) if found else None

    def all(self) -> list[Record]:
        return [json.loads(body) for (body,) in self._database.execute("SELECT body FROM record ORDER BY id")]

    def changed(self, since: str, after: tuple[str, str], limit: int) -> list[Record]:
        """By (time of change, id): not before `since`, and after the pair `after`."""
        rows = self._database.execute(
            "SELECT body FROM record WHERE updated_at >= ? AND (updated_at, id) > (?, ?)"
            " ORDER BY updated_at, id LIMIT ?",
            (since, *after, limit),
        )
        return [json.loads(body) for (body,) in rows]

    def next_id(self, prefix: str, first: int) -> str:
        found = self._database.execute("SELECT max(CAST(substr(id, ?) AS INTEGER)) FROM record", (len(prefix) + 1,))
        return f"{prefix}{(found.fetchone()[0] or first - 1) + 1}"

    def put(self, record: Record, message: Mapping[str, Any] | None = None, traceparent: str = "") -> None:
        """Keep a record, and with it the message about it: both or neither."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.execute(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?)",
                (record["id"], record["updated_at"], json.dumps(record)),
            )
            if message is not None:
                self._database.execute(
                    "INSERT INTO outbox (id, traceparent, body) VALUES (?, ?, ?)",
                    (f"msg_{secrets.token_hex(12)}", traceparent, json.dumps(message, separators=(",", ":")).encode()),
                )
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def first_message(self) -> tuple[int, str, str, bytes] | None:
        """The oldest message that was not taken yet: its number, its id, its trace and its body."""
        found = self._database.execute("SELECT seq, id, traceparent, body FROM outbox ORDER BY seq LIMIT 1").fetchone()
        return (found[0], found[1], found[2], bytes(found[3])) if found else None

    def taken(self, seq: int) -> None:
        self._database.execute("DELETE FROM outbox WHERE seq = ?", (seq,))

    def messages(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM outbox").fetchone()[0])
