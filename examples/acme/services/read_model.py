"""What a service has learned from events, in one SQLite file: each event counts once, however often it comes."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

Row = dict[str, object]

INBOX = """
CREATE TABLE IF NOT EXISTS inbox (consumer_group TEXT, event_id TEXT, PRIMARY KEY (consumer_group, event_id));
"""


class ReadModel:
    def __init__(self, folder: Path, name: str, schema: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / f"{name}.sqlite", isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(INBOX + schema)

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def once(self, group: str, event_id: str) -> Iterator[sqlite3.Connection | None]:
        """A transaction for the effects of one event, or None where they are there already.

        The inbox row is written in the same transaction: either both are kept, or the event will come again.
        """
        self._database.execute("BEGIN IMMEDIATE")
        try:
            new = self._database.execute("INSERT OR IGNORE INTO inbox VALUES (?, ?)", (group, event_id)).rowcount
            yield self._database if new else None
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[Row]:
        return [dict(row) for row in self._database.execute(query, values)]


def canonical_time(text: str) -> str:
    """So that text compares as time does."""
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def page(items: list[Row], key: str, limit: int) -> Mapping[str, object]:
    """A page of a list that was asked for one item more than the limit."""
    if len(items) <= limit:
        return {"items": items}
    return {"items": items[:limit], "nextCursor": cursor(str(items[limit - 1][key]))}


def cursor(last: str) -> str:
    return last.encode().hex()


def after(text: str) -> str:
    """The id behind a cursor. Raises ValueError for what is none of ours."""
    return bytes.fromhex(text).decode(errors="replace")


def limit_of(text: str) -> int:
    """A page size from 1 to 100. Raises ValueError."""
    limit = int(text)
    if not 1 <= limit <= 100:
        raise ValueError(text)
    return limit
