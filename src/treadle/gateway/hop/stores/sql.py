"""The table of keys in SQL, the same for both databases but for types and the mark of a parameter.

Plain SQL and no library over it: this is the hot path of every guarded call, and it is four statements.
"""

from __future__ import annotations

from typing import Any

import orjson

from treadle.gateway.hop.idempotency import Claim, Record, Reply, State
from treadle.gateway.hop.stores.store import Settle

COLUMNS = "fingerprint, owner, state, deadline_ms, expires_ms, status, headers, body"
SWEPT_AT_ONCE = 500
_OPEN = f"({State.SENT.value}, {State.IN_DOUBT.value})"


def create(blob: str, big: str) -> tuple[str, ...]:
    """Statements that make the table where it is not there. `blob` and `big` are the words for bytes and 64 bits."""
    table = (
        f"CREATE TABLE IF NOT EXISTS idempotency_keys (scope {blob} PRIMARY KEY, fingerprint {blob} NOT NULL,"
        f" owner {blob} NOT NULL, state integer NOT NULL, deadline_ms {big} NOT NULL, expires_ms {big} NOT NULL,"
        f" status integer NOT NULL DEFAULT 0, headers {blob}, body {blob})"
    )
    return (table, "CREATE INDEX IF NOT EXISTS idempotency_keys_expire ON idempotency_keys (expires_ms)")


def claim(mark: str) -> str:
    """Make the record of a claim, unless its key has one that has not expired; returns a row where it was made."""
    return (
        "INSERT INTO idempotency_keys (scope, fingerprint, owner, state, deadline_ms, expires_ms)"  # noqa: S608 - no value
        f" VALUES ({mark}, {mark}, {mark}, {State.SENT.value}, {mark}, {mark})"
        " ON CONFLICT (scope) DO UPDATE SET fingerprint = excluded.fingerprint, owner = excluded.owner,"
        " state = excluded.state, deadline_ms = excluded.deadline_ms, expires_ms = excluded.expires_ms,"
        f" status = 0, headers = NULL, body = NULL WHERE idempotency_keys.expires_ms <= {mark} RETURNING state"
    )


def claim_values(claim: Claim) -> tuple[Any, ...]:
    """The values of `claim`."""
    return (claim.scope, claim.fingerprint, claim.owner, claim.deadline_ms, claim.expires_ms, claim.now_ms)


def read(mark: str) -> str:
    """The record of a key."""
    return f"SELECT {COLUMNS} FROM idempotency_keys WHERE scope = {mark}"  # noqa: S608 - no value


def settle(mark: str) -> str:
    """Say how a claim ended."""
    return (
        f"UPDATE idempotency_keys SET state = {mark}, status = {mark}, headers = {mark}, body = {mark}"  # noqa: S608
        f" WHERE scope = {mark} AND owner = {mark} AND state IN {_OPEN}"
    )


def settle_values(settle: Settle) -> tuple[Any, ...]:
    """The values of `settle`."""
    reply = settle.outcome.reply
    state = settle.outcome.state
    if state is None:
        raise AssertionError("what is released is deleted")
    kept = (reply.status, _packed(reply), reply.body) if reply else (0, None, None)
    return (state.value, *kept, settle.scope, settle.owner)


def release(mark: str) -> str:
    """Forget a claim that was never sent."""
    return (
        f"DELETE FROM idempotency_keys WHERE scope = {mark} AND owner = {mark}"  # noqa: S608 - no value
        f" AND state = {State.SENT.value}"
    )


def sweep(mark: str) -> str:
    """Forget some of what has expired."""
    return (
        "DELETE FROM idempotency_keys WHERE scope IN (SELECT scope FROM idempotency_keys"  # noqa: S608 - no value
        f" WHERE expires_ms <= {mark} ORDER BY expires_ms LIMIT {SWEPT_AT_ONCE})"
    )


def record(row: tuple[Any, ...]) -> Record:
    """The record in a row of COLUMNS."""
    fingerprint, owner, state, deadline_ms, expires_ms, status, headers, body = row
    reply = Reply(status, _unpacked(headers), bytes(body or b"")) if status else None
    return Record(bytes(fingerprint), bytes(owner), State(state), deadline_ms, expires_ms, reply)


def _packed(reply: Reply) -> bytes:
    # Header values are bytes of any kind; Latin-1 maps each to one character and back.
    return orjson.dumps([[name.decode("latin-1"), value.decode("latin-1")] for name, value in reply.headers])


def _unpacked(data: bytes | None) -> tuple[tuple[bytes, bytes], ...]:
    rows = orjson.loads(bytes(data)) if data else []
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in rows)
