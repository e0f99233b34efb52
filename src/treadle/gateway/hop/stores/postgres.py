"""Keys in PostgreSQL: for a fleet whose nodes share them.

The commit of a claim asks for `synchronous_commit = on`; what that is worth after a loss of power is the server's own
setting (`fsync`, replicas). How a call ended is committed without waiting for the disk, as in a file: a crash of the
server may lose the last of it, and then a key is in doubt where it was answered. A batch is pipelined: two round trips
and the commit, however many calls wait.
"""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg

from treadle.gateway.hop.idempotency import SEND, Claim, judge
from treadle.gateway.hop.stores import sql
from treadle.gateway.hop.stores.batch import BatchStore
from treadle.gateway.hop.stores.store import StoreAwayError, Sweep, Work

CONNECT_S = 5
STATEMENT_MS = 5_000
TRIES = 3
_AGAIN = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
_MAKING = 7_234_871
"""The advisory lock under which the table is made: two hops that start together would both make it."""
_CLAIM = sql.claim("%s").encode()
_READ = sql.read("%s").encode()
_SETTLE = sql.settle("%s").encode()
_RELEASE = sql.release("%s").encode()
_SWEEP = sql.sweep("%s").encode()


def postgres_store(url: str) -> BatchStore:
    """The store in the database at a libpq URL. It is connected to when it is first needed, and again when lost."""
    return BatchStore(lambda: PostgresDatabase(url))


class PostgresDatabase:
    """One connection, made anew after it was lost."""

    def __init__(self, url: str) -> None:
        """Nothing is connected yet."""
        self._url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def commit(self, work: list[Work]) -> list[Any]:
        """All of the work in one transaction."""
        # In the order of their keys, so that two nodes seldom wait for each other; where they do, one tries again.
        order = sorted(range(len(work)), key=lambda at: _scope(work[at]))
        for left in reversed(range(TRIES)):
            try:
                done = self._transaction([work[at] for at in order])
            except _AGAIN as error:
                if not left:
                    raise StoreAwayError(_plain(error)) from error
            except psycopg.Error as error:
                self.close()
                raise StoreAwayError(_plain(error)) from error
            else:
                return [result for _, result in sorted(zip(order, done, strict=True), key=lambda pair: pair[0])]
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def _transaction(self, work: list[Work]) -> list[Any]:
        connection = self._connected()
        results: list[Any] = []
        met: list[tuple[int, Claim]] = []
        with connection.transaction():
            with connection.pipeline():
                if not any(isinstance(each, Claim) for each in work):
                    connection.execute("SET LOCAL synchronous_commit = off")
                begun = [(each, connection.execute(*_statement(each))) for each in work]
            for at, (each, cursor) in enumerate(begun):
                if isinstance(each, Claim):
                    made = cursor.fetchone() is not None
                    results.append(SEND if made else None)
                    if not made:
                        met.append((at, each))
                else:
                    results.append(cursor.rowcount if isinstance(each, Sweep) else None)
            if met:
                with connection.pipeline():
                    reads = [(at, each, connection.execute(_READ, (each.scope,), binary=True)) for at, each in met]
                for at, each, cursor in reads:
                    row = cursor.fetchone()  # it is there: the claim that met it has locked it
                    results[at] = judge(sql.record(row) if row else None, each)
        return results

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            options = f"-c synchronous_commit=on -c statement_timeout={STATEMENT_MS}"
            connection = psycopg.connect(
                self._url, connect_timeout=CONNECT_S, options=options, autocommit=True, application_name="treadle-hop"
            )
            try:
                with connection.transaction():
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
                    for statement in sql.create("bytea", "bigint"):
                        connection.execute(statement.encode())
            except psycopg.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def _statement(work: Work) -> tuple[bytes, tuple[Any, ...]]:
    if isinstance(work, Claim):
        return _CLAIM, sql.claim_values(work)
    if isinstance(work, Sweep):
        return _SWEEP, (work.now_ms,)
    if work.outcome.state is None:
        return _RELEASE, (work.scope, work.owner)
    return _SETTLE, sql.settle_values(work)


def _scope(work: Work) -> bytes:
    return b"" if isinstance(work, Sweep) else work.scope


def _plain(error: psycopg.Error) -> str:
    """The first line: the rest may quote the statement and its values."""
    return str(error).partition("\n")[0] or type(error).__name__
