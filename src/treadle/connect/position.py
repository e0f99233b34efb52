"""Where each poll stands, kept: the cursor and the identities seen, changed together or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import astuple
from typing import Protocol

from treadle.connect.cursor import Cursor, Hold, Reading
from treadle.connect.database import Database


class Positions(Protocol):
    """Keeps positions by connector."""

    async def load(self, connector: str) -> tuple[Cursor, dict[str, int]]:
        """The cursor, and the identities seen with the time of their record."""

    async def save(self, connector: str, cursor: Cursor, seen: Mapping[str, int], forget_before_us: int) -> None:
        """Replace the cursor, add to what was seen and forget what is old: durable and whole on return."""


class SqlitePositions:
    """Positions in the connectors' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, connector: str) -> tuple[Cursor, dict[str, int]]:
        """See `Positions`."""
        return await asyncio.to_thread(self._load, connector)

    async def save(self, connector: str, cursor: Cursor, seen: Mapping[str, int], forget_before_us: int) -> None:
        """See `Positions`."""
        await asyncio.to_thread(self._save, connector, cursor, dict(seen), forget_before_us)

    def _load(self, connector: str) -> tuple[Cursor, dict[str, int]]:
        with self._database.reading() as rows:
            found = rows.execute(
                "SELECT at_us, source_us, wall_us, steady_us, run, hold_at_us, hold_until_us FROM cursor"
                " WHERE connector = ?",
                (connector,),
            ).fetchone()
            seen = dict(rows.execute("SELECT identity, at_us FROM seen WHERE connector = ?", (connector,)))
        if found is None:
            return Cursor(), seen
        at_us, *reading, hold_at_us, hold_until_us = found
        return Cursor(at_us, Reading(*reading), None if hold_at_us is None else Hold(hold_at_us, hold_until_us)), seen

    def _save(self, connector: str, cursor: Cursor, seen: dict[str, int], forget_before_us: int) -> None:
        reading = cursor.reading or Reading(None, 0, 0, "")
        with self._database.transaction() as rows:
            rows.execute(
                "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (connector, cursor.at_us, *astuple(reading), *(astuple(cursor.hold) if cursor.hold else (None, None))),
            )
            rows.executemany(
                "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", [(connector, *each) for each in seen.items()]
            )
            rows.execute("DELETE FROM seen WHERE connector = ? AND at_us < ?", (connector, forget_before_us))
