"""The bus for people: follow a channel, look after dead letters. Acts as the control plane's own user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from treadle.base.errors import TreadleError
from treadle.bus import dlq
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.jetstream import JetStream
from treadle.bus.producer import Producer
from treadle.bus.record import Receipt, Stored
from treadle.bus.subjects import CONTROL, channel_stream
from treadle.control.passwords import password
from treadle.control.runfile import Run
from treadle.control.state import State
from treadle.secrets.file import FileSecrets


@dataclass(frozen=True, slots=True)
class Desk:
    """One connection, and what is done over it."""

    backend: NatsBackend

    async def letters(self, domain: str | None = None, *, state: dlq.State | None = dlq.State.OPEN) -> list[dlq.Entry]:
        """Dead letters, oldest first."""
        return await dlq.entries(self.backend, domain, state=state)

    async def letter(self, id: str) -> dlq.Entry:
        """One dead letter. Raises InputError `dead-letter-unknown`."""
        return await dlq.entry(self.backend, id)

    async def resubmit(self, id: str, body: bytes | None, *, fresh_id: bool = False) -> Receipt:
        """Send it through the guard again, mended if a body is given."""
        producer = Producer(self.backend.nc)
        return await dlq.resubmit(self.backend, producer.publish, id, body=body, fresh_id=fresh_id)

    async def discard(self, id: str) -> None:
        """Close it without sending it."""
        await dlq.discard(self.backend, id)

    async def follow(self, channels: Sequence[str], *, from_start: bool) -> AsyncGenerator[Stored]:
        """Events of these channels as they come, without end."""
        arrived: asyncio.Queue[Stored | Exception] = asyncio.Queue(maxsize=1024)
        js = JetStream(self.backend.nc)

        async def one(stream: str) -> None:
            try:
                info = await js.call(f"STREAM.INFO.{stream}")
                after = 0 if from_start else info.get("state", {}).get("last_seq", 0)
                async for batch in self.backend.follow(stream, after=after):
                    for stored in batch:
                        await arrived.put(stored)
            except TreadleError as error:
                await arrived.put(error)

        tasks = [asyncio.create_task(one(channel_stream(channel))) for channel in channels]
        try:
            while True:
                next_one = await arrived.get()
                if isinstance(next_one, Exception):
                    raise next_one
                yield next_one
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def desk(state: State, run: Run) -> AsyncIterator[Desk]:
    """A desk at a running fabric. Raises EngineError `bus-unreachable`."""
    secret = password(FileSecrets(state.secrets), CONTROL)
    async with NatsBackend.connected(run["nats"], CONTROL, secret, name="treadle events") as backend:
        yield Desk(backend)
