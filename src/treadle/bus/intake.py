"""The way of every event into the bus: judged, then kept in the log, or with its reason in the DLQ.

Both doors, the native one and the HTTP one, go this way, so there is one law and one set of headers.

The broker drops an event whose id it has seen within the last minutes, which makes it safe to publish again what may
have been lost. It never looks at the content: another event under a used id would vanish with an acknowledgement. So
the guard remembers, for as long as the broker does, what each id stood for, and refuses it for anything else. An id
belongs to the content that was first accepted under it, even where the broker then did not keep it. The memory is this
process's own: a restart of the guard forgets it, and until the broker's window has passed a used id is again dropped
in silence. So it is beyond `REMEMBERED_MAX` ids in one window, when the oldest are forgotten first.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import orjson

from treadle.base.ids import TraceContext, new_trace, read_traceparent
from treadle.bus import headers as h
from treadle.bus.backends.interface import Backend
from treadle.bus.backends.nats import DUPLICATES_S
from treadle.bus.budget import EVENT_BYTES_MAX
from treadle.bus.guard import Accepted, Guard, id_reused
from treadle.bus.partition import KEY_BYTES_MAX, encode_key, partition_of
from treadle.bus.pointer import text_at
from treadle.bus.reason import Refused
from treadle.bus.record import Receipt
from treadle.bus.subjects import GUARD, arriving, dead_letter, published

OVERSIZE_KEPT_BYTES = 64 * 1024
"""How much of a body that is over its budget the dead letter keeps."""

REMEMBERED_S = DUPLICATES_S + 5
"""The broker's window begins when it has kept the event, which is a little later than now."""

REMEMBERED_MAX = 100_000
"""Some 35 MB of ids and digests; more than 800 events a second for the whole window."""

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


class _Memory:
    """What each id of each channel stood for, the oldest first. `now` gives seconds that only grow."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._seen: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()

    def knows_otherwise(self, channel: str, id: str, digest: bytes) -> bool:
        """Whether the id stands for something else already. From now on it stands for this if it was free."""
        now = self._now()
        while self._seen and next(iter(self._seen.values()))[0] <= now:
            self._seen.popitem(last=False)
        # As at the broker, the first time counts: a repetition does not make the window longer.
        _, known = self._seen.setdefault((channel, id), (now + REMEMBERED_S, digest))
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)
        return known != digest


class Intake:
    """The guard at work. `guard` is swapped as one value when the contracts change."""

    def __init__(self, backend: Backend, guard: Guard, *, now: Callable[[], float] = time.monotonic) -> None:
        self.guard = guard
        self._backend = backend
        self._memory = _Memory(now)

    def judge(self, arrival: Arrival) -> Accepted | Refused:
        """Judge a message and remember it; the headers of what is accepted are complete.

        An id that stands for something else is refused whatever the channel's enforcement is: the broker drops it.
        """
        verdict = self.guard.judge(arrival.subject, arrival.headers, arrival.body)
        if isinstance(verdict, Refused):
            return verdict
        id = verdict.headers.get(h.MSG_ID)  # what the broker goes by; only a softer contract lets one pass without
        if id and self._memory.knows_otherwise(verdict.topic.channel, id, verdict.digest):
            return id_reused(verdict)
        completed = {
            **verdict.headers,
            **_hop(arrival),
            h.ACCEPTED_AT: str(time.time_ns() // 1000),
            h.GUARD_US: str(arrival.took_us()),
        }
        return replace(verdict, headers=completed)

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
