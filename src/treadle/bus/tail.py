"""The streams of the bus as a source of facts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from treadle.bus.backends.interface import Backend
from treadle.bus.ir import Bus
from treadle.bus.logs import PointerOf, fact_of, gap
from treadle.bus.subjects import FACTS_STREAM, UNROUTED, channel_stream, dlq_stream
from treadle.contract.model import Json
from treadle.facts.fact import Fact


class StreamSource:
    """Facts of one stream, without end. A `treadle.facts.source.Source`; its offset is the last sequence read."""

    def __init__(self, backend: Backend, stream: str, pointer_of: PointerOf) -> None:
        self._backend = backend
        self._stream = stream
        self._pointer_of = pointer_of

    @property
    def name(self) -> str:
        """`bus:` and the stream."""
        return f"bus:{self._stream}"

    async def batches(self, offset: Json) -> AsyncIterator[tuple[Sequence[Fact], Json]]:
        """Facts after a sequence. What the stream dropped before it was read is a fact as well."""
        after = offset if isinstance(offset, int) else 0
        async for batch in self._backend.follow(self._stream, after=after):
            facts: list[Fact] = []
            for stored in batch:
                if stored.sequence > after + 1:
                    facts.append(gap(stored, stored.sequence - after - 1))
                told = fact_of(stored, self._pointer_of)
                if told:
                    facts.append(told)
                after = stored.sequence
            yield facts, after


def streams(bus: Bus) -> tuple[str, ...]:
    """Every stream that tells facts of this bus."""
    domains = {topic.domain for topic in bus.topics} | {d for each in bus.producers for d in each.domains}
    channels = (channel_stream(topic.channel) for topic in bus.topics)
    return (*channels, *(dlq_stream(domain) for domain in sorted({*domains, UNROUTED})), FACTS_STREAM)
