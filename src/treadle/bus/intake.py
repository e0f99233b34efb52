"""The way of every event into the bus: judged, then kept in the log, or with its reason in the DLQ.

Both doors, the native one and the HTTP one, go this way, so there is one law and one set of headers.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import orjson

from treadle.base.ids import TraceContext, new_trace, read_traceparent
from treadle.bus import headers as h
from treadle.bus.backends.interface import Backend
from treadle.bus.budget import EVENT_BYTES_MAX
from treadle.bus.guard import Accepted, Guard
from treadle.bus.partition import KEY_BYTES_MAX, encode_key, partition_of
from treadle.bus.pointer import text_at
from treadle.bus.reason import Refused
from treadle.bus.record import Receipt
from treadle.bus.subjects import GUARD, arriving, dead_letter, published

OVERSIZE_KEPT_BYTES = 64 * 1024
"""How much of a body that is over its budget the dead letter keeps."""

_CHANNEL_TOKENS = re.compile(r"[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64}){0,7}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message at the door, and where it stands in its trace. `producer` is the verified client, or empty."""

    subject: str
    headers: Mapping[str, str]
    body: bytes
    producer: str
    span: TraceContext
    parent_span: str
    at_ns: int

    def took_us(self) -> int:
        """How long it has been here."""
        return max(0, (time.time_ns() - self.at_ns) // 1000)


def arrive(subject: str, headers: Mapping[str, str], body: bytes, producer: str) -> Arrival:
    """Note when a message came, and open its span. Without a valid `traceparent` a trace begins here."""
    parent = read_traceparent(h.find(headers, h.TRACEPARENT))
    span = parent.child() if parent else new_trace()
    return Arrival(subject, headers, body, producer, span, parent.span_id if parent else "", time.time_ns())


class Intake:
    """The guard at work. `guard` is swapped as one value when the contracts change."""

    def __init__(self, backend: Backend, guard: Guard) -> None:
        self.guard = guard
        self._backend = backend

    def judge(self, arrival: Arrival) -> Accepted | Refused:
        """Judge a message; the headers of what is accepted are complete."""
        verdict = self.guard.judge(arrival.subject, arrival.headers, arrival.body)
        if isinstance(verdict, Refused):
            return verdict
        return Accepted(
            verdict.topic,
            verdict.subject,
            verdict.key,
            verdict.event_id,
            {
                **verdict.headers,
                **_hop(arrival),
                h.ACCEPTED_AT: str(time.time_ns() // 1000),
                h.GUARD_US: str(arrival.took_us()),
            },
            verdict.violation,
        )

    async def offer(
        self, channel: str, key: str, headers: Mapping[str, str], body: bytes, producer: str
    ) -> tuple[Accepted, Receipt] | Refused:
        """Take one event: its place in the log, or its refusal once the dead letter is kept.

        Raises ValueError for a key that no subject can carry, EngineError where the broker did not keep it.
        """
        topic = self.guard.topic(channel)
        if topic:
            token = encode_key(key)
            subject = arriving(channel, partition_of(token, topic.partitions), token)
        else:  # refused whatever its key is; the dead letter names it where it can
            subject = published(channel, encode_key(key) if 0 < len(key) <= KEY_BYTES_MAX // 4 else "_")
        arrival = arrive(subject, headers, body, producer)
        verdict = self.judge(arrival)
        if isinstance(verdict, Refused):
            await self.bury(arrival, verdict)
            return verdict
        return verdict, await self._backend.publish(verdict.subject, verdict.headers, body)

    async def bury(self, arrival: Arrival, refused: Refused) -> Receipt:
        """Keep a refused event with its reason."""
        topic = self.guard.topic(refused.channel)
        oversize = len(arrival.body) > EVENT_BYTES_MAX
        given = {} if h.size_of(arrival.headers) > h.HEADER_BYTES_MAX else h.kept(arrival.headers)
        headers = {
            **{name: value for name, value in given.items() if not name.startswith("Nats-")},
            **_hop(arrival),
            # Of this arrival, not of the event: the same event refused twice is two facts.
            h.MSG_ID: secrets.token_hex(16),
            h.EVENT_ID: _event_id(arrival),
            h.CONTRACT: topic.stamp if topic else "",
            h.DLQ_REASON: refused.reason,
            h.DLQ_POINTER: refused.pointer,
            h.DLQ_DETAIL: refused.detail,
            h.DLQ_GROUP: GUARD,
            h.DLQ_ATTEMPTS: "1",
            h.DLQ_ORIGIN: h.clean(arrival.subject, 512),
            h.DLQ_AT: str(arrival.at_ns // 1000),
            h.GUARD_US: str(arrival.took_us()),
            **({h.DLQ_BYTES: str(len(arrival.body))} if oversize else {}),
        }
        channel = refused.channel if _CHANNEL_TOKENS.fullmatch(refused.channel) else "unknown"
        subject = dead_letter(self.guard.domain_of(refused.channel), channel, GUARD, refused.reason)
        body = arrival.body[:OVERSIZE_KEPT_BYTES] if oversize else arrival.body
        return await self._backend.publish(subject, headers, body)


def _hop(arrival: Arrival) -> dict[str, str]:
    return {
        h.TRACEPARENT: arrival.span.header(),
        h.PARENT_SPAN: arrival.parent_span,
        h.PRODUCER: arrival.producer,
    }


def _event_id(arrival: Arrival) -> str:
    """The event's id as far as it can be told from a body that nobody vouches for."""
    stated = ""
    if len(arrival.body) <= EVENT_BYTES_MAX:
        with suppress(orjson.JSONDecodeError):
            stated = text_at(orjson.loads(arrival.body), "/eventId")
    return h.clean(stated or h.find(arrival.headers, h.MSG_ID) or "", 128)
