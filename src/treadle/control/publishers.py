"""How connectors publish: each as the client that it is, through the same guard as everybody."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
from nats.aio.client import Client

from treadle.bus import headers as h
from treadle.bus.backends.interface import Backend
from treadle.bus.jetstream import connect
from treadle.bus.producer import Producer
from treadle.bus.reason import EventRefusedError, Reason
from treadle.bus.subjects import dead_letter
from treadle.connect.source import Outgoing, Published, Quarantined, Receipt, Refused
from treadle.control.passwords import password
from treadle.secrets.file import FileSecrets


@dataclass(slots=True)
class Publishers:
    """One connection for each connector, opened when it first publishes.

    `backend` keeps records that cannot be mapped; `stamp_of` gives the contract in force for a channel, or empty.
    """

    url: str
    store: FileSecrets
    backend: Backend
    stamp_of: Callable[[str], str]
    _open: dict[str, tuple[Client, Producer]] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def publish(self, outgoing: Outgoing) -> Receipt:
        """Publish one event and wait until it is kept or refused. Raises EngineError where nothing answered."""
        producer = await self._producer(outgoing.connector)
        try:
            receipt = await producer.publish(
                outgoing.channel, outgoing.key, orjson.dumps(outgoing.event), trace=outgoing.trace
            )
        except EventRefusedError as refused:
            return Refused(refused.reason, refused.detail)
        return Published(receipt.duplicate)

    async def quarantine(self, record: Quarantined) -> None:
        """Keep a record that no event could be made of, among the dead letters of the channel it was meant for."""
        domain = record.channel.partition(".")[0]
        headers = {
            h.TRACEPARENT: record.trace.child().header(),
            h.PARENT_SPAN: record.trace.span_id,
            h.PRODUCER: record.connector,
            h.CONTRACT: self.stamp_of(record.channel),
            # The same record quarantined again (a restart between keeping and noting) is one dead letter.
            h.MSG_ID: record.identity,
            h.DLQ_REASON: Reason.UNMAPPABLE,
            h.DLQ_DETAIL: h.clean(record.detail),
            h.DLQ_GROUP: record.connector,
            h.DLQ_ATTEMPTS: "1",
            h.DLQ_ORIGIN: h.clean(f"{record.connector}/{record.entity}/{record.id}@{record.version}"),
            h.DLQ_AT: str(int(record.observed_at.timestamp() * 1_000_000)),
        }
        if not headers[h.MSG_ID]:
            headers[h.MSG_ID] = secrets.token_hex(16)
        subject = dead_letter(domain, record.channel, record.connector, Reason.UNMAPPABLE)
        await self.backend.publish(subject, headers, record.record)

    async def close(self) -> None:
        """Close every connection."""
        for nc, _ in self._open.values():
            await nc.close()
        self._open.clear()

    async def _producer(self, client: str) -> Producer:
        async with self._opening:
            found = self._open.get(client)
            if found is None or found[0].is_closed:
                nc = await connect(self.url, client, password(self.store, client), name=f"connector {client}")
                found = self._open[client] = (nc, Producer(nc))
            return found[1]
