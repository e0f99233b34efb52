"""The dead letters: what was refused or given up, and what people did about it.

A stream keeps what it has: an entry is closed by another message that names it, so the DLQ is its own record. An event
that the guard refused is mended and sent through the guard again. An event that one group could not handle was accepted
long ago and reached the other groups: sending it again under its own id would change nothing, so that takes a fresh id,
on demand, and reaches every group.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import orjson

from treadle.base.errors import InputError, PolicyError
from treadle.base.ids import TraceContext, new_trace, read_traceparent
from treadle.bus import headers as h
from treadle.bus.backends.interface import Backend
from treadle.bus.partition import decode_key
from treadle.bus.pointer import text_at
from treadle.bus.record import Receipt, Stored
from treadle.bus.subjects import GUARD, dead_letter, dlq_stream, read_dead_letter


class State(StrEnum):
    """What became of a dead letter."""

    OPEN = "open"
    RESUBMITTED = "resubmitted"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Entry:
    """One dead letter.

    `id` is `<domain>:<sequence>`; `by` is `guard` or the group that gave it up; `key` is empty where the subject named
    none.
    """

    id: str
    sequence: int
    at_us: int
    domain: str
    channel: str
    by: str
    reason: str
    pointer: str
    detail: str
    event_id: str
    key: str
    producer: str
    attempts: int
    origin: str
    trace_id: str
    state: State
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """Open dead letters that have one cause, and how many there are."""

    channel: str
    by: str
    reason: str
    pointer: str
    count: int


class Publish(Protocol):
    """Publishes through the guard: `treadle.bus.producer.Producer.publish`."""

    def __call__(self, channel: str, key: str, body: bytes, *, trace: TraceContext | None = None) -> Awaitable[Receipt]:
        """Raises EventRefusedError where the guard refuses again."""
        ...


async def entries(backend: Backend, domain: str | None = None, *, state: State | None = State.OPEN) -> list[Entry]:
    """Dead letters of one domain or of all, oldest first within each; `state` None gives the closed ones too."""
    names = [dlq_stream(domain)] if domain else [name for name in await backend.streams() if name.startswith("DLQ_")]
    found: list[Entry] = []
    for name in names:
        letters: list[Stored] = []
        closed: dict[int, State] = {}
        async for stored in backend.read(name):
            if h.DLQ_STATE in stored.headers:
                closed[int(stored.headers[h.DLQ_OF].rpartition(":")[2])] = State(stored.headers[h.DLQ_STATE])
            else:
                letters.append(stored)
        made = (_entry(stored, closed.get(stored.sequence, State.OPEN)) for stored in letters)
        found += [entry for entry in made if entry and (state is None or entry.state is state)]
    return found


async def entry(backend: Backend, id: str) -> Entry:
    """One dead letter. Raises InputError `dead-letter-unknown`."""
    domain, _, sequence = id.rpartition(":")
    if domain and sequence.isdecimal():
        for each in await entries(backend, domain, state=None):
            if each.sequence == int(sequence):
                return each
    raise InputError("dead-letter-unknown", f"there is no dead letter {id}", "list them: treadle events dlq")


def kinds(found: list[Entry]) -> list[Kind]:
    """Dead letters grouped by cause, the most frequent first."""
    counted = Counter((each.channel, each.by, each.reason, each.pointer) for each in found)
    return [Kind(*cause, count) for cause, count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]


async def resubmit(
    backend: Backend, publish: Publish, id: str, *, body: bytes | None = None, fresh_id: bool = False
) -> Receipt:
    """Send a dead letter, mended if a body is given, through the guard under its key, and close it.

    Raises PolicyError `dead-letter-closed` or `dead-letter-was-accepted`, InputError where it names no channel and key,
    EventRefusedError where the guard refuses it again (it stays open).
    """
    letter = await _open(backend, id)
    if letter.by != GUARD and not fresh_id:
        raise PolicyError(
            "dead-letter-was-accepted",
            f"{id} was accepted once; only group {letter.by} could not handle it",
            "mend the group and replay, or resubmit with a fresh id: every group gets it",
        )
    if not letter.key:
        raise InputError("dead-letter-without-key", f"{id} was not published to a channel and a key", "publish it anew")
    sent = letter.body if body is None else body
    if fresh_id:
        sent = _with_id(sent, str(uuid.uuid4()))
    trace = _trace(letter)
    receipt = await publish(letter.channel, letter.key, sent, trace=trace)
    await _close(backend, letter, State.RESUBMITTED, trace, text_at(_loaded(sent), "/eventId"))
    return receipt


async def discard(backend: Backend, id: str) -> None:
    """Close a dead letter without sending it. It stays readable. Raises PolicyError `dead-letter-closed`."""
    letter = await _open(backend, id)
    await _close(backend, letter, State.DISCARDED, _trace(letter), letter.event_id)


async def _open(backend: Backend, id: str) -> Entry:
    found = await entry(backend, id)
    if found.state is not State.OPEN:
        raise PolicyError(
            "dead-letter-closed", f"{id} was {found.state} already", "list the open ones: treadle events dlq"
        )
    return found


async def _close(backend: Backend, letter: Entry, state: State, trace: TraceContext, event_id: str) -> None:
    headers = {
        h.MSG_ID: f"{state}:{letter.id}",
        h.TRACEPARENT: trace.header(),
        h.PARENT_SPAN: "",
        h.EVENT_ID: h.clean(event_id, 128),
        h.DLQ_STATE: state,
        h.DLQ_OF: letter.id,
    }
    await backend.publish(dead_letter(letter.domain, letter.channel, letter.by, letter.reason), headers, b"")


def _entry(stored: Stored, state: State) -> Entry | None:
    at = read_dead_letter(stored.subject)
    if at is None:
        return None
    trace = read_traceparent(stored.headers.get(h.TRACEPARENT))
    attempts = stored.headers.get(h.DLQ_ATTEMPTS, "")
    origin = stored.headers.get(h.DLQ_ORIGIN, "")
    return Entry(
        id=f"{at.domain}:{stored.sequence}",
        sequence=stored.sequence,
        at_us=stored.at_us,
        domain=at.domain,
        channel=at.channel,
        by=at.by,
        reason=at.reason,
        pointer=stored.headers.get(h.DLQ_POINTER, ""),
        detail=stored.headers.get(h.DLQ_DETAIL, ""),
        event_id=stored.headers.get(h.EVENT_ID, ""),
        key=_key(origin, at.channel),
        producer=stored.headers.get(h.PRODUCER, ""),
        attempts=int(attempts) if attempts.isdecimal() else 0,
        origin=origin,
        trace_id=trace.trace_id if trace else "",
        state=state,
        body=stored.body,
        headers=stored.headers,
    )


def _key(origin: str, channel: str) -> str:
    """The key of the subject an event came in or was kept on, or empty where it names another channel or no key."""
    path, _, token = origin.rpartition(".")
    named = {channel, *(f"{head}.{channel}" for head in [".".join(path.split(".")[:2])] if head.startswith("ingress."))}
    if path.startswith("bus."):
        path = path.removeprefix("bus.").rpartition(".")[0]
    try:
        return decode_key(token) if path in named else ""
    except ValueError:
        return ""


def _trace(letter: Entry) -> TraceContext:
    found = read_traceparent(letter.headers.get(h.TRACEPARENT))
    return found.child() if found else new_trace()


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _with_id(body: bytes, id: str) -> bytes:
    found = _loaded(body)
    if not isinstance(found, dict):
        raise InputError("event-unreadable", "the event is not a JSON object", "give a mended body")
    return orjson.dumps({**found, "eventId": id})
