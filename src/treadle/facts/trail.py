"""The index over the fact log: which facts belong to a trace, an event, a subject, a contract, a time.

Everything in it comes from the log, so deleting the file costs time and nothing else. An index of another schema
version, or a broken one, is made anew. Writing the same fact twice is harmless, so whoever reads may also bring the
index up to date.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from itertools import islice
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from treadle.base.errors import EngineError, UsageError
from treadle.base.ids import NO_TRACE, read_traceparent
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import read_log

SCHEMA = 2
FOUND_MAX = 10_000
"""No query gives more facts than this."""
IN_MEMORY = Path(":memory:")

_BUSY_S = 5.0
_BATCH = 5_000
_CACHE_KIB = 32_768
_COLUMNS = tuple(each.name for each in fields(Fact))
_values = attrgetter(*_COLUMNS)
_TYPES = {name: "TEXT" for name in _COLUMNS if isinstance(getattr(Fact(FactKind.CALL, 0, Outcome.OK), name), str)}
_TABLE = (
    "CREATE TABLE facts ("
    + ", ".join(
        f"{name} INTEGER PRIMARY KEY" if name == "seq" else f"{name} {_TYPES.get(name, 'INTEGER')} NOT NULL"
        for name in _COLUMNS
    )
    + ", contract_id TEXT GENERATED ALWAYS AS (substr(contract, 1, instr(contract || '@', '@') - 1)) VIRTUAL)"
)
_WHO = "contract_id, operation, consumer, peer, observed"
_INDEXED = ("trace_id", "span_id", "event_id", "subject", "contract_id")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM facts"  # noqa: S608 - the names are those of Fact
_INSERT = f"INSERT OR IGNORE INTO facts VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - only marks

_TRACE = re.compile(r"[0-9a-f]{32}")
_SPAN = re.compile(r"[0-9a-f]{16}")
_ID = re.compile(r"[\x21-\x7e]{1,256}")


class Sample(NamedTuple):
    """What a chart needs of a fact."""

    kind: FactKind
    at_us: int
    outcome: Outcome
    status: int
    duration_us: int
    contract: str
    operation: str
    consumer: str
    code: str


class Count(NamedTuple):
    """How many facts of a sort there were in a time, and how long they took together."""

    kind: FactKind
    outcome: Outcome
    contract: str
    operation: str
    facts: int
    duration_us: int
    missing: int


class Observed(NamedTuple):
    """Calls of one caller to one operation that would have been refused for one reason.

    `contract` is an id. A caller without a consumer showed no valid token; `peer` tells who it is where a certificate
    does. `last_us` is when the newest began.
    """

    contract: str
    operation: str
    consumer: str
    peer: str
    code: str
    calls: int
    last_us: int


class Trail:
    """One connection to the index, usable from any thread. Close it, or use it as a context manager."""

    def __init__(self, path: Path, *, remake: bool = True, readonly: bool = False) -> None:
        """Open the index of a log, to be kept by whoever writes the log.

        It is created where it is missing, and made anew where it is broken or of another version; with
        `remake=False` or `readonly=True` that is an error. `IN_MEMORY` makes one that nobody else sees.
        Raises EngineError `trail-unusable`.
        """
        self._path = path
        self._mutex = threading.RLock()
        self._remake = remake and not readonly
        self._db = _open(path, create=self._remake, readonly=readonly)
        try:
            if self._version() != SCHEMA:
                if not self._remake:
                    raise _unusable(path, "it is broken or of another version")
                self._make_anew()
            if not readonly:
                self._db.execute("PRAGMA synchronous = NORMAL")
                self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        except sqlite3.Error as error:
            self._db.close()
            raise _unusable(path, error) from error
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def open_readonly(cls, path: Path) -> Self:
        """Open an index that somebody else keeps. Raises EngineError `trail-unusable` where there is none to read."""
        return cls(path, readonly=True)

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """For a command that reads, whether or not a fabric runs: an index that knows all that the log holds.

        Takes the index beside the log where it can and brings it up to date; else indexes the log in memory.
        """
        trail = None
        try:
            trail = cls(folder / "trail.sqlite", remake=False)
            trail.catch_up(partial(read_log, folder))
        except EngineError as error:
            if trail is not None:
                trail.close()
            if error.code != "trail-unusable":
                raise
            trail = cls(IN_MEMORY)
            try:
                trail.catch_up(partial(read_log, folder))
            except BaseException:
                trail.close()
                raise
        return trail

    def add(self, facts: Sequence[Fact]) -> None:
        """Index facts of the log. Those that are indexed already stay as they are."""
        with self._using() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                db.executemany(_INSERT, map(_values, facts))
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def catch_up(self, read: Callable[[int], Iterable[Fact]]) -> int:
        """Index what the log has and the index has not; `read(after_seq)` reads the log. Gives how many facts.

        An index that is not of this log (the log was restored, or begun anew) is made anew.
        """
        added = 0
        facts = iter(read(self.begin(read)))
        while batch := list(islice(facts, _BATCH)):
            self.add(batch)
            added += len(batch)
        return added

    def begin(self, read: Callable[[int], Iterable[Fact]]) -> int:
        """After which fact of the log the index has to go on; it is emptied if it is not of this log."""
        try:
            if not self._is_of(read):
                with self._using() as db:
                    db.execute("DELETE FROM facts")
            return self.last_seq
        except EngineError as error:
            broken = isinstance(error.__cause__, sqlite3.DatabaseError)
            if not broken or not self._remake or isinstance(error.__cause__, sqlite3.OperationalError):
                raise
            with self._using():
                self._make_anew()
            return 0

    def _is_of(self, read: Callable[[int], Iterable[Fact]]) -> bool:
        """Whether the newest fact of the index is the one that the log has under this number."""
        last = self.last_seq
        if not last:
            return True
        with self._using() as db:
            row = db.execute(f"{_SELECT} WHERE seq = ?", (last,)).fetchone()
        return row is not None and next(iter(read(last - 1)), None) == _fact(row)

    @property
    def last_seq(self) -> int:
        """The number of the newest fact indexed, 0 where there is none."""
        with self._using() as db:
            return int(db.execute("SELECT COALESCE(MAX(seq), 0) FROM facts").fetchone()[0])

    def find(self, id: str) -> tuple[Fact, ...]:
        """Everything that belongs to a trace id, an event id or a span id: the whole traces it occurs in, by time.

        A `traceparent` value counts as its trace id. Raises UsageError `invalid-id`; gives nothing for an unknown id.
        """
        id = valid_id(id)
        low = id.lower()
        clauses, values = ["(event_id = ? AND event_id <> '')"], [id]
        if _TRACE.fullmatch(low):
            clauses.append("(trace_id = ? AND trace_id <> '')")
            values.append(low)
        if _SPAN.fullmatch(low):
            clauses.append("(span_id = ? AND span_id <> '')")
            values.append(low)
        hit = " OR ".join(clauses)
        where = f"({hit}) OR (trace_id <> '' AND trace_id IN (SELECT trace_id FROM facts WHERE {hit}))"  # noqa: S608
        return self._by_time(where, [*values, *values])

    def by_trace(self, trace_id: str) -> tuple[Fact, ...]:
        """The facts of one trace, by time."""
        return self._by_time("trace_id = ? AND trace_id <> ''", [trace_id])

    def by_event(self, event_id: str) -> tuple[Fact, ...]:
        """The facts that name one event, by time."""
        return self._by_time("event_id = ? AND event_id <> ''", [event_id])

    def by_subject(self, pseudonym: str, limit: int = 100) -> tuple[Fact, ...]:
        """The newest facts about one subject, newest first."""
        return self.search(subject=pseudonym, limit=limit)

    def by_contract(self, contract: str, limit: int = 100) -> tuple[Fact, ...]:
        """The newest facts under a contract, newest first: an id, an `id@version` or a whole stamp."""
        return self.search(contract=contract, limit=limit)

    def between(self, from_us: int, to_us: int, limit: int = 100) -> tuple[Fact, ...]:
        """The newest facts that began in a time (the end excluded), newest first."""
        return self.search(from_us=from_us, to_us=to_us, limit=limit)

    def recent(self, limit: int = 100, kinds: Iterable[FactKind] = ()) -> tuple[Fact, ...]:
        """The newest facts, newest first."""
        return self.search(kinds=kinds, limit=limit)

    def search(
        self,
        *,
        subject: str = "",
        contract: str = "",
        consumer: str = "",
        kinds: Iterable[FactKind] = (),
        outcomes: Iterable[Outcome] = (),
        from_us: int | None = None,
        to_us: int | None = None,
        before_seq: int | None = None,
        limit: int = 100,
    ) -> tuple[Fact, ...]:
        """The newest facts that meet every condition, newest first. `before_seq` asks for the next page."""
        where: list[str] = ["1"]
        values: list[Any] = []
        if subject:
            where.append("subject = ? AND subject <> ''")
            values.append(subject)
        if contract:
            clause, given = _contract(contract)
            where.append(clause)
            values += given
        if consumer:
            where.append("consumer = ?")
            values.append(consumer)
        for column, words in (("kind", list(kinds)), ("outcome", list(outcomes))):
            if words:
                where.append(f"{column} IN ({', '.join('?' * len(words))})")
                values += [word.value for word in words]
        for clause, bound in (("at_us >= ?", from_us), ("at_us < ?", to_us), ("seq < ?", before_seq)):
            if bound is not None:
                where.append(clause)
                values.append(bound)
        with self._using() as db:
            rows = db.execute(
                f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
                [*values, max(0, min(limit, FOUND_MAX))],
            ).fetchall()
        return tuple(map(_fact, rows))

    def window(self, from_us: int, to_us: int) -> list[Sample]:
        """What charts need of every fact that began in a time (the end excluded), by time."""
        with self._using() as db:
            rows = db.execute(
                "SELECT kind, at_us, outcome, status, duration_us, contract, operation, consumer, code"
                " FROM facts WHERE at_us >= ? AND at_us < ? ORDER BY at_us, seq",
                (from_us, to_us),
            ).fetchall()
        return [Sample(FactKind(kind), at, Outcome(outcome), *rest) for kind, at, outcome, *rest in rows]

    def counts(self, from_us: int, to_us: int) -> list[Count]:
        """How many facts of each sort began in a time (the end excluded)."""
        with self._using() as db:
            rows = db.execute(
                "SELECT kind, outcome, contract, operation, COUNT(*), SUM(duration_us), SUM(missing)"
                " FROM facts WHERE at_us >= ? AND at_us < ?"
                " GROUP BY kind, outcome, contract, operation ORDER BY kind, contract, operation, outcome",
                (from_us, to_us),
            ).fetchall()
        return [Count(FactKind(kind), Outcome(outcome), *rest) for kind, outcome, *rest in rows]

    def observed(self, from_us: int) -> list[Observed]:
        """Who would have been refused since a time: by contract, operation, caller and code, the most calls first."""
        with self._using() as db:
            rows = db.execute(
                f"SELECT {_WHO}, COUNT(*), MAX(at_us) FROM facts WHERE observed <> '' AND at_us >= ?"  # noqa: S608 - names
                f" GROUP BY {_WHO} ORDER BY contract_id, COUNT(*) DESC, {_WHO}",
                (from_us,),
            ).fetchall()
        return [Observed(*row) for row in rows]

    def calls(self, contract_id: str, from_us: int) -> int:
        """How many calls to a contract began since a time."""
        with self._using() as db:
            row = db.execute(
                "SELECT COUNT(*) FROM facts WHERE kind = 'call' AND contract_id = ? AND at_us >= ?",
                (contract_id, from_us),
            ).fetchone()
        return int(row[0])

    def missing(self, from_us: int = 0) -> int:
        """How many facts are known to be missing since a time: a lower bound."""
        with self._using() as db:
            row = db.execute(
                "SELECT COALESCE(SUM(missing), 0) FROM facts WHERE missing > 0 AND at_us >= ?", (from_us,)
            ).fetchone()
        return int(row[0])

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

    def _by_time(self, where: str, values: Sequence[Any]) -> tuple[Fact, ...]:
        with self._using() as db:
            rows = db.execute(f"{_SELECT} WHERE {where} ORDER BY at_us, seq LIMIT ?", [*values, FOUND_MAX]).fetchall()
        return tuple(map(_fact, rows))

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise _unusable(self._path, error) from error

    def _version(self) -> int:
        """The schema version, -1 for a file that is no database."""
        try:
            return int(self._db.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.OperationalError:
            raise  # locked, or not allowed: nothing that making it anew would mend
        except sqlite3.DatabaseError:
            return -1

    def _make_anew(self) -> None:
        self._db.close()
        _remove(self._path)
        self._db = _open(self._path, create=True, readonly=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(_TABLE)
        for column in _INDEXED:
            # Most facts lack most ids: those are not worth an entry.
            self._db.execute(f"CREATE INDEX by_{column} ON facts ({column}, seq) WHERE {column} <> ''")
        self._db.execute("CREATE INDEX by_time ON facts (at_us)")
        # What questions about days ask for, without a look at the facts themselves: these are many.
        self._db.execute(f"CREATE INDEX by_observed ON facts ({_WHO}, at_us) WHERE observed <> ''")
        self._db.execute("CREATE INDEX by_missing ON facts (at_us, missing) WHERE missing > 0")
        self._db.execute("CREATE INDEX by_call ON facts (contract_id, at_us) WHERE kind = 'call'")
        self._db.execute(f"PRAGMA user_version = {SCHEMA}")
        self._db.execute("COMMIT")


def valid_id(text: str) -> str:
    """An id as a person may give it, a `traceparent` reduced to its trace id. Raises UsageError `invalid-id`."""
    context = read_traceparent(text)
    id = context.trace_id if context else text
    if not _ID.fullmatch(id) or id == NO_TRACE:
        raise UsageError(
            "invalid-id",
            "this is not an id that a fact can have",
            "give a trace id (32 hexadecimal characters), a span id (16), a traceparent, or an event id without spaces",
        )
    return id


def _contract(asked: str) -> tuple[str, list[str]]:
    """The condition for a contract id, an `id@version` or a stamp `id@version#digest`."""
    id, version, _ = asked.partition("@")
    clause, given = "contract_id = ? AND contract_id <> ''", [id]
    if version:
        clause += " AND ? IN (contract, substr(contract, 1, instr(contract || '#', '#') - 1))"
        given.append(asked)
    return clause, given


def _fact(row: Sequence[Any]) -> Fact:
    kind, at_us, outcome, *rest = row
    return Fact(FactKind(kind), at_us, Outcome(outcome), *rest)


def _open(path: Path, *, create: bool, readonly: bool) -> sqlite3.Connection:
    try:
        if path == IN_MEMORY:
            return _connect(str(path))
        if create:
            # Made by us first: SQLite would make it readable for the group.
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        return _connect(f"file:{quote(str(path))}?mode={'ro' if readonly else 'rw'}")
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error


def _connect(target: str) -> sqlite3.Connection:
    return sqlite3.connect(target, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, uri=True)


def _remove(path: Path) -> None:
    if path != IN_MEMORY:
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _unusable(path: Path, why: object) -> EngineError:
    return EngineError(
        "trail-unusable",
        f"the index of facts {path} cannot be used: {why}",
        "it is derived from the log beside it: stop the fabric, delete trail.sqlite and start again",
    )
