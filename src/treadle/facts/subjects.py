"""Who the pseudonyms in the facts stand for, kept apart from them.

A pseudonym is random, so nobody can compute it from a person's id; the only way from one to the other is a row of this
table. Erasing a person is deleting that row: the facts stay as they were written and point at nobody.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from treadle.base.errors import EngineError

_BUSY_S = 5.0
_ASKED_AT_ONCE = 500


class SubjectBook:
    """A table of subject ids and their pseudonyms, in a file that only its owner may read. Usable from any thread."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises EngineError `subjects-unusable`."""
        self._path = path
        self._mutex = threading.Lock()
        try:
            # Made by us first: SQLite would make it readable for the group.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path, error) from error
        try:
            # secure_delete overwrites an erased row; a rollback journal, unlike a WAL, keeps no copy of it.
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS subjects"
                " (subject TEXT PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            self._db.close()
            raise _unusable(path, error) from error

    def pseudonym(self, id: str, create: bool = False) -> str | None:
        """The pseudonym of a person; None where there is none and none is to be made."""
        return self.create([id])[id] if create else self._known([_valid(id)]).get(_valid(id))

    def create(self, ids: Iterable[str]) -> dict[str, str]:
        """The pseudonyms of many people, made where they are missing; on return they are on disk."""
        wanted = {id: _valid(id) for id in ids}
        asked = set(wanted.values())
        known = self._known(asked)
        missing = sorted(asked - known.keys())
        if missing:
            with self._mutex:
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                    try:
                        # Another process may have been quicker: its pseudonym stays.
                        self._db.executemany(
                            "INSERT OR IGNORE INTO subjects VALUES (?, ?)",
                            [(id, "s_" + secrets.token_hex(8)) for id in missing],
                        )
                        self._db.execute("COMMIT")
                    except BaseException:
                        if self._db.in_transaction:
                            self._db.execute("ROLLBACK")
                        raise
                except sqlite3.Error as error:
                    raise _unusable(self._path, error) from error
            known |= self._known(missing)
        return {id: known[valid] for id, valid in wanted.items()}

    def forget(self, id: str) -> str | None:
        """Erase a person: the row goes, the facts stay. Gives the pseudonym that now points at nobody."""
        with self._mutex:
            try:
                row = self._db.execute("SELECT pseudonym FROM subjects WHERE subject = ?", (_valid(id),)).fetchone()
                self._db.execute("DELETE FROM subjects WHERE subject = ?", (_valid(id),))
            except sqlite3.Error as error:
                raise _unusable(self._path, error) from error
        return row[0] if row else None

    def close(self) -> None:
        """Let go of the file."""
        with self._mutex:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _known(self, ids: Iterable[str]) -> dict[str, str]:
        # Not cached: an erasure by another process must hold from the next fact on.
        asked = list(ids)
        known: dict[str, str] = {}
        with self._mutex:
            try:
                for at in range(0, len(asked), _ASKED_AT_ONCE):
                    part = asked[at : at + _ASKED_AT_ONCE]
                    marks = ",".join("?" * len(part))
                    known.update(
                        self._db.execute(
                            f"SELECT subject, pseudonym FROM subjects WHERE subject IN ({marks})",  # noqa: S608
                            part,
                        )
                    )
            except sqlite3.Error as error:
                raise _unusable(self._path, error) from error
        return known


def _valid(id: str) -> str:
    """SQLite takes UTF-8 only; half a surrogate pair is written as an escape, so that two people stay two."""
    return id.encode("utf-8", "backslashreplace").decode()


def _unusable(path: Path, error: Exception) -> EngineError:
    return EngineError(
        "subjects-unusable",
        f"the subject book {path} cannot be used: {error}",
        "without it no fact with a subject is stored; check the disk and the file's owner, or restore it from a backup",
    )
