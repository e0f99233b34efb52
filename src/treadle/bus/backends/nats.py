"""The bus on NATS JetStream.

One stream for each channel, one for the dead letters of each domain, one for delivery facts; one durable consumer for
each group and channel. Verified on NATS 2.15.

A group's consumer is pinned to one client (`priority_policy: pinned_client`). The pin alone does not keep the order of
a key when an instance dies: its unfinished events come again only when their wait is over, and the next instance would
be given later ones before them. So a new instance keeps back what it is given until nobody else holds anything.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from treadle.base.errors import EngineError, PolicyError
from treadle.bus.backends.interface import ACK_WAIT_S, HELD_MAX, Lease
from treadle.bus.budget import PAYLOAD_BYTES_MAX
from treadle.bus.ir import Bus, Group, Topic
from treadle.bus.jetstream import JetStream, connect
from treadle.bus.partition import encode_key
from treadle.bus.record import Lag, Receipt, Stored, Terms
from treadle.bus.subjects import FACTS_STREAM, UNROUTED, channel_stream, dlq_stream

NS = 1_000_000_000
DAY_NS = 86_400 * NS
DUPLICATES_S = 120
FACTS_DAYS = 30
PULL_S = 1.5
"""How long one pull waits for something to come."""

PIN_S = 4.0
"""How long after its last pull an instance is taken for dead."""

READ_BATCH = 256
READ_BYTES_MAX = 8 * 1024 * 1024
_PIN_GROUP = "one"
_WRONG_PIN = "423"
_ENDS = frozenset({"404", "408", "409"})
"""Status of a pull that ended as it should: nothing there, its time is over, enough bytes."""

_PARTITIONS = "treadle-partitions"
_TERMS = "treadle-terms"
_LATEST = "_LATEST"


class NatsBackend:
    """See `treadle.bus.backends.interface.Backend`."""

    def __init__(self, nc: Client, *, ack_wait_s: float = ACK_WAIT_S, pin_s: float = PIN_S) -> None:
        self.nc = nc
        self._js = JetStream(nc)
        self._ack_wait_s = ack_wait_s
        self._pin_s = pin_s

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, user: str, password: str, *, name: str) -> AsyncIterator[NatsBackend]:
        """A backend over a connection of its own, closed on leaving."""
        nc = await connect(url, user, password, name=name)
        try:
            yield cls(nc)
        finally:
            await nc.close()

    async def ensure(self, bus: Bus) -> None:
        """Make streams and consumers; change in place what can be changed."""
        for topic in bus.topics:
            await self._ensure_stream(_topic_stream(topic))
            if topic.compaction:
                await self._ensure_stream(_latest_stream(topic))
        days = {topic.domain: 30 for topic in bus.topics} | {d: 30 for each in bus.producers for d in each.domains}
        for topic in bus.topics:
            days[topic.domain] = max(days[topic.domain], topic.dlq_days)
        for domain, kept_days in {**days, UNROUTED: 30}.items():
            await self._ensure_stream(_stream(dlq_stream(domain), f"dlq.{domain}.>", kept_days))
        await self._ensure_stream(_stream(FACTS_STREAM, "facts.delivery.*", FACTS_DAYS))
        topics = {topic.channel: topic for topic in bus.topics}
        for group in bus.groups:
            await self._ensure_consumer(group, topics[group.channel])

    async def publish(self, subject: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Keep one message."""
        return await self._js.publish(subject, headers, body)

    @asynccontextmanager
    async def consume(self, channel: str, group: str) -> AsyncIterator[_Claim]:
        """Take a channel as one instance of a group."""
        claim = _Claim(self._js, channel_stream(channel), group)
        await claim.open()
        try:
            yield claim
        finally:
            await claim.close()

    async def read(self, stream: str, *, after: int = 0) -> AsyncIterator[Stored]:
        """What a stream keeps after a sequence, up to now."""
        info = await self._js.call(f"STREAM.INFO.{stream}")
        last = info["state"]["last_seq"] if "state" in info else 0
        reader = _Reader(self._js, stream, wait=False)
        try:
            while after < last:
                batch = await reader.next(after)
                for stored in batch:
                    if stored.sequence <= last:
                        yield stored
                if not batch:
                    return
                after = batch[-1].sequence
        finally:
            await reader.close()

    async def follow(self, stream: str, *, after: int = 0) -> AsyncIterator[tuple[Stored, ...]]:
        """What a stream keeps after a sequence, as it comes."""
        reader = _Reader(self._js, stream, wait=True)
        try:
            while True:
                try:
                    batch = await reader.next(after)
                except EngineError:
                    await reader.close()
                    batch = ()
                if batch:
                    after = batch[-1].sequence
                elif not reader.reading:
                    await asyncio.sleep(0.5)
                yield batch
        finally:
            await reader.close()

    async def latest(self, channel: str, key: str) -> Stored | None:
        """The last event of a key; of a compacted channel even where the log has dropped it."""
        stream = channel_stream(channel)
        return await self._last(stream + _LATEST, channel, key) or await self._last(stream, channel, key)

    async def _last(self, stream: str, channel: str, key: str) -> Stored | None:
        wanted = f"bus.{channel}.*.{encode_key(key)}"
        try:
            message = await self.nc.request(
                f"$JS.API.DIRECT.GET.{stream}", orjson.dumps({"last_by_subj": wanted}), timeout=5.0
            )
        except nats.errors.NoRespondersError:
            return None
        except nats.errors.Error as error:
            raise EngineError("bus-unreachable", f"NATS did not answer: {error}", "is NATS up?") from error
        headers = dict(message.headers or {})
        if "Nats-Sequence" not in headers:
            return None
        _, subject, sequence, at = (
            headers.pop(f"Nats-{name}") for name in ("Stream", "Subject", "Sequence", "Time-Stamp")
        )
        at_us = int(datetime.fromisoformat(at).timestamp() * 1_000_000)
        return Stored(stream, int(sequence), subject, headers, message.data, at_us)

    async def lag(self, channel: str, group: str) -> Lag:
        """How far a group is behind."""
        info = await self._js.call(f"CONSUMER.INFO.{channel_stream(channel)}.{group}")
        if "num_pending" not in info:
            raise EngineError("group-missing", f"group {group} does not subscribe to {channel}", "add it and apply")
        return Lag(info["num_pending"], info["num_ack_pending"])

    async def streams(self) -> tuple[str, ...]:
        """All streams."""
        names: list[str] = []
        while True:
            page = await self._js.call("STREAM.NAMES", {"offset": len(names)})
            names += page.get("streams") or []
            if len(names) >= page["total"]:
                return tuple(sorted(names))

    async def _ensure_stream(self, wanted: dict[str, Any]) -> None:
        name = wanted["name"]
        found = (await self._js.call(f"STREAM.INFO.{name}")).get("config")
        if found is None:
            await self._js.call(f"STREAM.CREATE.{name}", wanted)
            return
        has, wants = (each.get("metadata", {}).get(_PARTITIONS) for each in (found, wanted))
        if has != wants:
            raise PolicyError(
                "partitions-fixed",
                f"stream {name} has {has} partitions and cannot get {wants}: keys would move between partitions",
                "publish a new major of the channel, or drain and remove the stream",
            )
        found["metadata"] = _ours(found)
        if any(found.get(name) != value for name, value in wanted.items()):
            await self._js.call(f"STREAM.UPDATE.{name}", {**found, **wanted})

    async def _ensure_consumer(self, group: Group, topic: Topic) -> None:
        stream = channel_stream(topic.channel)
        terms = {"max_attempts": group.max_attempts, "domain": topic.domain, "subject_pointer": topic.subject_pointer}
        wanted = {
            "durable_name": group.id,
            "name": group.id,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": int(self._ack_wait_s * NS),
            "max_deliver": -1,
            "max_ack_pending": HELD_MAX,
            "priority_groups": [_PIN_GROUP],
            "priority_policy": "pinned_client",
            "priority_timeout": int(self._pin_s * NS),
            "metadata": {_TERMS: orjson.dumps(terms).decode()},
        }
        found = (await self._js.call(f"CONSUMER.INFO.{stream}.{group.id}")).get("config")
        if found is not None:
            found["metadata"] = _ours(found)
            if all(found.get(name) == value for name, value in wanted.items()):
                return
        body = {"stream_name": stream, "config": wanted, "action": ""}
        await self._js.call(f"CONSUMER.CREATE.{stream}.{group.id}", body)


def _stream(name: str, subject: str, days: int) -> dict[str, Any]:
    return {
        "name": name,
        "subjects": [subject],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "num_replicas": 1,
        "max_age": days * DAY_NS,
        "max_msg_size": PAYLOAD_BYTES_MAX,
        "duplicate_window": DUPLICATES_S * NS,
        "compression": "s2",
        "allow_direct": True,
        "metadata": {},
    }


def _topic_stream(topic: Topic) -> dict[str, Any]:
    stream = _stream(channel_stream(topic.channel), f"bus.{topic.channel}.*.*", topic.retention_days)
    return {**stream, "metadata": {_PARTITIONS: str(topic.partitions), "treadle-contract": topic.stamp}}


def _latest_stream(topic: Topic) -> dict[str, Any]:
    """The newest event of every key, for as long as the channel lives; fed by the server from the log."""
    name = channel_stream(topic.channel)
    stream = {**_stream(name + _LATEST, "", 0), "sources": [{"name": name}], "max_msgs_per_subject": 1}
    del stream["subjects"]
    return stream


def _ours(config: dict[str, Any]) -> dict[str, str]:
    """Metadata without what the server itself notes there."""
    return {name: value for name, value in config.get("metadata", {}).items() if not name.startswith("_nats.")}


@dataclass(slots=True)
class _Lease:
    """See `treadle.bus.backends.interface.Lease`. `reply` is replaced when the same event is given again."""

    stored: Stored
    deliveries: int
    reply: str
    claim: _Claim

    async def done(self) -> None:
        await self.claim.done(self)


class _Claim:
    """See `treadle.bus.backends.interface.Claim`."""

    def __init__(self, js: JetStream, stream: str, group: str) -> None:
        self._js = js
        self._stream = stream
        self._name = f"{stream}.{group}"
        self._held: dict[int, _Lease] = {}
        self._finishing: set[int] = set()
        self._kept_back: list[_Lease] = []
        self._came = asyncio.Event()
        self._ready: asyncio.Queue[_Lease] = asyncio.Queue()
        self._pin = ""
        self._alone = False
        self._wanted = 0
        self._pull_ended = asyncio.Event()

    async def open(self) -> None:
        """Learn the terms and start."""
        config = (await self._info())["config"]
        self.terms = Terms(**orjson.loads(config["metadata"][_TERMS]))
        self._ack_wait_s = config["ack_wait"] / NS
        self._inbox = self._js.nc.new_inbox()
        self._sub = await self._js.nc.subscribe(self._inbox, cb=self._message)
        self._tasks = [asyncio.create_task(each()) for each in (self._pull, self._stay_alive, self._admit)]

    async def close(self) -> None:
        """Stop, and give back what is not done, oldest first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(nats.errors.Error, OSError):
            await self._sub.unsubscribe()
            for sequence in sorted(self._held):
                await self._js.nc.publish(self._held[sequence].reply, b"-NAK")
            if self._js.nc.is_connected:
                await self._js.nc.flush(5)

    async def __aiter__(self) -> AsyncIterator[Lease]:
        while True:
            yield await self._ready.get()

    async def done(self, lease: _Lease) -> None:
        """Finish a lease; the server has noted it on return."""
        sequence = lease.stored.sequence
        self._finishing.add(sequence)
        try:
            await self._js.request(lease.reply, b"+ACK")
            self._held.pop(sequence, None)
        finally:
            self._finishing.discard(sequence)

    async def _info(self) -> dict[str, Any]:
        info = await self._js.call(self._name, prefix=self._js.consumer_info)
        if "config" not in info:
            raise EngineError("group-missing", f"there is no consumer {self._name}", "add the subscription and apply")
        return info

    async def _pull(self) -> None:
        """Always have one request open: it fetches, and it keeps the pin."""
        while True:
            if not self._js.nc.is_connected:
                await asyncio.sleep(0.1)
                continue
            self._pull_ended.clear()
            self._wanted = HELD_MAX
            ask = {"batch": HELD_MAX, "expires": int(PULL_S * NS), "group": _PIN_GROUP}
            if self._pin:
                ask["id"] = self._pin
            with suppress(nats.errors.Error, OSError):
                subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._name}"
                await self._js.nc.publish(subject, orjson.dumps(ask), reply=self._inbox)
            with suppress(TimeoutError):
                async with asyncio.timeout(PULL_S + 0.5):
                    await self._pull_ended.wait()

    async def _message(self, message: Msg) -> None:
        headers = dict(message.headers or {})
        if not message.reply:
            if headers.get("Status") == _WRONG_PIN:  # the pin is another's now, or the server has restarted
                self._pin = ""
            self._pull_ended.set()
            return
        self._wanted -= 1
        if self._wanted == 0:
            self._pull_ended.set()
        pin = headers.pop("Nats-Pin-Id", "")
        if pin and pin != self._pin:
            self._pin = pin
            self._alone = False
        stored = _stored(message, self._stream, headers)
        again = self._held.get(stored.sequence)
        if again:
            again.reply = message.reply
            return
        lease = _Lease(stored, message.metadata.num_delivered, message.reply, self)
        self._held[stored.sequence] = lease
        self._kept_back.append(lease)
        self._came.set()

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(self._ack_wait_s / 3)
            with suppress(nats.errors.Error, OSError):
                for sequence in sorted(self._held):
                    await self._js.nc.publish(self._held[sequence].reply, b"+WPI")

    async def _admit(self) -> None:
        while True:
            await self._came.wait()
            while not self._alone:
                self._alone = not await self._others_hold()
                if not self._alone:
                    await asyncio.sleep(0.05)
            self._came.clear()
            for lease in sorted(self._kept_back, key=lambda each: each.stored.sequence):
                self._ready.put_nowait(lease)
            self._kept_back.clear()

    async def _others_hold(self) -> bool:
        """Whether events are out that are not in our hands.

        Counted are leases that were ours before the question and still are after the answer: what came or went in
        between may be on either side of the server's count, and must not hide a stranger.
        """
        before = self._held.keys() - self._finishing
        try:
            out = (await self._info())["num_ack_pending"]
        except EngineError:
            return True
        return bool(out > len(before & (self._held.keys() - self._finishing)))


class _Reader:
    """Reads a stream from a sequence on, through a consumer that lives as long as it is used."""

    def __init__(self, js: JetStream, stream: str, *, wait: bool) -> None:
        self._js = js
        self._stream = stream
        self._wait = wait
        self._name = ""
        self._came: asyncio.Queue[Msg] = asyncio.Queue()
        self._sub: Subscription | None = None
        self._open = 0
        self._count = 0

    @property
    def reading(self) -> bool:
        """Whether there is a consumer to wait at; without one, a caller must not ask again at once."""
        return bool(self._name)

    async def next(self, after: int) -> tuple[Stored, ...]:
        """The next messages after a sequence. Empty: the stream has none now, or does not exist."""
        if not self._name and not await self._begin(after):
            return ()
        if not self._open and self._came.empty():
            await self._ask()
        batch: list[Stored] = []
        try:
            async with asyncio.timeout(PULL_S + 1.0):
                message = await self._came.get()
            while True:
                self._take(message, batch)
                message = self._came.get_nowait()
        except asyncio.QueueEmpty:
            pass
        except TimeoutError:  # the server has forgotten the request
            await self.close()
        except _BrokenError:
            await self.close()
        return tuple(each for each in batch if each.sequence > after)

    async def close(self) -> None:
        """Let go of the consumer; `next` makes another."""
        name, self._name = self._name, ""
        if self._sub is not None:
            with suppress(nats.errors.Error, OSError):
                await self._sub.unsubscribe()
            self._sub = None
        if name and self._js.nc.is_connected:
            with suppress(EngineError):
                await self._js.call(f"CONSUMER.DELETE.{self._stream}.{name}")

    async def _begin(self, after: int) -> bool:
        name = "read-" + secrets.token_hex(8)
        config = {
            "name": name,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": after + 1,
            "ack_policy": "none",
            "inactive_threshold": 30 * NS,
            "mem_storage": True,
        }
        body = {"stream_name": self._stream, "config": config, "action": "create"}
        made = await self._js.call(f"CONSUMER.CREATE.{self._stream}.{name}", body)
        if "config" not in made:
            return False
        self._name, self._open, self._count = name, 0, 0
        self._came = asyncio.Queue()
        self._inbox = self._js.nc.new_inbox()
        self._sub = await self._js.nc.subscribe(self._inbox, cb=self._came.put)
        return True

    async def _ask(self) -> None:
        self._open = READ_BATCH
        ask: dict[str, Any] = {"batch": READ_BATCH, "max_bytes": READ_BYTES_MAX}
        ask |= {"expires": int(PULL_S * NS)} if self._wait else {"no_wait": True}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
        try:
            await self._js.nc.publish(subject, orjson.dumps(ask), reply=self._inbox)
        except (nats.errors.Error, OSError) as error:
            raise EngineError("bus-unreachable", f"NATS does not answer: {error}", "is NATS up?") from error

    def _take(self, message: Msg, batch: list[Stored]) -> None:
        if not message.reply:
            self._open = 0
            if (message.headers or {}).get("Status") not in _ENDS:
                raise _BrokenError
            return
        self._open -= 1
        self._count += 1
        if message.metadata.sequence.consumer != self._count:  # some were lost on the way, with a connection
            raise _BrokenError
        batch.append(_stored(message, self._stream, dict(message.headers or {})))


class _BrokenError(Exception):
    """A reader's consumer is of no more use."""


def _stored(message: Msg, stream: str, headers: Mapping[str, str]) -> Stored:
    found = message.metadata
    at_us = int(found.timestamp.timestamp() * 1_000_000)
    return Stored(stream, found.sequence.stream, message.subject, headers, message.data, at_us)
