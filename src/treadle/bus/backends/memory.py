"""The bus in memory: the reference of the conformance suite, and a twin for tests without a broker.

It keeps nothing on disk and serves one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from treadle.base.errors import EngineError, PolicyError
from treadle.bus import headers as h
from treadle.bus.backends.interface import HELD_MAX, Lease
from treadle.bus.ir import Bus
from treadle.bus.partition import encode_key
from treadle.bus.record import Lag, Receipt, Stored, Terms
from treadle.bus.subjects import FACTS_STREAM, UNROUTED, channel_stream, dlq_stream, read_logged, stream_of


@dataclass(slots=True)
class _Stream:
    stored: list[Stored] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    partitions: int = 0


@dataclass(slots=True)
class _Group:
    terms: Terms
    next: int = 1
    returned: deque[int] = field(default_factory=deque)
    held: set[int] = field(default_factory=set)
    deliveries: dict[int, int] = field(default_factory=dict)
    owner: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Lease:
    stored: Stored
    deliveries: int
    group: _Group

    async def done(self) -> None:
        self.group.held.discard(self.stored.sequence)
        self.group.deliveries.pop(self.stored.sequence, None)


class MemoryBackend:
    """See `treadle.bus.backends.interface.Backend`."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._groups: dict[tuple[str, str], _Group] = {}
        self._changed = asyncio.Condition()

    async def ensure(self, bus: Bus) -> None:
        """Make streams and groups."""
        for topic in bus.topics:
            stream = self._streams.setdefault(channel_stream(topic.channel), _Stream(partitions=topic.partitions))
            if stream.partitions != topic.partitions:
                raise PolicyError(
                    "partitions-fixed",
                    f"{topic.channel} has {stream.partitions} partitions and cannot get {topic.partitions}",
                    "publish a new major of the channel",
                )
        domains = {topic.domain for topic in bus.topics} | {d for each in bus.producers for d in each.domains}
        for name in (FACTS_STREAM, dlq_stream(UNROUTED), *(dlq_stream(domain) for domain in domains)):
            self._streams.setdefault(name, _Stream())
        topics = {topic.channel: topic for topic in bus.topics}
        for each in bus.groups:
            topic = topics[each.channel]
            terms = Terms(each.max_attempts, topic.domain, topic.subject_pointer)
            self._groups.setdefault((each.channel, each.id), _Group(terms)).terms = terms

    async def publish(self, subject: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Keep one message."""
        name = stream_of(subject)
        stream = self._streams.get(name or "")
        if name is None or stream is None:
            raise EngineError("stream-missing", f"nothing keeps {subject}", "apply the contracts")
        id = headers.get(h.MSG_ID)
        if id and id in stream.ids:
            return Receipt(name, stream.ids[id], duplicate=True)
        sequence = len(stream.stored) + 1
        stream.stored.append(Stored(name, sequence, subject, dict(headers), body, time.time_ns() // 1000))
        if id:
            stream.ids[id] = sequence
        async with self._changed:
            self._changed.notify_all()
        return Receipt(name, sequence)

    @asynccontextmanager
    async def consume(self, channel: str, group: str) -> AsyncIterator[_Claim]:
        """Take a channel."""
        found = self._groups.get((channel, group))
        if found is None:
            raise EngineError("group-missing", f"group {group} does not subscribe to {channel}", "add it and apply")
        async with found.owner:
            try:
                yield _Claim(self, self._streams[channel_stream(channel)], found)
            finally:
                found.returned = deque(sorted({*found.returned, *found.held}))
                found.held.clear()

    async def read(self, stream: str, *, after: int = 0) -> AsyncIterator[Stored]:
        """What a stream keeps now."""
        for stored in tuple(self._streams.get(stream, _Stream()).stored[after:]):
            yield stored

    async def follow(self, stream: str, *, after: int = 0) -> AsyncIterator[tuple[Stored, ...]]:
        """What a stream keeps, as it comes."""
        while True:
            batch = tuple([each async for each in self.read(stream, after=after)])
            after += len(batch)
            yield batch
            if not batch:
                async with self._changed:
                    await self._changed.wait()

    async def latest(self, channel: str, key: str) -> Stored | None:
        """The last event of a key."""
        token = encode_key(key)
        stored = self._streams.get(channel_stream(channel), _Stream()).stored
        return next((s for s in reversed(stored) if (at := read_logged(s.subject)) and at.token == token), None)

    async def lag(self, channel: str, group: str) -> Lag:
        """How far a group is behind."""
        found = self._groups[channel, group]
        kept = len(self._streams[channel_stream(channel)].stored)
        return Lag(kept - found.next + 1, len(found.held) + len(found.returned))

    async def streams(self) -> tuple[str, ...]:
        """All streams."""
        return tuple(sorted(self._streams))

    async def wait(self) -> None:
        """Until something is published."""
        async with self._changed:
            await self._changed.wait()


class _Claim:
    """See `treadle.bus.backends.interface.Claim`."""

    def __init__(self, backend: MemoryBackend, stream: _Stream, group: _Group) -> None:
        self._backend = backend
        self._stream = stream
        self._group = group

    @property
    def terms(self) -> Terms:
        return self._group.terms

    async def __aiter__(self) -> AsyncIterator[Lease]:
        group = self._group
        while True:
            if group.returned:
                sequence = group.returned.popleft()
            elif group.next <= len(self._stream.stored) and len(group.held) < HELD_MAX:
                sequence = group.next
                group.next += 1
            else:
                # A lease that is done makes room too, and says so to nobody: look again soon.
                try:
                    async with asyncio.timeout(0.02):
                        await self._backend.wait()
                except TimeoutError:
                    continue
                continue
            group.held.add(sequence)
            group.deliveries[sequence] = group.deliveries.get(sequence, 0) + 1
            yield _Lease(self._stream.stored[sequence - 1], group.deliveries[sequence], group)
