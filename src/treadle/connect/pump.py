"""From the spool to the bus: map what waits, publish it in the order of each key, let go of it after the answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import orjson

from treadle.base.ids import new_trace, read_traceparent
from treadle.connect.cursor import SECOND_US, instant
from treadle.connect.deliver import Tally, Unanswered, UnansweredError, deliver, first_unanswered
from treadle.connect.mapping import Mapping, Occurrence
from treadle.connect.source import Outgoing, Publish, Quarantine, Quarantined, SchemaVersionOf
from treadle.connect.spool import Spool, Stored


@dataclass(frozen=True, slots=True)
class Pump:
    """Empties one connector's part of the spool. It can be cut off anywhere: what was not let go of comes again."""

    mapping: Mapping
    spool: Spool
    publish: Publish
    quarantine: Quarantine
    schema_version_of: SchemaVersionOf

    async def round(self, tally: Tally) -> bool:
        """One batch from the head of the spool, counted; False when nothing waits.

        Raises EngineError where the bus is away or a channel has no contract yet. What was answered is let go of even
        then, so that the rest keeps its place.
        """
        stored = await asyncio.to_thread(self.spool.waiting, self.mapping.settings.name)
        batch: list[Outgoing | Quarantined] = []
        owner: list[int] = []
        for each in stored:
            for made in self._map(each):
                batch.append(made)
                owner.append(each.seq)
        ends = await deliver(batch, self.publish, self.quarantine)
        open_seqs = {seq for seq, end in zip(owner, ends, strict=True) if isinstance(end, Unanswered)}
        closed = [each.seq for each in stored if each.seq not in open_seqs]
        if closed:
            await asyncio.to_thread(self.spool.done, closed, now_us=int(time.time() * SECOND_US))
        tally.count(ends)
        tally.read += len(closed)
        if lost := first_unanswered(ends):
            raise UnansweredError(lost.why)
        return bool(stored)

    def _map(self, stored: Stored) -> list[Outgoing | Quarantined]:
        trace = read_traceparent(stored.traceparent) or new_trace()
        observed_at = instant(stored.received_us)
        try:
            record = orjson.loads(stored.body)
        except orjson.JSONDecodeError:
            return [self.mapping.unreadable(stored.body, "the body is not JSON", observed_at=observed_at, trace=trace)]
        return [
            self.mapping.outgoing(each, trace=trace, schema_version_of=self.schema_version_of)
            if isinstance(each, Occurrence)
            else each
            for each in self.mapping.occurrences(record, observed_at=observed_at, trace=trace)
        ]
